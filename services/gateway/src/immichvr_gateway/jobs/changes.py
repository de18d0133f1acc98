"""How what is told of a job, or found out about it, changes its record. Pure: records in, records out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from immichvr.events.v1.events_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    JobEvent,
)
from immichvr_catalog import UNDECODED, is_session
from immichvr_common.errors import Returned, WorkerCrashed

from immichvr_gateway.jobs.machine import Phase, Trigger, step
from immichvr_gateway.jobs.records import (
    LEVELS,
    FollowUp,
    JobError,
    JobProgress,
    JobRecord,
    JobStep,
    State,
    adopted,
    is_of_photo,
    moment,
    next_run,
    not_begun,
    photos_among,
)

_TOLD: Mapping[int, Trigger] = {
    JOB_STATE_RUNNING: Trigger.BEGUN,
    JOB_STATE_SUCCEEDED: Trigger.MADE,
    JOB_STATE_FAILED: Trigger.BROKEN,
    JOB_STATE_CANCELLED: Trigger.CANCELLED,
}
_STATES = {Phase.FOLLOWED: State.RUNNING, Phase.LOST: State.FAILED}
_UNDONE = (Phase.FAILED, Phase.LOST, Phase.CANCELLED)
_SUPERSEDED = "superseded"
_OVER = (JOB_STATE_SUCCEEDED, JOB_STATE_CANCELLED)
_MADE = 0.97
"""How far a job is that has done its own work, while others follow from it."""


@dataclass(frozen=True)
class Policy:
    """retries: how often a job whose worker crashed is tried again. has_stand_ins: whether the library has pictures of
    its own for photos that cannot be decoded."""

    retries: int = 0
    has_stand_ins: bool = False


def is_late(record: JobRecord, event: JobEvent) -> bool:
    """Whether an event changes nothing: it is older than what is known, or comes after the end of its run.

    That a run has made its asset is never older: another attempt may have begun since, and it will find it made.
    """
    if event.run == record.run:
        trigger = _TOLD.get(event.state, Trigger.REPORTED)
        if step(record.phase, trigger) is None:
            return True
        if trigger is Trigger.MADE:
            return False
    return (event.run, event.attempt, event.seq) <= (record.run, record.attempts, record.seq)


def after_event(record: JobRecord, event: JobEvent, policy: Policy) -> JobRecord | None:
    """A record after an event, with what comes of it; None where the event is late."""
    if is_late(record, event):
        return None
    now = _begun(record, event) if event.run > record.run else record.model_copy()
    _note(now, event)
    error = None
    if event.HasField("error"):
        error = JobError(code=event.error.code, message=event.error.message, retriable=event.error.retriable)
    trigger = _trigger(now, event, policy)
    changed = after(now, trigger, error)
    if changed is not None and trigger is Trigger.UNDECODED:
        changed.undecoded = photos_among(record, event.error.inputs)
    if changed is not None and event.begun and event.state in _OVER:
        # Whoever began the work has seen to what was to be ended before it. What a run that failed could not end may
        # go on, and is left to the next one.
        changed.message = {name: value for name, value in changed.message.items() if name != _SUPERSEDED}
    return changed


def after(record: JobRecord, trigger: Trigger, error: JobError | None = None) -> JobRecord | None:
    """A record after something has happened; None where that means nothing in the phase it is in.

    error: why, where that ends it or has another picture stand in.
    """
    taken = step(record.phase, trigger)
    if taken is None:
        return None
    now = next_run(record) if taken.next_run else record.model_copy()
    now.in_line = None
    now.owed, now.error = list(taken.owed), error if taken.to in _UNDONE else None
    now.state, now.made = _STATES.get(taken.to) or State(taken.to), taken.to in (Phase.FOLLOWED, Phase.SUCCEEDED)
    if taken.to is Phase.FOLLOWED:
        now.progress = _following(now.then[0])
    if trigger is Trigger.FOLLOWED:
        now.progress = JobProgress(fraction=1, stage="stored")
    if trigger is Trigger.CRASHED:
        now.auto_retries += 1
    if trigger is Trigger.UNDECODED:
        now.refusal = error
        now.progress = JobProgress(message="a photo cannot be decoded; the library's own picture of it is taken")
    return now


def after_follow_up(record: JobRecord, job_id: str, state: State, error: JobError | None) -> JobRecord | None:
    """A record after a job that follows from it has ended; None where nobody waits for that any more."""
    if record.phase is not Phase.FOLLOWED or not any(one.job_id == job_id for one in record.then):
        return None
    now = record.model_copy()
    now.then = [one.model_copy(update={"state": state}) if one.job_id == job_id else one for one in record.then]
    if state is State.FAILED:
        return after(now, Trigger.FOLLOW_UP_FAILED, error)
    if state is State.CANCELLED:
        return after(now, Trigger.FOLLOW_UP_CANCELLED, error)
    open_ones = [one for one in now.then if one.state is None]
    if not open_ones:
        return after(now, Trigger.FOLLOWED)
    now.progress = _following(open_ones[0])
    return now


def _following(one: FollowUp) -> JobProgress:
    return JobProgress(fraction=_MADE, stage=one.name, message=one.message)


def _trigger(record: JobRecord, event: JobEvent, policy: Policy) -> Trigger:
    """What an event says has happened, seen with what is known of its job."""
    told = _TOLD.get(event.state, Trigger.REPORTED)
    if told is Trigger.MADE and record.then:
        return Trigger.MADE_WITH_MORE
    if told is not Trigger.BROKEN:
        return told
    if is_session(record.kind):
        return Trigger.CLOSED
    code = event.error.code
    may_stand_in = is_of_photo(record) or bool(photos_among(record, event.error.inputs))
    if policy.has_stand_ins and code in UNDECODED and record.refusal is None and may_stand_in:
        return Trigger.UNDECODED
    if code == Returned.code and record.message:
        return Trigger.RETURNED
    if code == WorkerCrashed.code and record.auto_retries < policy.retries and record.message:
        return Trigger.CRASHED
    return Trigger.BROKEN


def _note(record: JobRecord, event: JobEvent) -> None:
    """Writes down what an event tells, but for the state."""
    same_attempt = record.attempts == event.attempt
    record.attempts, record.seq = max((record.attempts, record.seq), (event.attempt, event.seq))
    record.updated_at = moment(event.at)
    if event.HasField("progress"):
        fraction = max(event.progress.fraction, record.progress.fraction if same_attempt else 0)
        record.progress = JobProgress(
            fraction=round(fraction, 4), stage=event.progress.stage, message=event.progress.message
        )
    record.timeline = [_queued(record, event)] + [
        JobStep(stage=phase.stage, at=moment(phase.at), seconds=round(phase.seconds, 4)) for phase in event.timeline
    ]
    record.address = event.address
    if event.outputs:
        record.outputs = [output.asset_key for output in event.outputs]


def _begun(record: JobRecord, event: JobEvent) -> JobRecord:
    """The run that an event tells of, which is later than the one that was known."""
    now = next_run(record)
    now.run = event.run
    if event.HasField("job"):
        fresh = adopted(event.job, record.subject)
        now.message, now.created_at = fresh.message, fresh.created_at
        # Of what follows, a message says but the levels of its quality.
        now.then = [*fresh.then, *(one for one in not_begun(record.then) if one.name not in LEVELS)]
        now.requesters = list(dict.fromkeys([*record.requesters, *fresh.requesters]))
    else:
        now.then = not_begun(record.then)
    return now


def _queued(record: JobRecord, event: JobEvent) -> JobStep:
    """How long the job lay in the queue, as its first event after the start tells."""
    if record.timeline and not event.timeline:
        return record.timeline[0]
    start = moment(event.timeline[0].at) if event.timeline else moment(event.at)
    seconds = (start - record.created_at).total_seconds() - (event.timeline[0].seconds if event.timeline else 0)
    return JobStep(stage="queued", at=record.created_at, seconds=round(max(0.0, seconds), 4))
