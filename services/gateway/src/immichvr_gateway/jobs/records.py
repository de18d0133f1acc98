"""What is known about a job, and how an event changes it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_QUEUED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    Job,
    JobEvent,
)
from immichvr_common.errors import Returned, WorkerCrashed
from pydantic import BaseModel, Field


class State(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether nothing follows, unless it is asked for anew."""
        return self in (State.SUCCEEDED, State.FAILED, State.CANCELLED)


STATES = {
    JOB_STATE_QUEUED: State.QUEUED,
    JOB_STATE_RUNNING: State.RUNNING,
    JOB_STATE_SUCCEEDED: State.SUCCEEDED,
    JOB_STATE_FAILED: State.FAILED,
    JOB_STATE_CANCELLED: State.CANCELLED,
}


LIVE = "live"
"""The kind of a live session's job."""
LIGHT = "light"
"""The stage of a job that has made its asset, while the light variant is made."""
LOST = "lost"
"""Code of a job that is in no queue and has no end: a guess, which whatever is told of the run refutes."""
QUEUE, BURY, STAND_IN = "queue", "bury", "stand_in"
UNDECODED = frozenset({"invalid_image", "image_too_large", "unsupported_format"})
"""Codes of photos that the library's own picture may stand in for."""
NOT_SHOWN = ("keepPly", "accepted", "token")
"""Parameters between the gateway and workers that nobody asked for."""


class JobProgress(BaseModel):
    """How far a job is."""

    fraction: float = 0
    stage: str = "queued"
    message: str = ""


class JobStep(BaseModel):
    """One step of a job's timeline."""

    stage: str
    at: datetime
    seconds: float


class JobError(BaseModel):
    """Why a job failed."""

    code: str
    message: str
    retriable: bool = False


class JobView(BaseModel):
    """A job as the API shows it."""

    id: str = Field(examples=["splat-6f1c0a3b-5f2d1c0e9a8b7c6d"])
    kind: str = Field(examples=["splat"])
    photo_id: str
    requesters: list[str] = Field([], description="you, where you asked for it; others are not named")
    params: dict[str, Any] = Field({}, examples=[{"model": "auto", "quality": "full"}])
    state: State = State.QUEUED
    run: int = 1
    attempts: int = 0
    progress: JobProgress = JobProgress()
    timeline: list[JobStep] = []
    error: JobError | None = None
    outputs: list[str] = Field([], examples=[["splat-lift-da2-small"]])
    created_at: datetime
    updated_at: datetime


class JobRecord(JobView):
    """A job as the gateway keeps it.

    message, subject: what was, or shall be, published. seq: of the newest event. light: a light variant must
    exist before this job has succeeded; awaits: the job that makes it. auto_retries: how often the gateway itself
    has tried again; room_retries: how often because there was room again. address: where the worker serves a live
    session, host:port; never shown. owed: what the gateway has still to do about the state it is in: QUEUE, to publish
    this run; BURY, to write its failure into DEAD; STAND_IN, to stage the library's own picture for this run. refusal:
    why the photo itself could not be decoded, once such a picture stands in for it.
    """

    message: dict[str, Any] = {}
    subject: str = ""
    seq: int = 0
    light: bool = False
    awaits: str = ""
    auto_retries: int = 0
    room_retries: int = 0
    address: str = ""
    owed: list[str] = []
    refusal: JobError | None = None

    def view(self, user_id: str) -> JobView:
        """What the API shows of it to a person; who else asked for it is nobody's to know."""
        shown = {name: getattr(self, name) for name in JobView.model_fields}
        shown["requesters"] = [one for one in self.requesters if one == user_id]
        return JobView.model_construct(**shown)

    def job(self) -> Job:
        """The message it was, or will be, published as."""
        return json_format.ParseDict(self.message, Job(), ignore_unknown_fields=True)

    def become(self, other: JobRecord) -> None:
        """Takes over everything another record of the same job says."""
        for name in JobRecord.model_fields:
            setattr(self, name, getattr(other, name))


@dataclass(frozen=True)
class Answer:
    """The job that answers a request; `done` when its result is already there."""

    record: JobRecord
    done: bool


def new_record(job: Job, subject: str, requester: str, params: dict[str, Any], light: bool = False) -> JobRecord:
    """The record of a job that is about to be published."""
    created = job.created_at.ToDatetime(UTC)
    return JobRecord(
        id=job.id,
        kind=job.kind,
        photo_id=job.photo_id,
        requesters=[requester] if requester else list(job.requesters),
        params=params,
        run=job.run,
        created_at=created,
        updated_at=created,
        message=json_format.MessageToDict(job),
        subject=subject,
        light=light,
    )


def adopted(job: Job, subject: str) -> JobRecord:
    """The record of a job that was published and never written down."""
    params = {key: value for key, value in json_format.MessageToDict(job.params).items() if key not in NOT_SHOWN}
    return new_record(job, subject, "", params, light=params.get("quality") == "light")


def from_event(event: JobEvent, subject: str = "") -> JobRecord:
    """A record for a job that is known from an event alone; its first event tells everything of it."""
    if event.HasField("job"):
        return adopted(event.job, subject)
    at = moment(event.at)
    return JobRecord(
        id=event.job_id, kind=event.kind, photo_id=event.photo_id, run=event.run or 1, created_at=at, updated_at=at,
        subject=subject,
    )  # fmt: skip


