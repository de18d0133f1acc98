"""Jobs of a gateway that reads as far as a test says, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format
from immichvr.common.v1.common_pb2 import Error
from immichvr.events.v1.events_pb2 import Job, JobEvent, JobState
from immichvr_common.bus import Bus, BusFull
from immichvr_common.bus.subjects import event_subject
from immichvr_common.errors import Unavailable
from immichvr_common.reporting import encode
from immichvr_gateway.jobs.records import JobRecord, new_record
from immichvr_gateway.jobs.service import JobService
from immichvr_gateway.jobs.store import JobStore


class Reader:
    """Reading that is as far as a test says."""

    def __init__(self, position: int = 2**62, caught_up: bool = True) -> None:
        self.position, self.caught_up = position, caught_up
        self.store: JobStore | None = None

    async def is_caught_up(self) -> bool:
        return self.caught_up

    async def take(self, subject: str, data: bytes, seq: int) -> None:
        assert self.store is not None
        await self.store.on_event(json_format.Parse(data, JobEvent()))


Make = Callable[..., JobService]


async def submitted(jobs: JobService, job: Job, who: str = "ann") -> JobRecord:
    record = new_record(job, jobs.store.subject(job.kind, job.id), who, {"model": "auto"})
    return await jobs.submit(record, who, jobs.ended_run(job.id))


def told(job: Job, state: JobState, code: str = "", seq: int = 1, run: int = 1, attempt: int = 1) -> JobEvent:
    event = JobEvent(
        job_id=job.id, kind=job.kind, photo_id=job.photo_id, run=run, attempt=attempt, seq=seq, state=state
    )
    event.at.GetCurrentTime()
    if code:
        event.error.CopyFrom(Error(code=code, message="so it goes", retriable=True))
    return event


async def told_on_the_bus(bus: Bus, event: JobEvent) -> int:
    receipt = await bus.publish(event_subject("ai", "job", event.job_id), encode(event))
    return int(receipt.seq)


def known(jobs: JobService, job: Job) -> JobRecord:
    record = jobs.store.index.get(job.id)
    assert record is not None
    return record


async def queued_runs(bus: Bus) -> list[int]:
    """The runs that lie in the queue."""
    info = await bus.js.stream_info("JOBS", subjects_filter="jobs.>")
    found = [await bus.js.get_last_msg("JOBS", subject) for subject in info.state.subjects or {}]
    return [json_format.Parse(message.data or b"", Job()).run for message in found]


async def written(bus: Bus, job: Job) -> JobRecord:
    entry = await (await bus.js.key_value("jobs")).get(job.id)
    return JobRecord.model_validate_json(entry.value or b"")


def failing(monkeypatch: pytest.MonkeyPatch, bus: Bus, prefix: str, error: Exception) -> None:
    """From now on nothing can be published under subjects that begin so."""
    publish = bus.publish

    async def fail(subject: str, *rest: Any) -> Any:
        if subject.startswith(prefix):
            raise error
        return await publish(subject, *rest)

    monkeypatch.setattr(bus, "publish", fail)


OUTAGES = [Unavailable("NATS did not confirm", down="nats"), BusFull("the store of NATS is full")]
