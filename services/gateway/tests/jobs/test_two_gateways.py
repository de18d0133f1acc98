"""Two gateways on one NATS: neither takes from the other a requester, a withdrawal or an end."""

from __future__ import annotations

import pytest
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    Job,
    JobEvent,
    JobState,
)
from immichvr_common.bus import Bus
from immichvr_common.testing.jobs import make_job
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.keeping import RecordKeeper
from immichvr_gateway.jobs.machine import Debt
from immichvr_gateway.jobs.merging import merged
from immichvr_gateway.jobs.records import JobRecord, State, new_record
from immichvr_gateway.jobs.store import JobStore

INTERACTIVE, BATCH = (f"jobs.ai.cpu.{job_class}.depth.depth-p-r" for job_class in ("interactive", "batch"))


class Gateway:
    """What a gateway knows of jobs."""

    def __init__(self, bus: Bus, settings, service_over) -> None:
        self.records, self.index = RecordKeeper(bus), JobIndex()
        self.ended: list[str] = []
        self.store = JobStore(bus, self.index, settings, self.records, listeners=[self._on_change])
        self.jobs = service_over(self.store, settings)

    def _on_change(self, record: JobRecord) -> None:
        if record.state.terminal:
            self.ended.append(record.id)

    async def load(self) -> None:
        for record in await self.records.load():
            self.index.put(record)

    def known(self, job: Job) -> JobRecord:
        record = self.index.get(job.id)
        assert record is not None
        return record


@pytest.fixture
async def two(empty_bus: Bus, settings, service_over) -> tuple[Gateway, Gateway]:
    return Gateway(empty_bus, settings, service_over), Gateway(empty_bus, settings, service_over)


async def as_written(bus: Bus, job: Job) -> JobRecord:
    entry = await (await bus.js.key_value("jobs")).get(job.id)
    return JobRecord.model_validate_json(entry.value or b"")


def asked(gateway: Gateway, job: Job, who: str) -> JobRecord:
    return new_record(job, gateway.store.subject(job.kind, job.id), who, {"model": "auto"})


def told(job: Job, state: JobState, seq: int = 1, run: int = 1) -> JobEvent:
    event = JobEvent(job_id=job.id, kind=job.kind, photo_id=job.photo_id, run=run, attempt=1, seq=seq, state=state)
    event.at.GetCurrentTime()
    return event


async def test_a_gateway_that_knows_a_job_from_its_end_alone_does_not_write_over_who_asked_for_it(
    two: tuple[Gateway, Gateway], empty_bus: Bus
) -> None:
    one, blank = two
    job = make_job()
    await one.jobs.submit(asked(one, job, "ann"), "ann", 0)
    await blank.store.on_event(told(job, JOB_STATE_SUCCEEDED))
    stored = await as_written(empty_bus, job)
    assert (stored.state, stored.requesters, stored.params) == (State.SUCCEEDED, ["ann"], {"model": "auto"})
    assert blank.known(job).requesters == ["ann"]
    assert blank.known(job).message == one.known(job).message


async def test_an_end_is_written_down_and_told_to_all_others_though_one_who_listens_fails(
    two: tuple[Gateway, Gateway], empty_bus: Bus
) -> None:
    one, _ = two
    job = make_job()
    await one.jobs.submit(asked(one, job, "ann"), "ann", 0)

    def fail(record: JobRecord) -> None:
        raise ValueError("an odd view")

    one.store.listeners.insert(0, fail)
    await one.store.on_event(told(job, JOB_STATE_SUCCEEDED))
    assert ((await as_written(empty_bus, job)).state, one.ended) == (State.SUCCEEDED, [job.id])


async def test_those_who_join_at_either_gateway_are_all_kept(two: tuple[Gateway, Gateway], empty_bus: Bus) -> None:
    one, other = two
    job = make_job()
    await one.jobs.submit(asked(one, job, "ann"), "ann", 0)
    await other.load()
    await other.jobs.join(job.id, "bob")
    await one.jobs.join(job.id, "eve")
    assert set((await as_written(empty_bus, job)).requesters) == {"ann", "bob", "eve"}
    assert set(one.known(job).requesters) == {"ann", "bob", "eve"}


async def test_who_withdrew_at_one_gateway_is_not_brought_back_by_the_other(
    two: tuple[Gateway, Gateway], empty_bus: Bus
) -> None:
    one, other = two
    job = make_job()
    await one.jobs.submit(asked(one, job, "ann"), "ann", 0)
    await one.jobs.join(job.id, "bob")
    await other.load()
    await other.jobs.cancel(other.known(job), "bob")
    await one.jobs.join(job.id, "eve")
    assert set((await as_written(empty_bus, job)).requesters) == {"ann", "eve"}


async def test_a_job_goes_on_for_who_joined_at_the_other_gateway(two: tuple[Gateway, Gateway], empty_bus: Bus) -> None:
    one, other = two
    job = make_job()
    await one.jobs.submit(asked(one, job, "ann"), "ann", 0)
    await other.load()
    await other.jobs.join(job.id, "bob")
    await one.jobs.cancel(one.known(job), "ann")
    assert (await empty_bus.js.stream_info("JOBS")).state.messages == 1
    assert (await as_written(empty_bus, job)).requesters == ["bob"]
    await other.jobs.cancel(other.known(job), "bob")
    assert (await empty_bus.js.stream_info("JOBS")).state.messages == 0


