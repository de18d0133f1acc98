"""Jobs between requests and workers: what overtakes, what ends meanwhile, what cannot be written down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import nats.errors
import pytest
from google.protobuf import json_format
from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    Job,
    JobEvent,
    JobState,
)
from immichvr.inpaint.v1.inpaint_pb2 import ReconstructParams
from immichvr_common.bus import Bus
from immichvr_common.parts import prefix_of
from immichvr_common.sources import Source
from immichvr_common.testing.jobs import make_job
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.looking import Queued, queued_at
from immichvr_gateway.jobs.records import LIGHT, JobRecord, State, new_record
from immichvr_gateway.jobs.service import JobService
from immichvr_gateway.jobs.store import JobStore
from immichvr_gateway.library import Identity
from immichvr_gateway.requests.spec import JobSpec, Requester, SourceVersion
from immichvr_gateway.requests.staging import Staged


@pytest.fixture
def make_jobs(empty_bus: Bus, settings, service_over) -> Callable[[], JobService]:
    """A gateway's jobs; another one knows nothing of the first."""
    return lambda: service_over(JobStore(empty_bus, JobIndex(), settings), settings)


@pytest.fixture
def jobs(make_jobs: Callable[[], JobService]) -> JobService:
    return make_jobs()


@pytest.fixture
def job() -> Job:
    return make_job()


def asked(jobs: JobService, job: Job, light: bool = False) -> JobRecord:
    """A request for a job, as it comes from Ann."""
    then = [LIGHT.model_copy()] if light else []
    return new_record(job, jobs.store.subject(job.kind, job.id), "ann", {"model": "auto"}, then)


def told(job: Job, state: JobState, seq: int = 1, run: int = 1) -> JobEvent:
    event = JobEvent(job_id=job.id, kind=job.kind, photo_id=job.photo_id, run=run, attempt=1, seq=seq, state=state)
    event.at.GetCurrentTime()
    return event


async def test_a_run_that_ended_after_a_request_came_answers_it_and_one_before_does_not(
    jobs: JobService, job: Job, empty_bus: Bus
) -> None:
    before = jobs.ended_run(job.id)
    first = await jobs.submit(asked(jobs, job), "ann", before)
    await jobs.store.on_event(told(job, JOB_STATE_SUCCEEDED))
    late = await jobs.submit(asked(jobs, job), "bob", before)
    assert (late.run, late.state, late.requesters) == (1, State.SUCCEEDED, ["ann", "bob"])
    assert late is first
    await empty_bus.js.purge_stream("JOBS")
    anew = await jobs.submit(asked(jobs, job), "ann", jobs.ended_run(job.id))
    assert (anew.run, anew.state) == (2, State.QUEUED)


async def test_a_job_of_a_kind_that_only_another_release_knows_is_left_to_it(jobs: JobService, job: Job) -> None:
    job.kind = "dream"
    for state in (JOB_STATE_RUNNING, JOB_STATE_FAILED):
        await jobs.store.on_event(told(job, state))
    assert jobs.store.index.get(job.id) is None
    with pytest.raises(Problem, match="kind 'dream' is not one of: depth, splat"):
        asked(jobs, job)


async def test_a_run_without_the_light_variant_does_not_answer_who_wants_one(
    jobs: JobService, job: Job, empty_bus: Bus
) -> None:
    await jobs.submit(asked(jobs, job), "ann", 0)
    await jobs.store.on_event(told(job, JOB_STATE_SUCCEEDED))
    await empty_bus.js.purge_stream("JOBS")
    assert (await jobs.submit(asked(jobs, job, light=True), "ann", 0)).run == 2


async def test_a_message_that_an_ended_run_left_behind_makes_way_for_the_next(
    jobs: JobService, job: Job, empty_bus: Bus
) -> None:
    jobs.store.queue.left_behind_s = 0.1
    await jobs.submit(asked(jobs, job), "ann", 0)
    await jobs.store.on_event(told(job, JOB_STATE_FAILED))
    known = jobs.store.index.get(job.id)
    assert known is not None
    assert (await jobs.retry(known)).run == 2
    left = await empty_bus.js.get_last_msg("JOBS", jobs.store.subject(job.kind, job.id))
    assert json_format.Parse(left.data or b"", Job()).run == 2
    assert (await empty_bus.js.stream_info("JOBS")).state.messages == 1


async def test_what_a_job_keeps_lies_at_one_place_through_every_retry_until_it_is_asked_for_anew(
    jobs: JobService, job: Job, empty_bus: Bus
) -> None:
    async def queued() -> Job:
        return (await queued_of(empty_bus, jobs, job)).job

    await jobs.submit(asked(jobs, job), "ann", 0)
    first = prefix_of(await queued())
    for run, code in enumerate(["returned", ""], start=1):
        end = told(job, JOB_STATE_FAILED, run=run)
        end.error.code = code
        await empty_bus.js.purge_stream("JOBS")
        await jobs.store.on_event(end)
        known = jobs.store.index.get(job.id)
        assert known is not None
        if not code:
            known = await jobs.retry(known)
        assert (known.run, prefix_of(await queued()), prefix_of(known.job())) == (run + 1, first, first)
    await jobs.store.on_event(told(job, JOB_STATE_SUCCEEDED, run=3))
    await empty_bus.js.purge_stream("JOBS")
    fresh = make_job()
    fresh.id = job.id
    anew = await jobs.submit(asked(jobs, fresh), "ann", jobs.ended_run(job.id))
    assert anew.run == 4 and prefix_of(await queued()) == prefix_of(anew.job()) != first


