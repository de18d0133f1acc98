"""What a worker tells the bus: how its jobs go, and what happens to models on it."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum

from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_RUNNING,
    AssetEvent,
    Job,
    JobEvent,
    JobState,
    ModelEvent,
    Output,
    Phase,
)

from immichvr_common.bus.connection import Bus
from immichvr_common.bus.subjects import event_subject
from immichvr_common.errors import Unavailable
from immichvr_common.lease import Lease
from immichvr_common.logs import get_log
from immichvr_common.sources import Source
from immichvr_common.supervision import spawn
from immichvr_common.telling import ChildEvent, LoadedModels, Serving

log = get_log(__name__)

_PERIOD_S = 0.25
_LAST_WORDS_S = 2.0
_AGAIN_S = 240.0
LOADED, UNLOADED, UNLOADING, ABSENT = "loaded", "unloaded", "unloading", "absent"
"""States of a ModelEvent that workers themselves tell or act upon."""


class Why(Enum):
    """Why the work on a job is ended before it has."""

    CANCELLED = "nobody wants it any more"
    STOPPED = "the worker was told to stop"


@dataclass(eq=False)
class Active:
    """A job this worker is on.

    queued_as: the message in the queue that it is, which every attempt at it shares. work: what leads to the outcome,
    and can be ended; task: all of it, telling and acknowledging too. holds_place: whether it takes one of those the
    worker has for jobs. begun: attempts of this run whose work has begun, this one too once it has; told: the telling
    of that. outputs: assets that exist now and are not told of yet. outcome, error: what was told in the end, and the
    code of why it failed; empty where it goes on elsewhere.
    """

    job: Job
    attempt: int
    lease: Lease
    queued_as: int = 0
    task: asyncio.Task[None] | None = None
    work: asyncio.Task[JobEvent | None] | None = None
    why: Why | None = None
    holds_place: bool = True
    begun: int = 0
    told: asyncio.Task[None] | None = None
    outputs: list[Output] = field(default_factory=list)
    has_ended_before: bool = False
    seq: int = 0
    address: str = ""
    outcome: str = ""
    error: str = ""
    phases: list[Phase] = field(default_factory=list)
    last_phase: float = field(default_factory=time.perf_counter)

    def end(self, why: Why) -> None:
        """Ends the work. What it has led to already stands; a job that nobody wants is not given back."""
        if self.work is None or (self.work.done() and not self.work.cancelled()):
            return
        if self.why is None:
            self.work.cancel()
        if self.why is not Why.CANCELLED:
            self.why = why

    def go_on(self) -> None:
        """Raises CancelledError where the work shall end; what a library waited for may have swallowed the first."""
        if self.why is not None:
            raise asyncio.CancelledError

    def reached(self, stage: str) -> None:
        """Notes a step of the timeline."""
        if self.phases and self.phases[-1].stage == stage:
            return
        now = time.perf_counter()
        phase = Phase(stage=stage, seconds=now - self.last_phase)
        phase.at.GetCurrentTime()
        self.phases.append(phase)
        self.last_phase = now

    def event(self, state: JobState) -> JobEvent:
        """The next event of this attempt."""
        self.seq += 1
        event = JobEvent(
            job_id=self.job.id, kind=self.job.kind, run=self.job.run, attempt=self.attempt, seq=self.seq,
            state=state, traceparent=self.job.traceparent, timeline=self.phases, address=self.address,
            begun=self.begun,
        )  # fmt: skip
        if source := Source.of(self.job):
            source.put(event)
        event.at.GetCurrentTime()
        return event


class Reporter:
    """Passes progress on to the bus, a few times a second at most; the newest counts."""

    def __init__(self, active: Active, bus: Bus, service: str) -> None:
        self._active, self._bus, self._service = active, bus, service
        self._fraction, self._stage, self._message = 0.0, "started", ""
        self._latest: JobEvent | None = None
        self._flusher: asyncio.Task[None] | None = None

    def __call__(self, fraction: float, stage: str, message: str) -> None:
        self._active.reached(stage)
        self._fraction, self._stage, self._message = min(max(fraction, 0.0), 1.0), stage, message
        self._tell()

    def hear(self, news: ChildEvent) -> None:
        """Takes in what the job's child tells beside progress."""
        if isinstance(news, Serving):
            self._active.address = news.address
            self._tell()

    def _tell(self) -> None:
        event = self._active.event(JOB_STATE_RUNNING)
        event.progress.fraction = self._fraction
        event.progress.stage, event.progress.message = self._stage, self._message
        self._latest = event
        if self._flusher is None or self._flusher.done():
            self._flusher = spawn("progress of a job", self._flush())

    async def _flush(self) -> None:
        await asyncio.sleep(_PERIOD_S)
        while (event := self._latest) is not None:
            self._latest = None
            try:
                await self._bus.publish(event_subject(self._service, "job", event.job_id), encode(event))
            except Unavailable as error:
                log.debug("progress was not told", error=error.message)
            await asyncio.sleep(_PERIOD_S)

    async def close(self) -> None:
        """Forgets what was not told yet; the terminal event says more."""
        if self._flusher is not None:
            self._flusher.cancel()
            await asyncio.gather(self._flusher, return_exceptions=True)


