"""Events become what people see: records in memory and in KV, and news for those who asked.

Every gateway reads every event from where its own KV left off; applying one twice changes nothing.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Protocol

from immichvr.events.v1.events_pb2 import AssetEvent, JobEvent, ModelEvent
from immichvr_common.bus import Bus, Delivery, Puller
from immichvr_common.bus.reading import Unreadable, read_message
from immichvr_common.bus.streams import EVENTS
from immichvr_common.bus.subjects import Told, event_filters, read_subject
from immichvr_common.errors import NotFound, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.retrying import forever, until_up
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from pydantic import BaseModel, Field

from immichvr_gateway.upkeep.aside import Aside

log = get_log(__name__)

_BATCH = 256
_WAIT_S = 5.0
_AGAIN_S = 1.0


class Position(BaseModel):
    """How far a stream was read: up to this sequence number of the stream that was begun then."""

    seq: int = Field(0, ge=0)
    begun: datetime | None = None

    @classmethod
    def read(cls, stored: bytes, begun: str | None = None) -> Position:
        """A stored position. What cannot be read means the beginning: events may be applied twice.

        begun: what was stored beside the number; None where a release wrote it that kept the number alone.
        """
        try:
            found = json.loads(stored or b"0")
            found = {"seq": found, "begun": begun} if type(found) is int else found
            return cls.model_validate(found)
        except (ValueError, RecursionError):
            log.error("how far events were read cannot be read; they are read from their beginning")
            return cls()


class Followers(Protocol):
    """What follows the events."""

    async def on_job(self, told: Told, event: JobEvent) -> None: ...

    async def on_asset(self, told: Told, event: AssetEvent, seq: int) -> None:
        """An asset's event, and its place in the stream."""

    async def on_model(self, told: Told, event: ModelEvent) -> None: ...


class EventReader:
    """Reads the stream EVENTS in order, from a given place on, through outages.

    on_begun_anew: called when the stream turns out to be
    another than the one that was read so far, before its events are read from the beginning.
    """

    def __init__(
        self,
        bus: Bus,
        after: Position,
        aside: Aside,
        look_ahead: Callable[[list[AssetEvent]], Awaitable[None]],
        on_begun_anew: Callable[[], None],
    ) -> None:
        self._bus, self._aside, self._look_ahead = bus, aside, look_ahead
        self.position, self._begun = after.seq, after.begun
        self._followers: Followers | None = None
        self._on_begun_anew = on_begun_anew
        # Through which consumer events come, and how many of those it delivered have been applied.
        self._consumer, self._applied = "", 0
        self.stored_at: datetime | None = None
        """When the event that is being applied was stored, by the clock of NATS."""

    def feed(self, followers: Followers) -> None:
        """Who is told of every event from now on."""
        self._followers = followers

    @property
    def place(self) -> Position:
        """How far events are read, to be stored."""
        return Position(seq=self.position, begun=self._begun)

    async def is_caught_up(self) -> bool:
        """Whether everything that lies in the stream at this moment has been applied.

        Raises Unavailable.
        """
        if not self._consumer:
            return False
        try:
            info = await self._bus.consumer(EVENTS, self._consumer)
        except NotFound:
            return False
        delivered = info.delivered.consumer_seq if info.delivered is not None else 0
        return not info.num_pending and self._applied >= delivered

    async def run(self) -> None:
        """Reads until cancelled."""
        await forever(self._read, "events cannot be read", outage=(Unavailable, NotFound), longest_s=_AGAIN_S)

    async def _read(self) -> None:
        async with self._puller() as puller:
            while True:
                messages = await puller.batch(_BATCH, _WAIT_S)
                ahead = _assets_in(messages)
                await self._look_ahead(list(ahead.values()))
                for message in messages:
                    self.stored_at, asset = message.at, ahead.get(message.seq)
                    # What is told to be there cannot be looked at just now; NATS goes on keeping what comes after.
                    await until_up(
                        partial(self.take, message.subject, message.data, message.seq, asset),
                        "events wait for storage", longest_s=_AGAIN_S, seen=_raise_unless_storage,
                    )  # fmt: skip
                    self.stored_at = None
                    self.position, self._applied = message.seq, message.number

    @asynccontextmanager
    async def _puller(self) -> AsyncIterator[Puller]:
        await self._check_stream()
        config = ConsumerConfig(
            filter_subjects=event_filters(),
            ack_policy=AckPolicy.NONE,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self.position + 1,
            inactive_threshold=60,
            mem_storage=True,
        )
        info = await self._bus.add_consumer(EVENTS, config)
        try:
            async with self._bus.pulling(EVENTS, info.name) as puller:
                self._consumer, self._applied = info.name, 0
                yield puller
        finally:
            self._consumer = ""

    async def _check_stream(self) -> None:
        """Holds the position against the stream, which may be a new one, or have lost events that were not read."""
        info = await self._bus.stream(EVENTS)
        is_other = self._begun is not None and info.created is not None and self._begun != info.created
        if self.position > info.state.last_seq or is_other:
            log.warning(
                "the stream of events was begun anew and is read from its beginning",
                was_at=self.position, ends_at=info.state.last_seq,
            )  # fmt: skip
            self.position = 0
            self._on_begun_anew()
        elif 0 < self.position < info.state.first_seq - 1:
            gone = info.state.first_seq - 1 - self.position
            log.warning("events were removed before they were read", events=gone, was_at=self.position)
        self._begun = info.created

    async def take(self, subject: str, data: bytes, seq: int, asset: AssetEvent | None = None) -> None:
        """Applies one event, `seq` being its place in the stream. asset: what was read of it already.

        One that cannot be read, believed or applied is set aside. Raises on outages alone.
        """
        told, followers = read_subject(subject), self._followers
        if followers is None:
            raise Unavailable("nobody follows the events yet", down="gateway")
        try:
            if told is None:
                raise Unreadable("misplaced", f"{subject[:200]!r} is no subject of an event")
            if told.what == "job":
                await followers.on_job(told, read_message(data, JobEvent()))
            elif told.what == "asset":
                await followers.on_asset(told, asset or read_message(data, AssetEvent()), seq)
            else:
                await followers.on_model(told, read_message(data, ModelEvent()))
        except Unreadable as error:
            await self._aside.put(EVENTS, subject, data, error)
        except Unavailable:
            raise
        except Exception as error:  # one bad event must not make the gateway deaf to all others
            log.error("an event cannot be applied", subject=subject[:200], exc_info=error)
            await self._aside.put(EVENTS, subject, data, Unreadable("not_applied", f"{type(error).__name__}: {error}"))


def _raise_unless_storage(outage: Exception) -> None:
    if isinstance(outage, Unavailable) and outage.down != "s3":
        raise outage


def _assets_in(messages: list[Delivery]) -> dict[int, AssetEvent]:
    """What a batch tells of assets, as far as it can be read, by its place in the stream."""
    found: dict[int, AssetEvent] = {}
    for message in messages:
        told = read_subject(message.subject)
        if told is not None and told.what == "asset":
            with contextlib.suppress(Unreadable):
                found[message.seq] = read_message(message.data, AssetEvent())
    return found
