"""How events change what is known about a job."""

from datetime import UTC, datetime

import pytest
from google.protobuf import json_format
from immichvr.common.v1.common_pb2 import Error, Progress
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    Job,
    JobEvent,
    JobState,
    Output,
    Phase,
)
from immichvr_gateway.jobs.records import JobRecord, State, apply, from_event, new_record

JOB = Job(id="depth-p-r", kind="depth", photo_id="p", run=1, requesters=["ann"], source_name="beach.jpg")


@pytest.fixture
def record() -> JobRecord:
    job = Job()
    job.CopyFrom(JOB)
    job.created_at.FromDatetime(datetime(2026, 1, 1, tzinfo=UTC))
    return new_record(job, "jobs.ai.cpu.interactive.depth.depth-p-r", "ann", {"model": "auto"})


def an_event(
    state: JobState = JOB_STATE_RUNNING, run: int = 1, attempt: int = 1, seq: int = 1, fraction: float | None = None
) -> JobEvent:
    event = JobEvent(job_id=JOB.id, kind="depth", photo_id="p", run=run, attempt=attempt, seq=seq, state=state)
    event.at.FromDatetime(datetime(2026, 1, 1, 0, 0, seq % 60, tzinfo=UTC))
    if fraction is not None:
        event.progress.CopyFrom(Progress(fraction=fraction, stage="inferred"))
    return event


def test_events_bring_a_job_from_the_queue_to_its_end(record: JobRecord) -> None:
    assert apply(record, an_event(fraction=0.4))
    assert (record.state, record.progress.fraction, record.attempts) == (State.RUNNING, 0.4, 1)
    end = an_event(JOB_STATE_SUCCEEDED, seq=2, fraction=1)
    end.outputs.append(Output(kind="depth", asset_key="depth-heuristic"))
    end.timeline.append(Phase(stage="staged", at=end.at, seconds=0.5))
    assert apply(record, end)
    assert (record.state, record.outputs) == (State.SUCCEEDED, ["depth-heuristic"])
    assert [(step.stage, step.seconds) for step in record.timeline] == [("queued", 1.5), ("staged", 0.5)]


@pytest.mark.parametrize(("run", "attempt", "seq"), [(2, 2, 5), (2, 2, 4), (2, 1, 9), (1, 3, 9)])
def test_an_event_that_is_not_newer_is_dropped(record: JobRecord, run: int, attempt: int, seq: int) -> None:
    apply(record, an_event(run=2, attempt=2, seq=5, fraction=0.5))
    before = record.model_copy(deep=True)
    assert not apply(record, an_event(JOB_STATE_FAILED, run, attempt, seq))
    assert record == before


@pytest.mark.parametrize(("run", "attempt", "seq"), [(2, 2, 6), (2, 3, 1), (3, 1, 1)])
def test_an_event_is_newer_by_run_then_attempt_then_seq(record: JobRecord, run: int, attempt: int, seq: int) -> None:
    apply(record, an_event(run=2, attempt=2, seq=5))
    assert apply(record, an_event(run=run, attempt=attempt, seq=seq))
    assert (record.run, record.attempts, record.seq) == (run, attempt, seq)


@pytest.mark.parametrize("state", [JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, JOB_STATE_CANCELLED])
def test_nothing_follows_the_end_of_a_run(record: JobRecord, state: JobState) -> None:
    apply(record, an_event(state, seq=3))
    before = record.model_copy(deep=True)
    assert not apply(record, an_event(JOB_STATE_RUNNING, seq=4))
    assert not apply(record, an_event(JOB_STATE_SUCCEEDED, attempt=2))
    assert record == before


def test_a_new_run_begins_afresh_after_the_end_of_the_one_before(record: JobRecord) -> None:
    failed = an_event(JOB_STATE_FAILED, seq=9, fraction=0.9)
    failed.error.CopyFrom(Error(code="invalid_image", message="not an image"))
    failed.outputs.append(Output(kind="depth", asset_key="depth-heuristic"))
    apply(record, failed)
    assert record.error is not None
    assert apply(record, an_event(run=2, seq=1, fraction=0.1))
    assert (record.state, record.error, record.outputs) == (State.RUNNING, None, [])
    assert record.progress.fraction == 0.1


def test_progress_never_goes_back_within_an_attempt_and_starts_anew_with_the_next(record: JobRecord) -> None:
    apply(record, an_event(seq=1, fraction=0.5))
    apply(record, an_event(seq=2, fraction=0.3))
    assert record.progress.fraction == 0.5
    apply(record, an_event(attempt=2, seq=1, fraction=0.1))
    assert record.progress.fraction == 0.1


@pytest.mark.parametrize("state", ["JOB_STATE_PAUSED", 17])
def test_tomorrows_event_is_read_and_a_state_unknown_today_leaves_the_state_as_it_is(
    record: JobRecord, state: str | int
) -> None:
    apply(record, an_event(seq=1))
    tomorrow = json_format.MessageToDict(an_event(seq=2, fraction=0.7))
    tomorrow |= {"state": state, "mood": {"colour": "blue"}, "timeline": [{"stage": "dreamt", "depth": 3}]}
    assert apply(record, json_format.ParseDict(tomorrow, JobEvent(), ignore_unknown_fields=True))
    assert (record.state, record.progress.fraction, record.timeline[-1].stage) == (State.RUNNING, 0.7, "dreamt")


def test_a_job_known_from_its_first_event_alone_belongs_to_those_who_asked_for_it() -> None:
    event = an_event()
    event.job.CopyFrom(JOB)
    event.job.params.update({"model": "heuristic"})
    record = from_event(event)
    assert apply(record, event)
    assert (record.requesters, record.params, record.state) == (["ann"], {"model": "heuristic"}, State.RUNNING)
    assert record.job().source_name == "beach.jpg"
