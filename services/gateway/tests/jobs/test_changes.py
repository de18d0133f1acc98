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
from immichvr_gateway.jobs import machine
from immichvr_gateway.jobs.changes import Policy, after_event, after_follow_up
from immichvr_gateway.jobs.machine import Debt
from immichvr_gateway.jobs.records import LIGHT, FollowUp, JobError, JobRecord, State, from_event, new_record

JOB = Job(id="depth-p-r", kind="depth", photo_id="p", run=1, requesters=["ann"], source_name="beach.jpg")


@pytest.fixture
def record() -> JobRecord:
    job = Job()
    job.CopyFrom(JOB)
    job.created_at.FromDatetime(datetime(2026, 1, 1, tzinfo=UTC))
    return new_record(job, "jobs.ai.cpu.interactive.depth.depth-p-r", "ann", {"model": "auto"})


@pytest.fixture
def followed(record: JobRecord) -> JobRecord:
    """A job that has made its splat, while the light variant is made."""
    record.then = [LIGHT.model_copy()]
    assert apply(record, an_event(JOB_STATE_SUCCEEDED, seq=3))
    return record


def apply(record: JobRecord, event: JobEvent) -> bool:
    """Has a record take in an event; False where that changes nothing."""
    now = after_event(record, event, Policy())
    if now is not None:
        record.become(now)
    return now is not None


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


def test_a_success_counts_though_another_attempt_has_begun_since(record: JobRecord) -> None:
    apply(record, an_event(attempt=2, seq=1, fraction=0.1))
    assert apply(record, an_event(JOB_STATE_SUCCEEDED, attempt=1, seq=7))
    assert (record.state, record.attempts, record.seq) == (State.SUCCEEDED, 2, 1)
    assert not apply(record, an_event(JOB_STATE_FAILED, attempt=2, seq=2))


def test_the_end_of_an_earlier_attempt_that_failed_is_not_the_end_of_the_one_under_way(record: JobRecord) -> None:
    apply(record, an_event(attempt=2, seq=1))
    assert not apply(record, an_event(JOB_STATE_FAILED, attempt=1, seq=7))
    assert record.state is State.RUNNING


def test_while_something_follows_no_attempt_at_the_splat_is_heard_any_more(followed: JobRecord) -> None:
    for state in (JOB_STATE_RUNNING, JOB_STATE_SUCCEEDED, JOB_STATE_FAILED):
        assert not apply(followed, an_event(state, attempt=2))
    assert apply(followed, an_event(JOB_STATE_CANCELLED, attempt=2))
    assert followed.state is State.CANCELLED


def test_a_job_from_which_others_follow_never_shows_a_success_before_theirs(record: JobRecord) -> None:
    record.then = [LIGHT.model_copy()]
    now = after_event(record, an_event(JOB_STATE_SUCCEEDED, seq=3), Policy())
    assert now is not None
    assert (now.state, now.phase, now.progress.stage, now.progress.fraction) == (
        State.RUNNING, machine.Phase.FOLLOWED, "light", 0.97,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ends", "state", "owed"),
    [
        ([State.SUCCEEDED, State.SUCCEEDED], State.SUCCEEDED, []),
        ([State.SUCCEEDED], State.RUNNING, []),
        ([State.FAILED], State.FAILED, [Debt.BURY]),
        ([State.SUCCEEDED, State.CANCELLED], State.CANCELLED, []),
    ],
)
def test_a_job_ends_as_what_follows_from_it(
    followed: JobRecord, ends: list[State], state: State, owed: list[Debt]
) -> None:
    why = JobError(code="out_of_memory", message="so it goes")
    followed.then = [FollowUp(name=name, kind="convert", job_id=name) for name in ("light", "levels")]
    for job_id, end in zip(("light", "levels"), ends, strict=False):
        now = after_follow_up(followed, job_id, end, why if end is State.FAILED else None)
        assert now is not None
        followed.become(now)
    assert (followed.state, followed.owed) == (state, owed)
    assert followed.error == (why if state is State.FAILED else None)
    assert after_follow_up(followed, "another", State.FAILED, why) is None


@pytest.mark.parametrize(
    ("code", "retries", "stands_in", "expected"),
    [
        ("returned", 0, False, (2, State.QUEUED, [Debt.QUEUE], 0)),
        ("worker_crashed", 1, False, (2, State.QUEUED, [Debt.QUEUE], 1)),
        ("worker_crashed", 0, False, (1, State.FAILED, [Debt.BURY], 0)),
        ("invalid_image", 1, True, (2, State.QUEUED, [Debt.STAND_IN], 0)),
        ("invalid_image", 1, False, (1, State.FAILED, [Debt.BURY], 0)),
    ],
)
def test_what_comes_of_a_failure(
    record: JobRecord, code: str, retries: int, stands_in: bool, expected: tuple[int, State, list[Debt], int]
) -> None:
    record.message["inputs"] = {"source": {}}
    failed = an_event(JOB_STATE_FAILED)
    failed.error.CopyFrom(Error(code=code, message="so it goes"))
    now = after_event(record, failed, Policy(retries, stands_in))
    assert now is not None
    assert (now.run, now.state, now.owed, now.auto_retries) == expected
    assert (now.refusal and now.refusal.code) == (code if Debt.STAND_IN in now.owed else None)


