"""Jobs that NATS gave up on without a word from a worker: they fail visibly, and leave the queue."""

from __future__ import annotations

from functools import partial

from google.protobuf import json_format
from immichvr.common.v1.common_pb2 import Error
from immichvr.events.v1.events_pb2 import JOB_STATE_FAILED, DeadJob, JobEvent
from immichvr_catalog import GATEWAY
from immichvr_common.arrivals import read_job
from immichvr_common.bus import Bus, Delivery
from immichvr_common.bus.reading import Unreadable
from immichvr_common.bus.streams import DEAD, JOBS
from immichvr_common.bus.subjects import event_subject
from immichvr_common.errors import NotFound, Unavailable
from immichvr_common.reporting import encode
from immichvr_common.retrying import forever
from immichvr_common.sources import Source
from nats.js.api import AckPolicy, ConsumerConfig
from pydantic import BaseModel, Field, ValidationError

from immichvr_gateway.jobs.records import JobError, JobRecord
from immichvr_gateway.upkeep.aside import Aside

_DURABLE = "gateway-advisories"
_POISON = "this job was handed out {} times and no worker came to an end with it; it is tried no more by itself"


async def watch_advisories(bus: Bus) -> None:
    """Turns advisories about abandoned messages into failed jobs, until cancelled."""
    await forever(partial(_watch, bus), "advisories cannot be read", outage=(Unavailable, NotFound))


async def _watch(bus: Bus) -> None:
    aside = Aside(bus)
    config = ConsumerConfig(durable_name=_DURABLE, filter_subject="$JS.EVENT.ADVISORY.>", ack_policy=AckPolicy.EXPLICIT)
    await bus.add_consumer(DEAD, config)
    async with bus.pulling(DEAD, _DURABLE) as puller:
        while True:
            message = await puller.next(5)
            if message is None:
                continue
            try:
                await _bury(bus, message)
            except Unreadable as error:
                await aside.put(DEAD, message.subject, message.data, error)
            await message.acknowledge()


async def _bury(bus: Bus, advisory: Delivery) -> None:
    """Tells the end of the job an advisory is about. Raises Unreadable where it is about none."""
    seq, deliveries = _facts(advisory.data)
    try:
        message = await bus.get(JOBS, seq)
    except NotFound:
        return  # it left the queue meanwhile
    try:
        job = read_job(message.subject, message.data)
    except Unreadable:
        await bus.remove(JOBS, seq)
        raise
    event = JobEvent(
        job_id=job.id, kind=job.kind, run=job.run, attempt=deliveries, seq=2**31 - 1, state=JOB_STATE_FAILED,
        error=Error(code="poison", message=_POISON.format(deliveries), retriable=True), job=job,
    )  # fmt: skip
    if source := Source.of(job):
        source.put(event)
    event.at.GetCurrentTime()
    subject = event_subject(GATEWAY, "job", job.id)
    await bus.publish_until_stored(subject, encode(event), f"{job.id}.{job.run}.poison")
    await bus.remove(JOBS, seq)


def _facts(advisory: bytes) -> tuple[int, int]:
    """Which message of JOBS an advisory is about, and how often that was delivered. Raises Unreadable."""
    try:
        told = _Advisory.model_validate_json(advisory)
    except ValidationError as error:
        raise Unreadable("unreadable", f"an advisory with {error.error_count()} fields that are wrong") from error
    return told.stream_seq, told.deliveries


class _Advisory(BaseModel):
    """The part of nats-server's advisories that counts here."""

    stream_seq: int = Field(ge=1, lt=2**63)
    deliveries: int = Field(1, ge=1, le=10_000)


async def bury(bus: Bus, record: JobRecord) -> None:
    """Writes a job that failed for good into DEAD, once."""
    error = record.error or JobError(code="internal", message="unknown")
    dead = DeadJob(job=record.job(), deliveries=record.attempts)
    dead.error.code, dead.error.message = error.code, error.message
    dead.at.GetCurrentTime()
    payload = json_format.MessageToJson(dead, indent=None).encode()
    await bus.publish(_subject(record), payload, {"Nats-Msg-Id": f"dead.{record.id}.{record.run}"})


async def unbury(bus: Bus, record: JobRecord) -> None:
    """Removes what was written of a job into DEAD: it is tried again, or nobody wants to hear of it any more.

    Raises Unavailable.
    """
    await bus.purge(DEAD, _subject(record))


def _subject(record: JobRecord) -> str:
    return f"dead.{record.kind}.{record.id}"