async def test_an_end_that_one_gateway_wrote_is_not_undone_by_one_that_is_behind(
    two: tuple[Gateway, Gateway], empty_bus: Bus
) -> None:
    one, behind = two
    job = make_job()
    await one.jobs.submit(asked(one, job, "ann"), "ann", 0)
    await behind.load()
    await one.store.on_event(told(job, JOB_STATE_SUCCEEDED, seq=5))
    await behind.store.on_event(told(job, JOB_STATE_RUNNING, seq=2))
    for who in ("bob", "eve"):
        await behind.jobs.join(job.id, who)
    stored = await as_written(empty_bus, job)
    assert (stored.state, stored.seq, set(stored.requesters)) == (State.SUCCEEDED, 5, {"ann", "bob", "eve"})
    # The one that is behind learns of the end in its turn, after the asset's event.
    assert behind.known(job).state is State.RUNNING
    await behind.store.on_event(told(job, JOB_STATE_SUCCEEDED, seq=5))
    assert (behind.known(job).state, behind.ended) == (State.SUCCEEDED, [job.id])


async def test_a_run_that_one_gateway_began_is_known_to_the_other_when_it_writes(
    two: tuple[Gateway, Gateway], empty_bus: Bus
) -> None:
    one, other = two
    job = make_job()
    await one.jobs.submit(asked(one, job, "ann"), "ann", 0)
    for gateway in two:
        await gateway.load()
        await gateway.store.on_event(told(job, JOB_STATE_FAILED))
    await empty_bus.js.purge_stream("JOBS")
    await one.jobs.retry(one.known(job))
    await other.store.settle(other.known(job))
    stored = await as_written(empty_bus, job)
    assert (stored.run, stored.state) == (2, State.QUEUED)
    assert (other.known(job).run, other.known(job).state) == (2, State.QUEUED)


def a_record(requesters: list[str], run: int = 1, state: State = State.RUNNING, seq: int = 1) -> JobRecord:
    job = make_job()
    job.id = "depth-p-r"
    record = new_record(job, INTERACTIVE, "ann", {})
    return record.model_copy(update={"requesters": requesters, "run": run, "state": state, "seq": seq})


@pytest.mark.parametrize("mine_ends", [State.FAILED, State.CANCELLED])
def test_of_two_ends_of_one_run_the_first_stands(mine_ends: State) -> None:
    mine, stored = a_record(["ann"], state=mine_ends, seq=9), a_record(["ann"], state=State.SUCCEEDED, seq=4)
    assert merged(mine, stored, ["ann"]).state is State.SUCCEEDED


def test_what_each_put_first_stays_first_for_them_and_what_was_put_first_later_counts() -> None:
    mine, stored = a_record(["ann", "bob"]), a_record(["ann", "bob"])
    at = mine.created_at
    mine.first_for, stored.first_for = {"ann": at}, {"ann": at.replace(year=2001), "bob": at}
    assert merged(mine, stored, ["ann", "bob"]).first_for == {"ann": at, "bob": at}


def test_who_withdrew_at_either_has_it_first_no_more() -> None:
    mine, stored = a_record(["bob", "eve"]), a_record(["ann", "eve"])
    at = mine.created_at
    mine.first_for, stored.first_for = {"bob": at, "eve": at}, {"ann": at, "eve": at}
    both = merged(mine, stored, ["ann", "bob", "eve"])
    assert (both.requesters, both.first_for) == (["eve"], {"eve": at})


@pytest.mark.parametrize("at_mine", [True, False])
def test_a_job_that_waits_in_a_batch_and_that_either_put_first_is_awaited(at_mine: bool) -> None:
    mine, stored = a_record(["ann"], state=State.QUEUED), a_record(["ann"], state=State.QUEUED)
    mine.in_line = stored.in_line = mine.created_at
    behind = stored if at_mine else mine
    behind.subject = BATCH
    assert merged(mine, stored, ["ann"]).subject == INTERACTIVE


@pytest.mark.parametrize("at_mine", [True, False])
def test_a_job_that_either_has_let_go_on_lies_where_that_one_put_it_whoever_put_it_first_since(at_mine: bool) -> None:
    mine, stored = a_record(["ann"], state=State.QUEUED), a_record(["ann"], state=State.QUEUED)
    gone_on, waits = (mine, stored) if at_mine else (stored, mine)
    gone_on.subject, waits.in_line, waits.owed = BATCH, waits.created_at, [Debt.QUEUE]
    both = merged(mine, stored, ["ann"])
    assert (both.subject, both.in_line, both.owed) == (BATCH, None, [])


def test_the_later_run_stands_whatever_the_clock_says() -> None:
    mine, stored = a_record(["ann"], run=2, state=State.QUEUED, seq=0), a_record(["ann"], state=State.SUCCEEDED)
    mine.updated_at = mine.updated_at.replace(year=2001)
    assert merged(mine, stored, ["ann"]).run == 2
    assert merged(stored, mine, ["ann"]).run == 2