def apply(record: JobRecord, event: JobEvent) -> bool:
    """Brings a record up to date; False when the event is older than what is known, or comes after the end.

    A state this version does not know leaves the state as it is.
    """
    if (event.run, event.attempt, event.seq) <= (record.run, record.attempts, record.seq):
        return False
    if event.run == record.run and has_ended(record):
        return False
    if event.run > record.run:
        _begin_run(record, event)
    same_attempt = record.attempts == event.attempt
    record.run, record.attempts, record.seq = event.run, event.attempt, event.seq
    record.owed = []
    record.state = STATES.get(event.state, record.state)
    record.updated_at = moment(event.at)
    if event.HasField("progress"):
        fraction = max(event.progress.fraction, record.progress.fraction if same_attempt else 0)
        record.progress = JobProgress(
            fraction=round(fraction, 4), stage=event.progress.stage, message=event.progress.message
        )
    record.timeline = [_queued(record, event)] + [
        JobStep(stage=phase.stage, at=moment(phase.at), seconds=round(phase.seconds, 4)) for phase in event.timeline
    ]
    record.error = None
    if event.HasField("error"):
        record.error = JobError(code=event.error.code, message=event.error.message, retriable=event.error.retriable)
    record.address = event.address
    if event.outputs:
        record.outputs = [output.asset_key for output in event.outputs]
    return True


def has_ended(record: JobRecord) -> bool:
    """Whether this run's end is a fact; that it is lost is a guess."""
    return record.state.terminal and not (record.error is not None and record.error.code == LOST)


def is_lightening(record: JobRecord) -> bool:
    """Whether the asset is made, and the light variant of it is to follow."""
    return not record.state.terminal and record.progress.stage == LIGHT


def next_run(record: JobRecord) -> JobRecord:
    """The record of the next run, which is queued."""
    return record.model_copy(
        update={
            "run": record.run + 1, "state": State.QUEUED, "attempts": 0, "seq": 0, "error": None, "outputs": [],
            "timeline": [], "progress": JobProgress(), "awaits": "", "owed": [],
        }
    )  # fmt: skip


def with_what_follows(record: JobRecord, retries: int, has_stand_ins: bool = False) -> JobRecord:
    """A record after an event, with what comes of it.

    A job that made its asset goes on with the light variant; one that crashed, or that a stopping worker gave
    back, gets another run; one that failed for good is to be written down as dead. A live session only ends: its
    client is told, and begins anew. One whose photo cannot be decoded is tried once more with the library's own
    picture of it. retries: how often a job whose worker crashed is tried again; has_stand_ins: whether the library
    makes pictures of its own.
    """
    if record.state is State.SUCCEEDED and record.light:
        record.state = State.RUNNING
        record.progress = JobProgress(fraction=0.97, stage=LIGHT, message="making the light variant")
    if record.state is not State.FAILED or record.kind == LIVE:
        return record
    error = record.error or JobError(code="internal", message="unknown")
    if has_stand_ins and error.code in UNDECODED and record.refusal is None and is_of_photo(record):
        again = next_run(record)
        again.refusal, again.owed = error, [STAND_IN]
        again.progress = JobProgress(message="the photo cannot be decoded; the library's own picture of it is taken")
        return again
    returned = error.code == Returned.code
    crashed = error.code == WorkerCrashed.code and record.auto_retries < retries
    if not ((returned or crashed) and record.message):
        record.owed = [BURY]
        return record
    again = next_run(record)
    again.auto_retries = record.auto_retries + (0 if returned else 1)
    again.owed = [QUEUE]
    return again


def is_of_photo(record: JobRecord) -> bool:
    """Whether the job is made from a photo that was staged for it."""
    return "source" in record.message.get("inputs", {})


def place(record: JobRecord) -> tuple[int, bool, int, int]:
    """Where a job is in its history: what is known later compares greater; an end comes after all else of its run."""
    return record.run, has_ended(record), record.attempts, record.seq


def merged(mine: JobRecord, stored: JobRecord, asked: Collection[str]) -> JobRecord:
    """What two gateways know of one job, as one record.

    asked: who had asked for it when `mine` was last in step with what is stored. The state is the later one's; the
    first end of a run stands. Whoever joined at either gateway stays; who withdrew at either has withdrawn.
    """
    is_later = place(mine)[:2] > place(stored)[:2] or (not has_ended(stored) and place(mine) >= place(stored))
    later, earlier = (mine, stored) if is_later else (stored, mine)
    both = later.model_copy()
    withdrew = set(asked) - set(mine.requesters)
    joined = [one for one in mine.requesters if one not in asked]
    both.requesters = list(dict.fromkeys([*(one for one in stored.requesters if one not in withdrew), *joined]))
    if not both.message:
        both.message, both.params = earlier.message, both.params or earlier.params
    if mine.run == stored.run:
        both.light = mine.light or stored.light
        both.awaits = later.awaits or ("" if later.state.terminal else earlier.awaits)
    return both


def _begin_run(record: JobRecord, event: JobEvent) -> None:
    """Forgets what the run before came to; takes from the event who asked for this one, and when."""
    record.outputs, record.progress, record.timeline, record.awaits, record.owed = [], JobProgress(), [], "", []
    if event.HasField("job"):
        fresh = adopted(event.job, record.subject)
        record.message, record.light, record.created_at = fresh.message, fresh.light, fresh.created_at
        record.requesters = list(dict.fromkeys([*record.requesters, *fresh.requesters]))


def _queued(record: JobRecord, event: JobEvent) -> JobStep:
    """How long the job lay in the queue, as its first event after the start tells."""
    if record.timeline and not event.timeline:
        return record.timeline[0]
    start = moment(event.timeline[0].at) if event.timeline else moment(event.at)
    seconds = (start - record.created_at).total_seconds() - (event.timeline[0].seconds if event.timeline else 0)
    return JobStep(stage="queued", at=record.created_at, seconds=round(max(0.0, seconds), 4))


def moment(stamp: Timestamp) -> datetime:
    """A protobuf timestamp; now, where there is none."""
    return stamp.ToDatetime(UTC) if stamp.seconds else datetime.now(UTC)