class ModelReporter:
    """Publishes what happens to models on this worker: every change of state, progress a few times a second.

    pause: how to wait between one publication of progress and the next.
    """

    def __init__(
        self, bus: Bus, service: str, worker: str, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._bus, self._service, self._worker, self._pause = bus, service, worker, pause
        self._residents: frozenset[str] = frozenset()
        self._waiting: list[ModelEvent] = []
        self._publishing = asyncio.Lock()
        self._flusher: asyncio.Task[None] | None = None

    def hear(self, news: ChildEvent) -> None:
        """Takes in what a pool's children tell."""
        if isinstance(news, ModelEvent):
            self._tell(news)
        elif isinstance(news, LoadedModels):
            gone, come = self._residents - news.keys, news.keys - self._residents
            self._residents = news.keys
            for key in sorted(gone):
                self._tell(ModelEvent(key=key, state=UNLOADED))
            for key in sorted(come):
                self._tell(ModelEvent(key=key, state=LOADED))

    async def keep_reported(self) -> None:
        """Says again and again what is in memory: whoever keeps the list forgets what is not said for a while."""
        while True:
            await asyncio.sleep(_AGAIN_S)
            for key in sorted(self._residents):
                self._tell(ModelEvent(key=key, state=LOADED))

    async def close(self) -> None:
        """Says that nothing is in memory any more; waits a moment until all is told."""
        self.hear(LoadedModels(frozenset()))
        await self.flush()
        if self._flusher is not None:
            self._flusher.cancel()

    async def flush(self) -> None:
        """Tells what waits to be told, now; where NATS is away, it goes on waiting."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._publish(), _LAST_WORDS_S)

    def _tell(self, event: ModelEvent) -> None:
        event.worker = self._worker
        event.at.GetCurrentTime()
        before = next((one for one in reversed(self._waiting) if one.key == event.key), None)
        if before is not None and before.state == event.state:
            self._waiting.remove(before)
        self._waiting.append(event)
        if self._flusher is None or self._flusher.done():
            self._flusher = spawn("news of models", self._flush())

    async def _flush(self) -> None:
        while self._waiting:
            await self._publish()
            await self._pause(_PERIOD_S)

    async def _publish(self) -> None:
        """Tells what waits now; what comes meanwhile has its turn later, so that a slow bus is not told more often."""
        async with self._publishing:
            for event in list(self._waiting):
                # While another was on its way, a newer one of its kind may have taken its place; so may one after.
                if self._waits(event):
                    subject = event_subject(self._service, "model", event.key)
                    await self._bus.publish_until_stored(subject, encode(event), uuid.uuid4().hex)
                if self._waits(event):
                    self._waiting.remove(event)

    def _waits(self, event: ModelEvent) -> bool:
        return any(one is event for one in self._waiting)


def encode(message: JobEvent | AssetEvent | ModelEvent | Job) -> bytes:
    """A message as it lies on the bus: proto3 JSON."""
    return json_format.MessageToJson(message, indent=None).encode()
