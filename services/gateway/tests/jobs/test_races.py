"""What goes wrong in the middle of things: time-outs, crashes and repetitions at the worst moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format
from immichvr.common.v1.common_pb2 import Error
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    DeadJob,
    Job,
    JobEvent,
    JobState,
)
from immichvr_common.arrivals import read_job
from immichvr_common.bus import Bus, BusFull, Delivery
from immichvr_common.bus.streams import durable_name
from immichvr_common.bus.subjects import event_subject
from immichvr_common.errors import Unavailable
from immichvr_common.parts import prefix_of
from immichvr_common.reporting import encode
from immichvr_common.testing.jobs import make_job
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.keeping import RecordKeeper
from immichvr_gateway.jobs.looking import Queued, queued_at
from immichvr_gateway.jobs.queue import JobQueue
from immichvr_gateway.jobs.records import JobRecord, State, new_record
from immichvr_gateway.jobs.service import JobService
from immichvr_gateway.jobs.store import JobStore


class Reader:
    """Reading that is as far as a test says."""

    def __init__(self, position: int = 2**62, caught_up: bool = True) -> None:
        self.position, self.caught_up = position, caught_up
        self.store: JobStore | None = None

    async def is_caught_up(self) -> bool:
        return self.caught_up

    async def take(self, subject: str, data: bytes, seq: int) -> None:
        assert self.store is not None
        await self.store.on_event(json_format.Parse(data, JobEvent()))


Make = Callable[..., JobService]


@pytest.fixture
def make_jobs(empty_bus: Bus, settings, service_over) -> Make:
    """A gateway's jobs; another one knows nothing of the first."""

    def make(reader: Reader | None = None, told: list[tuple[str, int, str]] | None = None) -> JobService:
        def on_change(record: JobRecord) -> None:
            if told is not None:
                told.append((record.id, record.run, record.state))

        reader = reader or Reader()
        retrying = settings.model_copy(update={"retries": 1})
        store = JobStore(empty_bus, JobIndex(), retrying, RecordKeeper(empty_bus), reader, [on_change])
        reader.store = store
        return service_over(store, retrying)

    return make


@pytest.fixture
def job() -> Job:
    return make_job()


async def submitted(jobs: JobService, job: Job, who: str = "ann") -> JobRecord:
    record = new_record(job, jobs.store.subject(job.kind, job.id), who, {"model": "auto"})
    return await jobs.submit(record, who, jobs.ended_run(job.id))


def told(job: Job, state: JobState, code: str = "", seq: int = 1, run: int = 1, attempt: int = 1) -> JobEvent:
    event = JobEvent(
        job_id=job.id, kind=job.kind, photo_id=job.photo_id, run=run, attempt=attempt, seq=seq, state=state
    )
    event.at.GetCurrentTime()
    if code:
        event.error.CopyFrom(Error(code=code, message="so it goes", retriable=True))
    return event


async def told_on_the_bus(bus: Bus, event: JobEvent) -> int:
    receipt = await bus.publish(event_subject("ai", "job", event.job_id), encode(event))
    return int(receipt.seq)


def known(jobs: JobService, job: Job) -> JobRecord:
    record = jobs.store.index.get(job.id)
    assert record is not None
    return record


async def queued_runs(bus: Bus) -> list[int]:
    """The runs that lie in the queue."""
    info = await bus.js.stream_info("JOBS", subjects_filter="jobs.>")
    found = [await bus.js.get_last_msg("JOBS", subject) for subject in info.state.subjects or {}]
    return [json_format.Parse(message.data or b"", Job()).run for message in found]


async def written(bus: Bus, job: Job) -> JobRecord:
    entry = await (await bus.js.key_value("jobs")).get(job.id)
    return JobRecord.model_validate_json(entry.value or b"")


def failing(monkeypatch: pytest.MonkeyPatch, bus: Bus, prefix: str, error: Exception) -> None:
    """From now on nothing can be published under subjects that begin so."""
    publish = bus.publish

    async def fail(subject: str, *rest: Any) -> Any:
        if subject.startswith(prefix):
            raise error
        return await publish(subject, *rest)

    monkeypatch.setattr(bus, "publish", fail)


OUTAGES = [Unavailable("NATS did not confirm", down="nats"), BusFull("the store of NATS is full")]


