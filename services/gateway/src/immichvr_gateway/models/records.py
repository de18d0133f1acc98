"""What is known about a model, and how an event changes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from immichvr.events.v1.events_pb2 import ModelEvent
from pydantic import AwareDatetime, BaseModel, Field

from immichvr_gateway.jobs.records import JobError, moment

SILENT_S = 60.0
"""After so long without a word a download is taken for broken off."""
FORGOTTEN_S = 600.0
"""After so long without a word a worker is taken for gone, and its memory with it; workers say it again before."""

_MOST_WORKERS = 100
"""Workers that are remembered to hold a model, those that said so last."""

Disk = Literal["absent", "downloading", "ready"]


class ModelRecord(BaseModel):
    """A model as workers told of it.

    disk: of the cache that workers share; since: when its weights were last found there. done, total: bytes; rate:
    bytes per second; remaining_s: None where unknown. error: why the last download failed. loading, loaded: when each
    worker last said so. at: of the newest event.
    """

    key: str
    disk: Disk = "absent"
    since: AwareDatetime | None = None
    done: int = 0
    total: int = 0
    rate: float = Field(0, allow_inf_nan=False)
    remaining_s: float | None = Field(None, allow_inf_nan=False)
    error: JobError | None = None
    loading: dict[str, AwareDatetime] = {}
    loaded: dict[str, AwareDatetime] = {}
    at: AwareDatetime | None = None

    def apply(self, event: ModelEvent) -> bool:
        """Takes in what a worker told; whether that is more than progress. An unknown state changes nothing."""
        before = (self.disk, self.error, set(self.loading), set(self.loaded))
        at = self.at = moment(event.at).astimezone(UTC)
        match event.state:
            case "downloading":
                self.disk, self.error = "downloading", None
                self._take_progress(event)
            case "ready":
                self._found(at)
            case "absent":
                self.disk, self.since, self.error = "absent", None, None
                self.loading, self.loaded = {}, {}
                self._take_progress(ModelEvent(remaining_s=-1))
            case "failed":
                self.fail(JobError(code=event.error.code, message=event.error.message, retriable=event.error.retriable))
            case "loading":
                self.loading = _latest({**self.loading, event.worker: at})
            case "loaded":
                self._found(at)
                self.loading.pop(event.worker, None)
                self.loaded = _latest({**self.loaded, event.worker: at})
            case "unloaded":
                self.loading.pop(event.worker, None)
                self.loaded.pop(event.worker, None)
        return before != (self.disk, self.error, set(self.loading), set(self.loaded))

    def fail(self, error: JobError | None) -> None:
        """Ends a download that is under way, for this reason."""
        self.error = error
        if self.disk == "downloading":
            self.disk, self.rate, self.remaining_s = "absent", 0, None

    def is_downloading(self, now: datetime) -> bool:
        """Whether a download is under way and somebody said so lately."""
        return self.disk == "downloading" and _lately(self.at, now, SILENT_S)

    def workers_that_hold_it(self, now: datetime) -> list[str]:
        """The workers that have it in memory."""
        return sorted(worker for worker, at in self.loaded.items() if _lately(at, now, FORGOTTEN_S))

    def is_loading(self, now: datetime) -> bool:
        """Whether a worker is bringing it into memory."""
        return any(_lately(at, now, FORGOTTEN_S) for at in self.loading.values())

    def _found(self, at: datetime) -> None:
        if self.disk != "ready":
            self.since = at
        self.disk, self.error, self.rate, self.remaining_s = "ready", None, 0, None

    def _take_progress(self, event: ModelEvent) -> None:
        self.done, self.total, self.rate = event.done_bytes, event.total_bytes, event.rate
        self.remaining_s = event.remaining_s if event.remaining_s >= 0 else None


def _latest(said: dict[str, datetime]) -> dict[str, datetime]:
    return dict(sorted(said.items(), key=lambda one: one[1])[-_MOST_WORKERS:])


def _lately(at: AwareDatetime | None, now: datetime, within_s: float) -> bool:
    return at is not None and now - at < timedelta(seconds=within_s)
