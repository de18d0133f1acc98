"""Events become what people see: records in memory and in KV, and news for those who asked.

Every gateway reads every event from where its own KV left off; applying one twice changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import nats.errors
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import AssetEvent, JobEvent, ModelEvent
from immichvr_common.bus import Bus, Puller
from immichvr_common.bus.connection import OUTAGES
from immichvr_common.bus.pull import ConsumerGone
from immichvr_common.bus.streams import EVENTS
from immichvr_common.errors import Unavailable
from immichvr_common.logs import get_log
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

log = get_log(__name__)

_BATCH = 256
_WAIT_S = 5.0


class EventReader:
    """Reads the stream EVENTS in order, from a given place on, through outages."""

    def __init__(
        self,
        bus: Bus,
        after: int,
        on_job: Callable[[JobEvent], Awaitable[None]],
        on_asset: Callable[[AssetEvent], Awaitable[None]],
        on_model: Callable[[ModelEvent], Awaitable[None]],
    ) -> None:
        self._bus, self.position = bus, after
        self._on_job, self._on_asset, self._on_model = on_job, on_asset, on_model

    async def run(self) -> None:
        """Reads until cancelled."""
        while True:
            try:
                async with self._puller() as puller:
                    while True:
                        for message in await puller.batch(_BATCH, _WAIT_S):
                            await self._apply(message)
            except (Unavailable, *OUTAGES, nats.errors.Error, ConsumerGone) as error:
                log.warning("events cannot be read, trying again", error=str(error) or type(error).__name__)
                await asyncio.sleep(0.3)

    @asynccontextmanager
    async def _puller(self) -> AsyncIterator[Puller]:
        config = ConsumerConfig(
            filter_subjects=["events.job.>", "events.asset.>", "events.model.>"],
            ack_policy=AckPolicy.NONE,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self.position + 1,
            inactive_threshold=60,
            mem_storage=True,
        )
        info = await self._bus.js.add_consumer(EVENTS, config)
        puller = Puller(self._bus.client, EVENTS, info.name)
        await puller.open()
        try:
            yield puller
        finally:
            await puller.close()

    async def _apply(self, message: Msg) -> None:
        try:
            if message.subject.startswith("events.job."):
                await self._on_job(json_format.Parse(message.data, JobEvent(), ignore_unknown_fields=True))
            elif message.subject.startswith("events.model."):
                await self._on_model(json_format.Parse(message.data, ModelEvent(), ignore_unknown_fields=True))
            else:
                await self._on_asset(json_format.Parse(message.data, AssetEvent(), ignore_unknown_fields=True))
        except json_format.ParseError as error:
            log.error("an event cannot be read", subject=message.subject, error=str(error))
        except (Unavailable, *OUTAGES, nats.errors.Error):
            raise
        except Exception as error:  # one bad event must not make the gateway deaf to all others
            log.error("an event cannot be applied", subject=message.subject, exc_info=error)
        self.position = message.metadata.sequence.stream