@pytest.mark.parametrize("outage", OUTAGES)
@pytest.mark.parametrize("mended_by", ["replay", "reconcile"])
async def test_a_failure_that_cannot_be_written_down_as_dead_at_once_is_later(
    make_jobs: Make, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch, outage: Exception, mended_by: str
) -> None:
    news = list[tuple[str, int, str]]()
    jobs = make_jobs(told=news)
    await submitted(jobs, job)
    failed = told(job, JOB_STATE_FAILED, "invalid_image")
    with monkeypatch.context() as broken:
        failing(broken, empty_bus, "dead.", outage)
        await jobs.store.on_event(failed)
    assert news[-1] == (job.id, 1, State.FAILED)
    assert (await written(empty_bus, job)).state is State.FAILED
    await empty_bus.js.purge_stream("JOBS")
    await (jobs.store.on_event(failed) if mended_by == "replay" else jobs.store.reconcile())
    dead = await empty_bus.js.get_last_msg("DEAD", f"dead.depth.{job.id}")
    assert json_format.Parse(dead.data or b"", DeadJob()).error.code == "invalid_image"
    assert jobs.store.owing == [] and (await written(empty_bus, job)).owed == []


@pytest.mark.parametrize("outage", OUTAGES)
@pytest.mark.parametrize("code", ["returned", "worker_crashed"])
@pytest.mark.parametrize("mended_by", ["replay", "reconcile", "restart"])
async def test_a_job_that_cannot_be_queued_again_at_once_is_later(
    make_jobs: Make, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch,
    outage: Exception, code: str, mended_by: str,
) -> None:  # fmt: skip
    jobs = make_jobs()
    await submitted(jobs, job)
    await empty_bus.js.purge_stream("JOBS")
    failed = told(job, JOB_STATE_FAILED, code)
    with monkeypatch.context() as broken:
        failing(broken, empty_bus, "jobs.", outage)
        await jobs.store.on_event(failed)
        await jobs.store.reconcile()
        await jobs.store.reconcile()
    assert (known(jobs, job).run, known(jobs, job).state, jobs.store.owing) == (2, State.QUEUED, [job.id])
    if mended_by == "restart":
        records, jobs = RecordKeeper(empty_bus), make_jobs()
        for record in await records.load():
            jobs.store.index.put(record)
    await (jobs.store.on_event(failed) if mended_by == "replay" else jobs.store.reconcile())
    assert await queued_runs(empty_bus) == [2]
    assert (known(jobs, job).state, jobs.store.owing) == (State.QUEUED, [])
    assert (await written(empty_bus, job)).owed == []


