"""What is known about a job."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from immichvr.events.v1.events_pb2 import Job, JobEvent
from immichvr_catalog import OF_LIBRARIES, PHOTO
from immichvr_common.grants import params_of
from immichvr_common.sourced import OfSource
from immichvr_common.sources import Source
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.jobs.machine import Debt, Phase
from immichvr_gateway.jobs.parsed import parsed, restated, written


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


LIVE = "live"
"""The kind of a live session's job."""
RENDER = "render"
"""The kind of the job of a session that draws a splat."""
_OF_PHOTO = "photo_"
"""How the role of one of several photos begins."""
LOST = "lost"
"""Code of a job that is in no queue and has no end: a guess, which whatever is told of the run refutes."""


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


class QueuePlace(BaseModel):
    """Where a queued job stands. starts_in_s: seconds; None where nobody is at work, or it cannot be told yet."""

    ahead: int = Field(description="jobs that workers get before it, as it looks now")
    in_line: bool = Field(False, description="whether it may still be put before your others that wait")
    starts_in_s: float | None = Field(description="null where no worker is at work, or nothing like it was done yet")
    paused_until: datetime | None = Field(None, description="until then whoever runs the server has work wait")


class JobView(OfSource, BaseModel):
    """A job as the API shows it."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)
    id: str = Field(examples=["splat-6f1c0a3b-5f2d1c0e9a8b7c6d"])
    kind: str = Field(examples=["splat"])
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


class JobShown(JobView):
    """A job with where it stands in the queue, while it is queued."""

    place: QueuePlace | None = None


class FollowUp(BaseModel):
    """A job that is made of another's result, and without whose success that one has not succeeded.

    kind, request: what is asked for, as the planner of that kind takes it. name: tells it from others that follow from
    the same job, and is the stage that people see meanwhile, with `message`. job_id: of the job, once it was asked
    for; state: how that ended, once it has.
    """

    name: str
    kind: str
    request: dict[str, Any] = {}
    message: str = ""
    job_id: str = ""
    state: State | None = None


LIGHT = FollowUp(
    name="light", kind="convert", request={"format": "spz", "variant": "light"}, message="making the light variant"
)
"""The light variant of a splat."""

MEDIUM = FollowUp(
    name="medium", kind="convert", request={"format": "spz", "lod_count": 300_000}, message="making the medium level"
)
"""A level of a splat between the light variant and all of it."""

FOLLOW_UPS_OF_QUALITY: dict[str, tuple[FollowUp, ...]] = {"full": (), "light": (LIGHT,), "medium": (LIGHT, MEDIUM)}
"""What follows from a splat, by the quality that was asked for."""

LEVELS = frozenset({LIGHT.name, MEDIUM.name})


def follow_ups(quality: object) -> list[FollowUp]:
    """Those of a quality, one's own to change; none of one that nobody here knows."""
    return [one.model_copy() for one in FOLLOW_UPS_OF_QUALITY.get(str(quality), ())]


