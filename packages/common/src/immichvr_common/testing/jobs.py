"""Making jobs by hand and hearing what becomes of them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_SUCCEEDED,
    Job,
    JobEvent,
    JobState,
)

from immichvr_common.bus import Bus, BusMessage, job_subject
from immichvr_common.bus.subjects import event_subject
from immichvr_common.reporting import encode
from immichvr_common.sources import Source

TERMINAL = {JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, JOB_STATE_CANCELLED}


class Events:
    """What was told about one job."""

    def __init__(self, bus: Bus, job_id: str) -> None:
        self._bus, self._subject, self.seen = bus, event_subject("*", "job", job_id), list[JobEvent]()
        self._arrived = asyncio.Event()

    async def open(self) -> Events:
        """Starts listening."""

        async def on_event(message: BusMessage) -> None:
            self.seen.append(json_format.Parse(message.data, JobEvent(), ignore_unknown_fields=True))
            self._arrived.set()

        await self._bus.subscribe(self._subject, on_event)
        return self

    async def until(self, state: JobState, within_s: float = 20) -> JobEvent:
        """The first event of a state."""
        return await self._first(lambda event: event.state == state, within_s)

    async def until_progress(self, stage: str, within_s: float = 20) -> JobEvent:
        """The first event that tells of a stage."""
        return await self._first(lambda event: event.progress.stage == stage, within_s)

    async def end(self, within_s: float = 20) -> JobEvent:
        """The first terminal event."""
        return await self._first(lambda event: event.state in TERMINAL, within_s)

    async def _first(self, wanted: Callable[[JobEvent], bool], within_s: float) -> JobEvent:
        async with asyncio.timeout(within_s):
            while True:
                for event in self.seen:
                    if wanted(event):
                        return event
                self._arrived.clear()
                await self._arrived.wait()


async def queue_is_empty(bus: Bus, within_s: float = 5) -> bool:
    async with asyncio.timeout(within_s):
        while (await bus.stream("JOBS")).state.messages:  # noqa: ASYNC110  # the server tells nobody
            await asyncio.sleep(0.02)
    return True


def make_job(**params: str | float | bool) -> Job:
    """A job for the trial capability with an id of its own."""
    photo = uuid.uuid4().hex[:12]
    job = Job(id=f"depth-{photo}-r0", kind="depth", run=1, bucket="immichvr", source_version="v1")
    Source.photo(photo).put(job)
    job.recipes["depth"] = "r0"
    job.params.update(params)
    job.created_at.GetCurrentTime()
    return job


async def submit(bus: Bus, job: Job, job_class: str = "interactive") -> None:
    """Puts a job on the queue."""
    await bus.publish(job_subject("ai", "cpu", job_class, job.kind, job.id), encode(job))
