"""Jobs that NATS gave up on without a word from a worker: they fail visibly, and leave the queue."""

from __future__ import annotations

import asyncio
import json

import nats.errors
from google.protobuf import json_format
from immichvr.common.v1.common_pb2 import Error
from immichvr.events.v1.events_pb2 import JOB_STATE_FAILED, Job, JobEvent
from immichvr_common.bus import Bus, Puller
from immichvr_common.bus.connection import OUTAGES
from immichvr_common.bus.pull import ConsumerGone
from immichvr_common.bus.streams import DEAD, JOBS
from immichvr_common.bus.subjects import GATEWAY, event_subject
from immichvr_common.logs import get_log
from immichvr_common.reporting import encode
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import NotFoundError

log = get_log(__name__)

_DURABLE = "gateway-advisories"
_POISON = "this job ended its worker again and again and is not tried any more"


async def watch_advisories(bus: Bus) -> None:
    """Turns advisories about abandoned messages into failed jobs, until cancelled."""
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
                    if message is not None:
                        await _bury(bus, message)
                        await message.ack()
            finally:
                await puller.close()
        except (*OUTAGES, nats.errors.Error, ConsumerGone) as error:
            log.debug("advisories cannot be read, trying again", error=str(error))
            await asyncio.sleep(0.5)


async def _bury(bus: Bus, advisory: Msg) -> None:
    facts = json.loads(advisory.data)
    try:
        message = await bus.js.get_msg(JOBS, seq=int(facts["stream_seq"]))
        job = json_format.Parse(message.data or b"", Job(), ignore_unknown_fields=True)
    except (NotFoundError, KeyError, json_format.ParseError):
        return
    event = JobEvent(
        job_id=job.id, kind=job.kind, photo_id=job.photo_id, run=job.run, attempt=int(facts.get("deliveries", 1)),
        seq=2**31 - 1, state=JOB_STATE_FAILED, error=Error(code="poison", message=_POISON), job=job,
    )  # fmt: skip
    event.at.GetCurrentTime()
    subject = event_subject(GATEWAY, "job", job.id)
    await bus.publish_until_stored(subject, encode(event), f"{job.id}.{job.run}.poison")
    await bus.js.delete_msg(JOBS, int(facts["stream_seq"]))
