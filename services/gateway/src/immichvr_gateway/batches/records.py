"""What is known about a batch. Pure: records in, records out."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Literal
from zoneinfo import available_timezones

from immichvr_catalog import SPLAT
from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from immichvr_gateway.http.times import Moment

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
MOST_FAILURES = 100
_MOST_SEEN = 4000


class BatchState(StrEnum):
    """Where a batch is in its life. ESTIMATED: nobody has begun it yet."""

    ESTIMATED = "estimated"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"

    @property
    def terminal(self) -> bool:
        """Whether nothing more comes of it, unless its failures are tried again."""
        return self in (BatchState.CANCELLED, BatchState.DONE)


class BatchFilter(BaseModel):
    """Of what a batch is made: everything on the person's timeline, or what is in, shows or carries all of this."""

    model_config = ConfigDict(extra="forbid")
    media: Literal["photo", "video"] = "photo"
    album: str | None = Field(None, max_length=64, description="its id")
    person: str | None = Field(None, max_length=64, description="the id of somebody in the picture")
    tag: str | None = Field(None, max_length=64, description="its id")
    favourites: StrictBool = False
    taken_after: Moment | None = None
    taken_before: Moment | None = None

    def takes(self, taken_at: datetime | None) -> bool:
        """Whether something taken then is among them; what nobody knows the time of is where no time is asked for."""
        if taken_at is None:
            return self.taken_after is None and self.taken_before is None
        at = taken_at if taken_at.tzinfo is not None else taken_at.replace(tzinfo=UTC)
        return (self.taken_after is None or at >= self.taken_after) and (
            self.taken_before is None or at < self.taken_before
        )


class Hours(BaseModel):
    """When in the day a batch may work, by the clocks of a zone; over midnight where it ends before it begins."""

    model_config = ConfigDict(extra="forbid")
    begin: str = Field("22:00", pattern=_CLOCK.pattern, max_length=5)
    end: str = Field("06:00", pattern=_CLOCK.pattern, max_length=5)
    zone: str = Field("UTC", max_length=64, examples=["Europe/Vienna"])

    @model_validator(mode="after")
    def _has_a_zone(self) -> Hours:
        if self.zone not in available_timezones():
            raise ValueError(
                f"there is no time zone {self.zone!r}; there are Europe/Vienna, America/New_York and so on"
            )
        return self


class BatchWanted(BaseModel):
    """What somebody wants made. hours, waits_for_signal: when it may work; at any time where neither is given."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"filter": {"favourites": True}, "quality": "light"}]}
    )
    filter: BatchFilter = BatchFilter()
    kind: str = Field(SPLAT, max_length=64)
    model: str = Field("auto", max_length=64)
    quality: str | None = Field(None, max_length=16, description="of splats: full or light")
    preview_only: StrictBool = Field(
        False, description="of splats: keeps the light one alone; the full one is made anew when somebody asks for it"
    )
    hours: Hours | None = None
    waits_for_signal: StrictBool = Field(False, description="works only while a signal says so: POST …/signal")
    start: StrictBool = Field(False, description="begins at once, rather than after a look at the estimate")

    @model_validator(mode="after")
    def _fits(self) -> BatchWanted:
        if self.preview_only and self.kind != SPLAT:
            raise ValueError("preview_only is about splats; leave it out for other kinds")
        return self

    def params(self) -> dict[str, object]:
        """What the planner of the kind is asked for; not every kind knows of models, or of qualities."""
        told = {"model": None if self.model == "auto" else self.model}
        told["quality"] = "light" if self.preview_only else self.quality
        return {name: value for name, value in told.items() if value is not None}


class Estimate(BaseModel):
    """What a batch will take, as it looks now; null where nothing like it was made yet."""

    items: int = Field(description="that the filter takes")
    is_at_least: bool = Field(description="whether there are more than were counted")
    to_make: int = Field(description="of which nothing of the kind is there yet")
    hours: float | None = Field(description="of work, at the pace of the latest jobs")
    gigabytes: float | None = Field(description="in storage, by what the latest of the kind take")


class Counts(BaseModel):
    """How far a batch is, in photos or videos."""

    looked_at: int = 0
    made: int = 0
    existing: int = 0
    failed: int = 0
    skipped: int = 0


class Failure(BaseModel):
    """Something of which nothing was made, and why. job_id: empty where no job could be made."""

    source_kind: str
    source_id: str
    name: str = ""
    job_id: str = ""
    code: str
    message: str
    at: datetime


class Signal(BaseModel):
    """What was said last of whether now is the time. until: after which it holds no more."""

    go: bool
    until: datetime | None = None


class Batch(BaseModel):
    """A batch as the gateway keeps it.

    waits: why it does not go on just now, in words. stage, cursor, at: how far it has looked through the library.
    open: the ids of its jobs that have not ended. seen: digests of what was looked at out of turn. secret: the hash of
    what a signal is sent with.
    """

    id: str
    user_id: str
    wanted: BatchWanted
    estimate: Estimate
    state: BatchState = BatchState.ESTIMATED
    waits: str = ""
    stage: int = 0
    cursor: str | None = None
    at: int = 0
    is_through: bool = False
    open: list[str] = []
    again: list[str] = []
    seen: list[str] = []
    counts: Counts = Counts()
    failures: list[Failure] = []
    signal: Signal | None = None
    secret: str = ""
    created_at: datetime
    updated_at: datetime

    def has_seen(self, source_id: str) -> bool:
        """Whether something was looked at before its turn came."""
        return _digest(source_id) in self.seen

    def see(self, source_id: str) -> None:
        """Something is looked at before its turn."""
        if len(self.seen) < _MOST_SEEN:
            self.seen.append(_digest(source_id))

    def fail(self, failure: Failure) -> None:
        """Counts a failure; the latest are kept with why."""
        self.counts.failed += 1
        self.failures = [*self.failures[-(MOST_FAILURES - 1) :], failure]

    def knows(self, secret: str) -> bool:
        """Whether this is what a signal is sent with."""
        return bool(self.secret) and secrets.compare_digest(self.secret, hashed(secret))


def hashed(secret: str) -> str:
    """How a secret is kept."""
    return sha256(secret.encode()).hexdigest()


def _digest(source_id: str) -> str:
    return sha256(source_id.encode()).hexdigest()[:8]