@pytest.mark.parametrize(
    ("told", "phase", "undecoded"),
    [
        (["photo_001"], Debt.STAND_IN, ["photo_001"]),
        (["photo_001", "photo_000", "photo_001", "transforms", "photo_009"], Debt.STAND_IN, ["photo_000", "photo_001"]),
        (["photo_009"], Debt.BURY, []), (["transforms"], Debt.BURY, []), ([], Debt.BURY, []),
    ],
)  # fmt: skip
def test_of_several_photos_others_stand_in_for_those_that_are_named(
    record: JobRecord, told: list[str], phase: Debt, undecoded: list[str]
) -> None:
    record.message["inputs"] = {"photo_000": {}, "photo_001": {}, "transforms": {}}
    failed = an_event(JOB_STATE_FAILED)
    failed.error.CopyFrom(Error(code="invalid_image", message="not an image", inputs=told))
    now = after_event(record, failed, Policy(0, True))
    assert now is not None
    assert (now.owed, now.undecoded) == ([phase], undecoded)
    if phase is Debt.STAND_IN:
        assert after_event(now, an_event(JOB_STATE_FAILED, run=2), Policy(0, True)).owed == [Debt.BURY], "once"


def test_whatever_is_told_of_a_job_that_was_thought_lost_counts(record: JobRecord) -> None:
    record.state, record.error = State.FAILED, JobError(code="lost", message="in no queue")
    for event, state in [
        (an_event(JOB_STATE_RUNNING), State.RUNNING),
        (an_event(JOB_STATE_SUCCEEDED), State.SUCCEEDED),
        (an_event(JOB_STATE_FAILED), State.FAILED),
    ]:
        now = after_event(record, event, Policy())
        assert now is not None
        assert (now.state, now.error) == (state, None)


def test_a_record_of_the_release_before_that_waited_for_its_light_variant_waits_for_it(record: JobRecord) -> None:
    record.outputs = ["splat-lift-heuristic"]
    old = record.model_dump(mode="json", exclude={"made", "then"}) | {
        "state": "running", "light": True, "awaits": "convert-p-1",
        "progress": {"fraction": 0.97, "stage": "light", "message": ""},
    }  # fmt: skip
    now = JobRecord.model_validate(old)
    assert (now.phase, [(one.name, one.job_id) for one in now.then]) == (
        machine.Phase.FOLLOWED,
        [("light", "convert-p-1")],
    )
    ended = after_follow_up(now, "convert-p-1", State.SUCCEEDED, None)
    assert ended is not None
    assert ended.state is State.SUCCEEDED


def test_the_release_before_finds_what_a_job_waits_for(followed: JobRecord) -> None:
    followed.then = [LIGHT.model_copy(update={"job_id": "convert-p-1"})]
    written = followed.model_dump(mode="json")
    assert (written["light"], written["awaits"], written["progress"]["stage"], written["state"]) == (
        True, "convert-p-1", "light", "running",
    )  # fmt: skip
    assert JobRecord.model_validate_json(followed.model_dump_json()) == followed


def test_a_new_run_begins_afresh_after_the_end_of_the_one_before(record: JobRecord) -> None:
    failed = an_event(JOB_STATE_FAILED, seq=9, fraction=0.9)
    failed.error.CopyFrom(Error(code="invalid_image", message="not an image"))
    failed.outputs.append(Output(kind="depth", asset_key="depth-heuristic"))
    apply(record, failed)
    assert record.error is not None
    assert apply(record, an_event(run=2, seq=1, fraction=0.1))
    assert (record.state, record.error, record.outputs) == (State.RUNNING, None, [])
    assert record.progress.fraction == 0.1


def test_what_was_to_follow_from_a_run_follows_from_the_next_that_another_gateway_began(record: JobRecord) -> None:
    stereo = FollowUp(name="stereo", kind="convert")
    record.then = [LIGHT.model_copy(), stereo]
    event = an_event(run=2)
    event.job.CopyFrom(JOB)
    event.job.run = 2
    assert apply(record, event)
    assert [one.name for one in record.then] == ["stereo"]  # whether it is light is said by the job itself


def test_progress_never_goes_back_within_an_attempt_and_starts_anew_with_the_next(record: JobRecord) -> None:
    apply(record, an_event(seq=1, fraction=0.5))
    apply(record, an_event(seq=2, fraction=0.3))
    assert record.progress.fraction == 0.5
    apply(record, an_event(attempt=2, seq=1, fraction=0.1))
    assert record.progress.fraction == 0.1


@pytest.mark.parametrize(
    ("state", "code", "begun", "is_over"),
    [
        (JOB_STATE_SUCCEEDED, "", 1, True),
        (JOB_STATE_CANCELLED, "", 1, True),
        (JOB_STATE_FAILED, "poison", 3, False),  # it may go on still: the next run ends it
        (JOB_STATE_RUNNING, "", 1, False),
        (JOB_STATE_FAILED, "returned", 1, False),  # what the worker was ending may have gone on without it
        (JOB_STATE_FAILED, "storage_unavailable", 0, False),
        (JOB_STATE_CANCELLED, "", 0, False),
    ],
)
def test_what_was_to_be_ended_before_a_job_is_over_once_a_worker_that_began_it_has_made_or_ended_it(
    record: JobRecord, state: JobState, code: str, begun: int, is_over: bool
) -> None:
    job = record.job()
    job.superseded.add().FromSeconds(1000)
    record.put_job(job)
    event = an_event(state)
    event.begun = begun
    if code:
        event.error.CopyFrom(Error(code=code, retriable=True))
    assert apply(record, event)
    assert (len(record.job().superseded), record.job().source_name) == (0 if is_over else 1, "beach.jpg")


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
