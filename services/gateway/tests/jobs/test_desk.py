"""The desk between requests and workers: what overtakes, what ends meanwhile, what cannot be written down."""

from __future__ import annotations

import asyncio
from typing import Any

import nats.errors
import pytest
from google.protobuf import json_format
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
from immichvr_gateway.jobs.desk import Desk
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.records import JobRecord, State, new_record
from immichvr_gateway.problems import Problem


@pytest.fixture
def desk(empty_bus: Bus, settings) -> Desk:
    return Desk(empty_bus, JobIndex(), lambda record: None, lambda record: None, settings)


@pytest.fixture
def job() -> Job:
    return make_job()


def asked(desk: Desk, job: Job, light: bool = False) -> JobRecord:
    """A request for a job, as it comes from Ann."""
    return new_record(job, desk.subject(job.kind, job.id), "ann", {"model": "auto"}, light)


def told(job: Job, state: JobState, seq: int = 1, run: int = 1) -> JobEvent:
    event = JobEvent(job_id=job.id, kind=job.kind, photo_id=job.photo_id, run=run, attempt=1, seq=seq, state=state)
    event.at.GetCurrentTime()
    return event


async def test_a_run_that_ended_after_a_request_came_answers_it_and_one_before_does_not(
    desk: Desk, job: Job, empty_bus: Bus
) -> None:
    before = desk.ended_run(job.id)
    first = await desk.submit(asked(desk, job), "ann", before)
    await desk.on_event(told(job, JOB_STATE_SUCCEEDED))
    late = await desk.submit(asked(desk, job), "bob", before)
    assert (late.run, late.state, late.requesters) == (1, State.SUCCEEDED, ["ann", "bob"])
    assert late is first
    await empty_bus.js.purge_stream("JOBS")
    anew = await desk.submit(asked(desk, job), "ann", desk.ended_run(job.id))
    assert (anew.run, anew.state) == (2, State.QUEUED)


async def test_a_run_without_the_light_variant_does_not_answer_who_wants_one(
    desk: Desk, job: Job, empty_bus: Bus
) -> None:
    await desk.submit(asked(desk, job), "ann", 0)
    await desk.on_event(told(job, JOB_STATE_SUCCEEDED))
    await empty_bus.js.purge_stream("JOBS")
    assert (await desk.submit(asked(desk, job, light=True), "ann", 0)).run == 2


async def test_a_message_that_an_ended_run_left_behind_makes_way_for_the_next(
    desk: Desk, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("immichvr_gateway.jobs.desk._LEFT_BEHIND_S", 0.1)
    await desk.submit(asked(desk, job), "ann", 0)
    await desk.on_event(told(job, JOB_STATE_FAILED))
    known = desk.index.get(job.id)
    assert known is not None
    assert (await desk.retry(known)).run == 2
    left = await empty_bus.js.get_last_msg("JOBS", desk.subject(job.kind, job.id))
    assert json_format.Parse(left.data or b"", Job()).run == 2
    assert (await empty_bus.js.stream_info("JOBS")).state.messages == 1


async def test_nobody_joins_a_job_that_has_ended(desk: Desk, job: Job) -> None:
    assert await desk.join(job.id, "bob", light=False) is None
    await desk.submit(asked(desk, job), "ann", 0)
    joined = await desk.join(job.id, "bob", light=False)
    assert joined is not None and joined.requesters == ["ann", "bob"]
    await desk.on_event(told(job, JOB_STATE_SUCCEEDED))
    assert await desk.join(job.id, "eve", light=False) is None


async def test_a_worker_that_is_faster_than_the_request_is_not_overwritten(
    desk: Desk, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish, overtaking = empty_bus.publish, list[asyncio.Task[None]]()

    async def publish_slowly(subject: str, *rest: Any) -> Any:
        confirmation = await publish(subject, *rest)
        if subject.startswith("jobs."):
            overtaking.append(asyncio.create_task(desk.on_event(told(job, JOB_STATE_SUCCEEDED))))
            await asyncio.sleep(0.05)
        return confirmation

    monkeypatch.setattr(empty_bus, "publish", publish_slowly)
    await desk.submit(asked(desk, job), "ann", 0)
    await asyncio.gather(*overtaking)
    known = desk.index.get(job.id)
    assert known is not None
    assert (known.state, known.requesters, known.run) == (State.SUCCEEDED, ["ann"], 1)


async def test_what_could_not_be_written_down_is_written_when_nats_is_back(
    desk: Desk, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(bucket: str) -> Any:
        raise nats.errors.TimeoutError

    with monkeypatch.context() as outage:
        outage.setattr(empty_bus.js, "key_value", away)
        await desk.submit(asked(desk, job), "ann", 0)
        assert not desk.all_written
    await desk.reconcile()
    assert desk.all_written
    entry = await (await empty_bus.js.key_value("jobs")).get(job.id)
    assert JobRecord.model_validate_json(entry.value or b"").requesters == ["ann"]


async def test_a_queued_job_without_a_record_is_taken_up_with_those_who_asked(
    desk: Desk, job: Job, empty_bus: Bus, settings
) -> None:
    await desk.submit(asked(desk, job), "ann", 0)
    other = Desk(empty_bus, JobIndex(), lambda record: None, lambda record: None, settings)
    await other.reconcile()
    [taken] = list(other.index)
    assert (taken.id, taken.requesters, taken.state, taken.subject) == (
        job.id, ["ann"], State.QUEUED, desk.subject(job.kind, job.id),
    )  # fmt: skip


async def test_a_job_that_is_in_no_queue_any_more_is_declared_lost_on_second_sight(
    desk: Desk, job: Job, empty_bus: Bus
) -> None:
    await desk.submit(asked(desk, job), "ann", 0)
    await desk.on_event(told(job, JOB_STATE_RUNNING))
    await empty_bus.js.purge_stream("JOBS")
    known = desk.index.get(job.id)
    assert known is not None
    await desk.reconcile()
    assert known.state is State.RUNNING
    await desk.reconcile()
    assert (known.state, known.error and known.error.code) == (State.FAILED, "lost")
    assert known.error is not None and known.error.retriable


async def test_a_job_known_by_name_only_is_not_tried_again(desk: Desk, job: Job) -> None:
    await desk.on_event(told(job, JOB_STATE_SUCCEEDED, seq=4))
    known = desk.index.get(job.id)
    assert known is not None
    with pytest.raises(Problem, match="ask for it anew"):
        await desk.retry(known)
