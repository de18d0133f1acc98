"""A job that is cancelled while it may go on elsewhere, and what becomes of it when it is asked for anew."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from immichvr.events.v1.events_pb2 import JOB_STATE_CANCELLED, JOB_STATE_FAILED, Job
from immichvr_common.arrivals import read_job
from immichvr_common.bus import Bus, Delivery
from immichvr_common.bus.streams import durable_name
from immichvr_common.parts import asked_at, prefix_of
from immichvr_common.reporting import encode
from immichvr_gateway.jobs.looking import Queued, queued_at
from immichvr_gateway.jobs.queue import _MOST_SUPERSEDED, JobQueue, _superseding
from immichvr_gateway.jobs.records import State
from immichvr_gateway.jobs.service import JobService
from told_jobs import OUTAGES, Make, known, queued_runs, submitted, told


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


def impatient(make_jobs: Make, left_behind_s: float = 0.1) -> JobService:
    """Jobs of a gateway that waits no longer than that for the message of an ended run to be acknowledged."""
    jobs = make_jobs()
    jobs.store.queue.left_behind_s = left_behind_s
    return jobs


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


async def test_what_is_made_from_nothing_while_no_worker_is_there_has_one_end_what_was_withdrawn_before_it_begins(
    make_jobs: Make, job: Job, empty_bus: Bus
) -> None:
    jobs, moments = impatient(make_jobs), list[int]()
    left, subject = await withdrawn(jobs, job, empty_bus), known(jobs, job).subject
    fresh = job
    for run in (3, 4):
        moments.append(asked_at(left.job).ToNanoseconds())
        fresh = make_anew(fresh)
        fresh.asked_at.CopyFrom(fresh.created_at)
        if run == 4:
            jobs = impatient(make_jobs)  # one that knows of nothing
        assert (await submitted(jobs, fresh, "bob")).run == run
        queued = await queued_at(empty_bus, subject)
        assert queued is not None and (queued.job.run, queued.job.withdrawn) == (run, False)
        assert [moment.ToNanoseconds() for moment in queued.job.superseded] == moments
        assert prefix_of(queued.job) != prefix_of(left.job)
        for who in list(known(jobs, job).requesters):
            await jobs.cancel(known(jobs, job), who)
        await jobs.store.on_event(told(job, JOB_STATE_CANCELLED, run=run))
        again = await queued_at(empty_bus, subject)
        assert again is not None and again.job.withdrawn
        assert [moment.ToNanoseconds() for moment in again.job.superseded] == moments
        left = again
    assert (await submitted(jobs, make_anew(job), "bob")).run == 5
    queued = await queued_at(empty_bus, subject)
    assert queued is not None and (queued.job.run, queued.job.withdrawn) == (5, False)
    assert prefix_of(queued.job) == prefix_of(left.job), "who does not force it goes on with the last"
    assert [moment.ToNanoseconds() for moment in queued.job.superseded] == moments, "and has the others ended"


async def test_a_retry_goes_on_with_its_own_wish_though_another_was_to_end_that(
    make_jobs: Make, job: Job, empty_bus: Bus
) -> None:
    jobs = impatient(make_jobs)
    left, subject = await withdrawn(jobs, job, empty_bus), known(jobs, job).subject
    message, forced = known(jobs, job).message, make_anew(job)
    forced.asked_at.CopyFrom(forced.created_at)
    await submitted(jobs, forced, "bob")
    for who in list(known(jobs, job).requesters):
        await jobs.cancel(known(jobs, job), who)
    await jobs.store.on_event(told(job, JOB_STATE_CANCELLED, run=3))
    await jobs.retry(known(jobs, job), message)
    queued = await queued_at(empty_bus, subject)
    assert queued is not None and (queued.job.run, queued.job.withdrawn) == (4, False)
    assert prefix_of(queued.job) == prefix_of(left.job)
    assert list(queued.job.superseded) == [forced.asked_at]


async def test_what_another_gateway_queues_while_a_withdrawn_message_makes_way_stays(
    make_jobs: Make, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = impatient(make_jobs, -1.0)
    left, subject = await withdrawn(jobs, job, empty_bus), known(jobs, job).subject
    others, fresh = Job(), make_anew(job)
    fresh.asked_at.CopyFrom(fresh.created_at)
    others.CopyFrom(fresh)
    others.run, seqs = 3, list[int]()

    async def look(bus: Bus, where: str) -> Queued | None:
        found = await queued_at(bus, where)
        if found is not None and found.seq == left.seq:
            await bus.remove("JOBS", left.seq)
            seqs.append((await bus.publish(where, encode(others))).seq)
        return found

    monkeypatch.setattr("immichvr_gateway.jobs.queue.queued_at", look)
    assert (await submitted(jobs, fresh, "bob")).run == 3
    queued = await queued_at(empty_bus, subject)
    assert queued is not None and [queued.seq] == seqs


@pytest.mark.parametrize("more", [0, 2])
def test_where_more_wishes_are_to_be_ended_than_a_message_names_the_log_tells_of_the_oldest(
    job: Job, capsys: pytest.CaptureFixture[str], more: int
) -> None:
    left = make_anew(job)
    for second in range(_MOST_SUPERSEDED - 1 + more):
        left.superseded.add().FromSeconds(second)
    named = [*left.superseded, left.created_at][more:]
    assert list(_superseding(job, left).superseded) == named
    assert ("what a cancelled job began elsewhere may go on" in capsys.readouterr().out) is (more > 0)
