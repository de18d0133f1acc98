"""Events become what people see: records in memory and in KV, and news for those who asked.

Every gateway reads every event from where its own KV left off; applying one twice changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import nats.errors
from immichvr.events.v1.events_pb2 import AssetEvent, JobEvent, ModelEvent
from immichvr_common.bus import Bus, Puller
from immichvr_common.bus.connection import OUTAGES
from immichvr_common.bus.pull import ConsumerGone
from immichvr_common.bus.reading import Unreadable, read_message
from immichvr_common.bus.streams import EVENTS
from immichvr_common.bus.subjects import Told, event_filters, own_event_filters, read_subject
from immichvr_common.errors import Unavailable
from immichvr_common.logs import get_log
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RawStreamMsg
from nats.js.errors import NotFoundError

from immichvr_gateway.aside import Aside
from immichvr_gateway.jobs.published import service_in

log = get_log(__name__)

_BATCH = 256
_WAIT_S = 5.0


class EventReader:
    """Reads the stream EVENTS in order, from a given place on, through outages."""

    def __init__(
        self,
        bus: Bus,
        after: int,
        aside: Aside,
        on_job: Callable[[Told, JobEvent], Awaitable[None]],
        on_asset: Callable[[Told, AssetEvent], Awaitable[None]],
        on_model: Callable[[Told, ModelEvent], Awaitable[None]],
    ) -> None:
        self._bus, self.position, self._aside = bus, after, aside
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
            filter_subjects=event_filters(),
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
        await self.take(message.subject, message.data)
        self.position = message.metadata.sequence.stream

    async def take(self, subject: str, data: bytes) -> None:
        """Applies one event; one that cannot be read, believed or applied is set aside. Raises on outages alone."""
        try:
            await self._take(subject, data)
        except Unreadable as error:
            await self._aside.put(EVENTS, subject, data, error)
        except (Unavailable, *OUTAGES, nats.errors.Error):
            raise
        except Exception as error:  # one bad event must not make the gateway deaf to all others
            log.error("an event cannot be applied", subject=subject[:200], exc_info=error)
            await self._aside.put(EVENTS, subject, data, Unreadable("not_applied", f"{type(error).__name__}: {error}"))

    async def _take(self, subject: str, data: bytes) -> None:
        told = read_subject(subject)
        if told is None:
            raise Unreadable("misplaced", f"{subject[:200]!r} is no subject of an event")
        if told.what == "job":
            await self._on_job(told, read_message(data, JobEvent()))
        elif told.what == "asset":
            await self._on_asset(told, read_message(data, AssetEvent()))
        else:
            await self._on_model(told, read_message(data, ModelEvent()))


async def last_events(bus: Bus, subject: str, job_id: str) -> list[tuple[str, bytes]]:
    """The last that its service and a gateway told of a job that lies under `subject` in JOBS, in order."""

    async def last(one: str) -> RawStreamMsg | None:
        try:
            return await bus.js.get_last_msg(EVENTS, one)
        except NotFoundError:
            return None

    service = service_in(subject) if subject else "*"
    found = await asyncio.gather(*(last(one) for one in own_event_filters(service, job_id)))
    there = sorted((message for message in found if message is not None), key=lambda message: message.seq or 0)
    return [(message.subject or "", message.data or b"") for message in there]