class JobRecord(JobView):
    """A job as the gateway keeps it.

    message, subject: what was, or shall be, published. seq: of the newest event. made: this run has done its own
    work. then: what follows from it. auto_retries: how often the gateway itself has tried again; room_retries: how
    often because there was room again. address: where the worker serves a live session, host:port; never shown.
    owed: what the gateway has still to do about the phase it is in. in_line: since when it waits for a place in the
    queue, where that is owed; None where it need not wait. first_for: who wants it before all else of theirs that
    waits in line, and since when: the latest is first. origin: what asked first, such as `batch.<id>`; empty where
    a person did. refusal: why the photo itself could not be decoded, once another picture stands in for it;
    undecoded: of several photos, the roles of those.
    """

    message: dict[str, Any] = {}
    subject: str = ""
    seq: int = 0
    made: bool = False
    then: list[FollowUp] = []
    auto_retries: int = 0
    room_retries: int = 0
    address: str = ""
    owed: list[Debt] = []
    in_line: datetime | None = None
    first_for: dict[str, datetime] = {}
    origin: str = ""
    refusal: JobError | None = None
    undecoded: list[str] = []

    @model_validator(mode="before")
    @classmethod
    def _as_the_release_before_wrote(cls, data: Any) -> Any:
        """That knew the light variant alone: `light` says that it is wanted, `awaits` names the job that makes it."""
        if isinstance(data, dict) and "light" in data and "then" not in data:
            is_made = (data.get("progress") or {}).get("stage") == LIGHT.name or data.get("state") == State.SUCCEEDED
            light = LIGHT.model_copy(update={"job_id": data.get("awaits") or ""})
            return {**data, "made": is_made, "then": [light] if data.get("light") else []}
        return data

    @model_serializer(mode="wrap")
    def _as_the_release_before_reads(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        light = next((one for one in self.then if one.name == LIGHT.name), None)
        awaits = light.job_id if light is not None and not self.state.terminal else ""
        return {**write(self), "light": light is not None, "awaits": awaits}

    @property
    def phase(self) -> Phase:
        """Where its run stands."""
        if self.has_failed_with(LOST):
            return Phase.LOST
        return Phase.FOLLOWED if self.made and not self.state.terminal else Phase(self.state)

    def has_failed_with(self, code: str) -> bool:
        """Whether it has failed, and for that reason."""
        return self.state is State.FAILED and self.error is not None and self.error.code == code

    def view(self, user_id: str) -> JobView:
        """What the API shows of it to a person; who else asked for it is nobody's to know."""
        shown = {name: getattr(self, name) for name in JobView.model_fields}
        shown["requesters"] = [one for one in self.requesters if one == user_id]
        return JobView.model_construct(**shown)

    def shown(self, user_id: str, place: QueuePlace | None) -> JobShown:
        """The same with where it stands in the queue."""
        return JobShown.model_construct(**dict(self.view(user_id)), place=place)

    def job(self) -> Job:
        """The message it was, or will be, published as; one's own to change."""
        return parsed(self.message)

    def become(self, other: JobRecord) -> None:
        """Takes over everything another record of the same job says."""
        for name in JobRecord.model_fields:
            setattr(self, name, getattr(other, name))

    def leave_line(self) -> None:
        """Has it wait for a place in the queue no more."""
        self.in_line, self.owed = None, [one for one in self.owed if one is not Debt.QUEUE]

    def put_job(self, job: Job) -> None:
        """Has it be, or become, published as that."""
        self.message = written(job)

    def put_run(self, job: Job) -> None:
        """The same of a job that differs from its message in what each run has of its own, see `restated`."""
        self.message = restated(self.message, job)


@dataclass(frozen=True)
class Answer:
    """The job that answers a request; `done` when its result is already there: then it is `asset`."""

    record: JobRecord
    done: bool
    asset: AssetEntry | None = None


def new_record(
    job: Job, subject: str, requester: str, params: dict[str, Any], then: Sequence[FollowUp] = ()
) -> JobRecord:
    """The record of a job that is about to be published."""
    created = job.created_at.ToDatetime(UTC)
    record = JobRecord(
        id=job.id,
        kind=job.kind,
        source=Source.of(job),
        requesters=[requester] if requester else list(job.requesters),
        params=params,
        run=job.run,
        created_at=created,
        updated_at=created,
        subject=subject,
        then=list(then),
    )
    # The model would copy it, and a copy would have to be read anew.
    record.put_job(job)
    return record


def adopted(job: Job, subject: str) -> JobRecord:
    """The record of a job that was published and never written down."""
    params = params_of(job)
    return new_record(job, subject, "", params, follow_ups(params.get("quality")))


def from_event(event: JobEvent, subject: str = "") -> JobRecord:
    """A record for a job that is known from an event alone; its first event tells everything of it."""
    if event.HasField("job"):
        return adopted(event.job, subject)
    at = moment(event.at)
    return JobRecord(
        id=event.job_id, kind=event.kind, source=Source.of(event), run=event.run or 1, created_at=at, updated_at=at,
        subject=subject,
    )  # fmt: skip


def next_run(record: JobRecord) -> JobRecord:
    """The record of the next run, which is queued."""
    return record.model_copy(
        update={
            "run": record.run + 1, "state": State.QUEUED, "attempts": 0, "seq": 0, "error": None, "outputs": [],
            "timeline": [], "progress": JobProgress(), "made": False, "then": not_begun(record.then), "owed": [],
            "in_line": None, "first_for": {},
        }
    )  # fmt: skip


def not_begun(then: Sequence[FollowUp]) -> list[FollowUp]:
    """What follows from a run of a job, before that has made anything."""
    return [one.model_copy(update={"job_id": "", "state": None}) for one in then]


def has_ended(record: JobRecord) -> bool:
    """Whether this run's end is a fact; that it is lost is a guess."""
    return record.state.terminal and record.phase is not Phase.LOST


def is_followed(record: JobRecord) -> bool:
    """Whether its own work is done, and what follows from it is not."""
    return record.phase is Phase.FOLLOWED


def is_staged(record: JobRecord) -> bool:
    """Whether the job is made from a photo or video that was staged for it."""
    is_of_library = record.source is not None and record.source.kind in OF_LIBRARIES
    return is_of_library and "source" in record.message.get("inputs", {})


def is_of_photo(record: JobRecord) -> bool:
    """Whether the job is made from a photo that was staged for it."""
    return record.source is not None and record.source.kind == PHOTO and is_staged(record)


def photos_among(record: JobRecord, roles: Collection[str]) -> list[str]:
    """Those of these roles that are of photos which were staged for it."""
    return sorted(role for role in set(roles) & record.message.get("inputs", {}).keys() if role.startswith(_OF_PHOTO))


def moment(stamp: Timestamp) -> datetime:
    """A protobuf timestamp; now, where there is none."""
    return stamp.ToDatetime(UTC) if stamp.seconds else datetime.now(UTC)