async def queued_of(bus: Bus, jobs: JobService, job: Job) -> Queued:
    found = await queued_at(bus, jobs.store.subject(job.kind, job.id))
    assert found is not None
    return found


async def test_nobody_joins_a_job_that_has_ended(jobs: JobService, job: Job) -> None:
    assert await jobs.join(job.id, "bob") is None
    await jobs.submit(asked(jobs, job), "ann", 0)
    joined = await jobs.join(job.id, "bob")
    assert joined is not None and joined.requesters == ["ann", "bob"]
    await jobs.store.on_event(told(job, JOB_STATE_SUCCEEDED))
    assert await jobs.join(job.id, "eve") is None


async def test_a_worker_that_is_faster_than_the_request_is_not_overwritten(
    jobs: JobService, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish, overtaking = empty_bus.publish, list[asyncio.Task[None]]()

    async def publish_slowly(subject: str, *rest: Any) -> Any:
        confirmation = await publish(subject, *rest)
        if subject.startswith("jobs."):
            overtaking.append(asyncio.create_task(jobs.store.on_event(told(job, JOB_STATE_SUCCEEDED))))
            await asyncio.sleep(0.05)
        return confirmation

    monkeypatch.setattr(empty_bus, "publish", publish_slowly)
    await jobs.submit(asked(jobs, job), "ann", 0)
    await asyncio.gather(*overtaking)
    known = jobs.store.index.get(job.id)
    assert known is not None
    assert (known.state, known.requesters, known.run) == (State.SUCCEEDED, ["ann"], 1)


async def test_what_could_not_be_written_down_is_written_when_nats_is_back(
    jobs: JobService, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(bucket: str) -> Any:
        raise nats.errors.TimeoutError

    with monkeypatch.context() as outage:
        outage.setattr(empty_bus.js, "key_value", away)
        await jobs.submit(asked(jobs, job), "ann", 0)
        assert not jobs.store.all_written
    await jobs.store.reconcile()
    assert jobs.store.all_written
    entry = await (await empty_bus.js.key_value("jobs")).get(job.id)
    assert JobRecord.model_validate_json(entry.value or b"").requesters == ["ann"]


async def test_a_queued_job_without_a_record_is_taken_up_with_those_who_asked(
    jobs: JobService, job: Job, empty_bus: Bus, make_jobs: Callable[[], JobService]
) -> None:
    await jobs.submit(asked(jobs, job), "ann", 0)
    other = make_jobs()
    await other.store.reconcile()
    [taken] = list(other.store.index)
    assert (taken.id, taken.requesters, taken.state, taken.subject) == (
        job.id, ["ann"], State.QUEUED, jobs.store.subject(job.kind, job.id),
    )  # fmt: skip


async def test_a_job_that_is_in_no_queue_any_more_is_declared_lost_on_second_sight(
    jobs: JobService, job: Job, empty_bus: Bus
) -> None:
    await jobs.submit(asked(jobs, job), "ann", 0)
    await jobs.store.on_event(told(job, JOB_STATE_RUNNING))
    await empty_bus.js.purge_stream("JOBS")
    known = jobs.store.index.get(job.id)
    assert known is not None
    await jobs.store.reconcile()
    assert known.state is State.RUNNING
    await jobs.store.reconcile()
    assert (known.state, known.error and known.error.code) == (State.FAILED, "lost")
    assert known.error is not None and known.error.retriable


async def test_a_job_known_by_name_only_is_not_tried_again(jobs: JobService, job: Job) -> None:
    await jobs.store.on_event(told(job, JOB_STATE_SUCCEEDED, seq=4))
    known = jobs.store.index.get(job.id)
    assert known is not None
    with pytest.raises(Problem, match="ask for it anew"):
        await jobs.retry(known)


async def test_whoever_has_too_many_jobs_is_refused_before_anything_is_brought(
    jobs: JobService, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_queued_per_user", 0)
    with pytest.raises(Problem) as refused:  # what is staged here raises another error
        await jobs.ensure(a_place(20), Requester("ann", identity=Identity.local()))
    assert refused.value.code == "too_many_jobs"


async def test_files_that_are_too_much_together_are_brought_no_further(
    jobs: JobService, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought: list[str] = []

    class Heavy:
        async def stage(self, who: Identity, of: SourceVersion, trusting: bool = False) -> Staged:
            brought.append(of.name)
            return Staged(ObjectRef(key=of.name, size=400_000_000), "")

    monkeypatch.setattr(jobs, "_staging", Heavy())
    with pytest.raises(Problem, match="4,000 MB together") as refused:
        await jobs.ensure(a_place(200), Requester("ann", identity=Identity.local()))
    assert refused.value.code == "too_large"
    assert len(brought) < 20
    assert not (await jobs.ensure(a_place(10), Requester("ann", identity=Identity.local()))).done


def a_place(count: int) -> JobSpec:
    """A scene of so many photos, to be made."""
    photos = [SourceVersion(Source.photo(f"photo-{n}"), "v1", f"{n}.jpg") for n in range(count)]
    stages = {f"photo_{n:03}": one for n, one in enumerate(photos)}
    return JobSpec("reconstruct", f"reconstruct-x-{count}", ReconstructParams(), {}, stages=stages)