async def test_a_job_that_a_worker_acknowledges_while_it_is_cancelled_is_cancelled(
    make_jobs: Make, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = make_jobs()
    record = await submitted(jobs, job)
    look = empty_bus.js.get_last_msg

    async def look_too_late(stream: str, subject: str, **rest: Any) -> Any:
        found = await look(stream, subject, **rest)
        await empty_bus.js.purge_stream("JOBS")
        return found

    with monkeypatch.context() as late:
        late.setattr(empty_bus.js, "get_last_msg", look_too_late)
        await jobs.cancel(record, "ann")
    assert await queued_runs(empty_bus) == []
    last = await look("EVENTS", event_subject("gateway", "job", job.id))
    assert json_format.Parse(last.data or b"", JobEvent()).state == JOB_STATE_CANCELLED


@pytest.mark.parametrize("kind", ["reconstruct", "depth"])
async def test_of_what_may_go_on_elsewhere_a_message_is_left_when_it_is_cancelled_between_two_attempts(
    make_jobs: Make, job: Job, empty_bus: Bus, kind: str
) -> None:
    job.kind, jobs = kind, make_jobs()
    record = await submitted(jobs, job)
    await empty_bus.js.purge_stream("JOBS")
    await jobs.store.on_event(told(job, JOB_STATE_FAILED, "returned"))
    assert await queued_runs(empty_bus) == [2]
    await jobs.cancel(known(jobs, job), "ann")
    left = await queued_at(empty_bus, record.subject)
    assert (left is not None and left.job.withdrawn) is (kind == "reconstruct")
    await jobs.store.on_event(told(job, JOB_STATE_CANCELLED, run=2))
    await empty_bus.js.purge_stream("JOBS")
    await jobs.retry(known(jobs, job))
    again = await queued_at(empty_bus, record.subject)
    assert again is not None and (again.job.run, again.job.withdrawn) == (3, False)


@pytest.mark.parametrize("knows", [True, False], ids=["known", "forgotten"])
@pytest.mark.parametrize("anew", ["asked", "retried"])
async def test_who_asks_anew_before_a_worker_sees_that_a_job_is_withdrawn_is_heard_and_goes_on_with_what_is_elsewhere(
    make_jobs: Make, job: Job, empty_bus: Bus, anew: str, knows: bool
) -> None:
    job.kind, jobs = "reconstruct", make_jobs()
    record = await submitted(jobs, job)
    await empty_bus.js.purge_stream("JOBS")
    await jobs.store.on_event(told(job, JOB_STATE_FAILED, "returned"))
    began = await queued_at(empty_bus, record.subject)
    assert began is not None
    await jobs.cancel(known(jobs, job), "ann")
    await jobs.store.on_event(told(job, JOB_STATE_CANCELLED, run=2))
    if not knows:
        jobs = make_jobs()
        await jobs.store.reconcile()
        assert jobs.store.index.get(job.id) is None, "nobody wants it"
    async with asyncio.timeout(2):
        if anew == "retried" and knows:
            await jobs.retry(known(jobs, job))
        else:
            await submitted(jobs, job, "bob")
    queued = await queued_at(empty_bus, record.subject)
    assert queued is not None
    assert (queued.job.run, queued.job.withdrawn) == (3, False)
    assert prefix_of(queued.job) == prefix_of(began.job), "it finds what is kept of the job elsewhere"
    assert (known(jobs, job).run, known(jobs, job).state) == (3, State.QUEUED)
    # The end of the run that was withdrawn, told late, is not this one's.
    await jobs.store.on_event(told(job, JOB_STATE_CANCELLED, run=2, attempt=9))
    await jobs.store.reconcile()
    await jobs.store.reconcile()
    assert (known(jobs, job).state, await queued_runs(empty_bus)) == (State.QUEUED, [3])


async def withdrawn(jobs: JobService, job: Job, bus: Bus) -> Queued:
    """Has a job be cancelled between two attempts: its message, which is left in the queue."""
    job.kind = "reconstruct"
    record = await submitted(jobs, job)
    await bus.js.purge_stream("JOBS")
    await jobs.store.on_event(told(job, JOB_STATE_FAILED, "returned"))
    await jobs.cancel(known(jobs, job), "ann")
    await jobs.store.on_event(told(job, JOB_STATE_CANCELLED, run=2))
    left = await queued_at(bus, record.subject)
    assert left is not None and left.job.withdrawn
    return left


async def given_out(bus: Bus, subject: str) -> Delivery:
    """The message that a worker gets now."""
    async with bus.pulling("JOBS", durable_name(*subject.split(".")[1:4])) as puller:
        found = await puller.next(5)
    assert found is not None and found.subject == subject
    return found


def make_anew(job: Job) -> Job:
    """The same asked for later."""
    fresh = Job()
    fresh.CopyFrom(job)
    fresh.created_at.FromMilliseconds(job.created_at.ToMilliseconds() + 60_000)
    return fresh


def waiting(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Is set once somebody waits for a message to be acknowledged."""
    waits, make_way = asyncio.Event(), JobQueue._make_way

    async def tell(queue: JobQueue, *rest: Any) -> None:
        waits.set()
        await make_way(queue, *rest)

    monkeypatch.setattr(JobQueue, "_make_way", tell)
    return waits


@pytest.mark.parametrize("anew", ["seen", "forced"])
async def test_who_asks_anew_goes_on_with_nothing_that_a_worker_ends_or_is_to_be_made_from_nothing(
    make_jobs: Make, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch, anew: str
) -> None:
    jobs, waits = make_jobs(), waiting(monkeypatch)
    left, subject = await withdrawn(jobs, job, empty_bus), known(jobs, job).subject
    fresh = make_anew(job)
    if anew == "seen":
        delivery = await given_out(empty_bus, subject)
    else:
        fresh.asked_at.CopyFrom(fresh.created_at)
    asked = asyncio.create_task(submitted(jobs, fresh, "bob"))
    async with asyncio.timeout(10):
        await waits.wait()
        assert not asked.done()
        if anew == "forced":
            delivery = await given_out(empty_bus, subject)
        await delivery.acknowledge()
        assert (await asked).run == 3
    queued = await queued_at(empty_bus, subject)
    assert queued is not None and (queued.job.run, queued.job.withdrawn) == (3, False)
    assert prefix_of(queued.job) != prefix_of(left.job)


async def test_a_worker_that_gets_a_withdrawn_message_while_it_is_removed_ends_what_nobody_goes_on_with(
    make_jobs: Make, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = make_jobs()
    left, subject = await withdrawn(jobs, job, empty_bus), known(jobs, job).subject
    remove, seen = empty_bus.remove, list[Delivery]()

    async def remove_too_late(stream: str, seq: int) -> None:
        seen.append(await given_out(empty_bus, subject))
        await remove(stream, seq)

    monkeypatch.setattr(empty_bus, "remove", remove_too_late)
    await submitted(jobs, make_anew(job), "bob")
    queued = await queued_at(empty_bus, subject)
    assert len(seen) == 1
    assert queued is not None and queued.job.run == 3
    assert prefix_of(queued.job) != prefix_of(left.job)


@pytest.mark.parametrize("outage", OUTAGES)
async def test_where_nothing_can_be_queued_a_worker_still_ends_what_was_withdrawn(
    make_jobs: Make, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch, outage: Exception
) -> None:
    jobs = make_jobs()
    left, subject = await withdrawn(jobs, job, empty_bus), known(jobs, job).subject
    publish = empty_bus.publish

    async def fail(where: str, payload: bytes, *rest: Any) -> Any:
        if where == subject and await queued_at(empty_bus, subject) is None and not read_job(where, payload).withdrawn:
            raise outage
        return await publish(where, payload, *rest)

    with monkeypatch.context() as broken:
        broken.setattr(empty_bus, "publish", fail)
        with pytest.raises(type(outage)):
            await submitted(jobs, make_anew(job), "bob")
    queued = await queued_at(empty_bus, subject)
    assert queued is not None and queued.job == left.job
    await submitted(jobs, make_anew(job), "bob")
    queued = await queued_at(empty_bus, subject)
    assert queued is not None and (queued.job.run, queued.job.withdrawn) == (3, False)
    assert prefix_of(queued.job) == prefix_of(left.job)


async def test_what_is_owed_about_one_job_is_done_whatever_is_wrong_with_another(
    make_jobs: Make, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, bad = make_jobs(), make_job()
    for one in (bad, job):
        await submitted(jobs, one)
        await empty_bus.js.purge_stream("JOBS")
        with monkeypatch.context() as broken:
            failing(broken, empty_bus, "jobs.", Unavailable("away", down="nats"))
            await jobs.store.on_event(told(one, JOB_STATE_FAILED, "returned"))
    known(jobs, bad).message = {"run": "not a number"}
    await jobs.store.reconcile()
    assert await queued_runs(empty_bus) == [2]
    assert known(jobs, job).owed == [] and jobs.store.owing == []
    assert known(jobs, bad).state is State.FAILED


async def test_a_crash_between_queueing_a_run_and_writing_it_down_neither_loses_nor_repeats_it(
    make_jobs: Make, job: Job, empty_bus: Bus
) -> None:
    before = make_jobs()
    await submitted(before, job)
    record = (await written(empty_bus, job)).model_copy(deep=True)
    await empty_bus.js.purge_stream("JOBS")
    failed = told(job, JOB_STATE_FAILED, "returned")
    position = await told_on_the_bus(empty_bus, failed)
    await before.store.on_event(failed)
    assert await queued_runs(empty_bus) == [2]
    # The gateway was killed before its record was safe; the next one reads the event again.
    for ended in (False, True):
        if ended:
            await empty_bus.js.purge_stream("JOBS")
            await told_on_the_bus(empty_bus, told(job, JOB_STATE_SUCCEEDED, run=2))
        after = make_jobs(Reader(position - 1))
        after.store.index.put(record.model_copy(deep=True))
        await after.store.on_event(failed)
        assert await queued_runs(empty_bus) == ([] if ended else [2])
        assert (known(after, job).run, known(after, job).state) == (2, State.QUEUED)
    await after.store.on_event(told(job, JOB_STATE_SUCCEEDED, run=2))
    assert known(after, job).state is State.SUCCEEDED


async def test_an_end_that_was_told_is_never_taken_for_a_loss(make_jobs: Make, job: Job, empty_bus: Bus) -> None:
    jobs = make_jobs()
    await submitted(jobs, job)
    await jobs.store.on_event(told(job, JOB_STATE_RUNNING))
    await told_on_the_bus(empty_bus, told(job, JOB_STATE_SUCCEEDED, seq=2))
    await empty_bus.js.purge_stream("JOBS")
    for _ in range(3):
        await jobs.store.reconcile()
    assert known(jobs, job).state is State.SUCCEEDED


async def test_nothing_is_declared_lost_while_events_wait_to_be_read(make_jobs: Make, job: Job, empty_bus: Bus) -> None:
    reader = Reader(caught_up=False)
    jobs = make_jobs(reader)
    await submitted(jobs, job)
    await empty_bus.js.purge_stream("JOBS")
    for _ in range(3):
        await jobs.store.reconcile()
    assert known(jobs, job).state is State.QUEUED
    reader.caught_up = True
    await jobs.store.reconcile()
    assert known(jobs, job).error is not None and known(jobs, job).error.code == "lost"  # type: ignore[union-attr]


async def test_what_is_told_of_a_job_that_was_thought_lost_counts(make_jobs: Make, job: Job, empty_bus: Bus) -> None:
    jobs = make_jobs()
    await submitted(jobs, job)
    await empty_bus.js.purge_stream("JOBS")
    await jobs.store.reconcile()
    await jobs.store.reconcile()
    assert known(jobs, job).state is State.FAILED
    await jobs.store.on_event(told(job, JOB_STATE_SUCCEEDED, seq=5))
    assert (known(jobs, job).state, known(jobs, job).error) == (State.SUCCEEDED, None)
    assert (await written(empty_bus, job)).state is State.SUCCEEDED


async def test_a_run_whose_message_is_gone_is_queued_though_nats_remembers_its_name(
    make_jobs: Make, job: Job, empty_bus: Bus
) -> None:
    await submitted(make_jobs(), job)
    await empty_bus.js.purge_stream("JOBS")
    forgetful = make_jobs()
    record = await submitted(forgetful, job)
    assert (record.run, record.state) == (1, State.QUEUED)
    assert await queued_runs(empty_bus) == [1]


async def test_a_run_that_has_ended_and_was_forgotten_is_not_begun_again_under_its_number(
    make_jobs: Make, job: Job, empty_bus: Bus
) -> None:
    await submitted(make_jobs(), job)
    await empty_bus.js.purge_stream("JOBS")
    await told_on_the_bus(empty_bus, told(job, JOB_STATE_SUCCEEDED))
    record = await submitted(make_jobs(), job)
    assert (record.run, record.state) == (2, State.QUEUED)
    assert await queued_runs(empty_bus) == [2]


async def test_a_run_whose_end_is_still_to_be_read_is_not_queued_again(
    make_jobs: Make, job: Job, empty_bus: Bus
) -> None:
    await submitted(make_jobs(), job)
    await empty_bus.js.purge_stream("JOBS")
    place = await told_on_the_bus(empty_bus, told(job, JOB_STATE_SUCCEEDED))
    behind = make_jobs(Reader(position=place - 1))
    record = await submitted(behind, job, "bob")
    assert record.run == 1 and await queued_runs(empty_bus) == []
    await behind.store.on_event(told(job, JOB_STATE_SUCCEEDED))
    assert known(behind, job).state is State.SUCCEEDED


async def test_a_run_in_the_queue_that_a_killed_gateway_began_is_taken_up(
    make_jobs: Make, job: Job, empty_bus: Bus
) -> None:
    one = make_jobs()
    await submitted(one, job)
    await one.store.on_event(told(job, JOB_STATE_FAILED, "invalid_image"))
    record = (await written(empty_bus, job)).model_copy(deep=True)
    await empty_bus.js.purge_stream("JOBS")
    await one.retry(known(one, job))
    other = make_jobs()
    other.store.index.put(record)
    await other.store.reconcile()
    assert (known(other, job).run, known(other, job).state) == (2, State.QUEUED)
    assert known(other, job).requesters == ["ann"]


async def test_no_two_are_at_one_job_at_once_however_many_jobs_there_are(
    make_jobs: Make, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, inside, most = make_jobs(), 0, 0

    async def hold() -> None:
        nonlocal inside, most
        async with jobs.store.lock(job.id):
            inside += 1
            most = max(most, inside)
            for _ in range(5):
                await asyncio.sleep(0)
            inside -= 1

    async def pass_by(name: str) -> None:
        async with jobs.store.lock(name):
            pass

    await asyncio.gather(hold(), hold(), *(pass_by(f"job-{one}") for one in range(5000)), hold(), hold())
    assert most == 1
