"""Jobs that NATS gave up on without a word from a worker: they fail visibly, and leave the queue."""

from __future__ import annotations

import asyncio

import nats.errors
from google.protobuf import json_format
from immichvr.common.v1.common_pb2 import Error
from immichvr.events.v1.events_pb2 import JOB_STATE_FAILED, DeadJob, JobEvent
from immichvr_common.arrivals import read_job
from immichvr_common.bus import Bus, Puller
from immichvr_common.bus.connection import OUTAGES
from immichvr_common.bus.pull import ConsumerGone
from immichvr_common.bus.reading import Unreadable
from immichvr_common.bus.streams import DEAD, JOBS
from immichvr_common.bus.subjects import GATEWAY, event_subject
from immichvr_common.logs import get_log
from immichvr_common.reporting import encode
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import NotFoundError
from pydantic import BaseModel, Field, ValidationError

from immichvr_gateway.aside import Aside
from immichvr_gateway.jobs.records import JobError, JobRecord

log = get_log(__name__)

_DURABLE = "gateway-advisories"
_POISON = "this job was handed out {} times and no worker came to an end with it; it is tried no more by itself"


async def watch_advisories(bus: Bus) -> None:
    """Turns advisories about abandoned messages into failed jobs, until cancelled."""
    aside = Aside(bus)
    while True:
        try:
            config = ConsumerConfig(
                durable_name=_DURABLE, filter_subject="$JS.EVENT.ADVISORY.>", ack_policy=AckPolicy.EXPLICIT
            )
            await bus.js.add_consumer(DEAD, config)
            puller = Puller(bus.client, DEAD, _DURABLE)
            await puller.open()
            try:
                while True:
                    message = await puller.next(5)
                    if message is None:
                        continue
                    try:
                        await _bury(bus, message)
                    except Unreadable as error:
                        await aside.put(DEAD, message.subject, message.data, error)
                    await message.ack()
            finally:
                await puller.close()
        except (*OUTAGES, nats.errors.Error, ConsumerGone) as error:
            log.debug("advisories cannot be read, trying again", error=str(error))
            await asyncio.sleep(0.5)


async def _bury(bus: Bus, advisory: Msg) -> None:
    """Tells the end of the job an advisory is about. Raises Unreadable where it is about none."""
    seq, deliveries = _facts(advisory.data)
    try:
        message = await bus.js.get_msg(JOBS, seq=seq)
    except NotFoundError:
        return  # it left the queue meanwhile
    try:
        job = read_job(message.subject or "", message.data)
    except Unreadable:
        await bus.remove(JOBS, seq)
        raise
    event = JobEvent(
        job_id=job.id, kind=job.kind, photo_id=job.photo_id, run=job.run, attempt=deliveries, seq=2**31 - 1,
        state=JOB_STATE_FAILED, error=Error(code="poison", message=_POISON.format(deliveries), retriable=True), job=job,
    )  # fmt: skip
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
    await bus.publish(f"dead.{record.kind}.{record.id}", payload, {"Nats-Msg-Id": f"dead.{record.id}.{record.run}"})
