"""One connection to NATS that reconnects for ever and says when it is down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, ConsumerInfo, PubAck, StreamInfo
from nats.js.errors import APIError

from immichvr_common.bus.faults import BusFull, Silence, translated
from immichvr_common.bus.kv import KeyValueStore
from immichvr_common.bus.link import Link
from immichvr_common.bus.listing import every
from immichvr_common.bus.messages import BusMessage, Stored, stored
from immichvr_common.bus.pull import Puller
from immichvr_common.errors import NotFound, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.retrying import until_up
from immichvr_common.settings import NatsSettings

log = get_log(__name__)

_PONG_S = 2
_CLOSED_S = _ANSWERED_S = 5
_SILENCES = 2
"""Messages in a row that a server may leave unconfirmed, which answers, before its store is taken for full."""

_EXPECTED = (
    TimeoutError,
    ConnectionError,
    nats.errors.StaleConnectionError,
    nats.errors.NoServersError,
    nats.errors.ConnectionReconnectingError,
)
"""What the client says beside what its callers hear, while the server is away."""

OnMessage = Callable[[BusMessage], Awaitable[None]]


class Bus:
    """A connection, with its streams, consumers and buckets.

    Calls raise Unavailable when NATS is away (BusFull when it has no room), NotFound and Conflict, and nothing else
    but what is a bug. js, client: the library's own, for this package and for tests.
    """

    def __init__(self, client: Client, link: Link, timeout_s: float) -> None:
        self.client, self.link = client, link
        self.js: JetStreamContext = client.jetstream(timeout=timeout_s)
        self._unconfirmed: dict[str, int] = {}
        self._full: dict[str, BusFull] = {}
        self._asked_by = link.losses
        self._buckets: dict[str, KeyValueStore] = {}

    @property
    def connected(self) -> bool:
        """Whether the server can be reached right now, as far as the client knows."""
        return self.link.is_up

    @property
    def full(self) -> BusFull | None:
        """Why messages are not stored; None as far as is known they are."""
        if self._asked_by != self.link.losses:
            # What a server refused says nothing about the one that is connected to now.
            self._asked_by = self.link.losses
            self._unconfirmed.clear()
            self._full.clear()
        return next(iter(self._full.values()), None)

    async def publish(self, subject: str, payload: bytes, headers: Mapping[str, str] | None = None) -> PubAck:
        """Stores a message in the stream that owns its subject.

        Raises Conflict when the subject holds a message already and may hold but one.
        """
        stream = subject.partition(".")[0]
        if not self.connected:
            raise Unavailable("NATS is not connected", down="nats")
        try:
            with translated(subject):
                confirmed = await self.js.publish(subject, payload, headers=dict(headers or {}) or None)
        except BusFull as full:
            self._full[stream] = full
            raise
        except Silence as silence:
            raise await self._silence(stream, subject) from silence
        self._unconfirmed.pop(stream, None)
        self._full.pop(stream, None)
        return confirmed

    async def publish_until_stored(self, subject: str, payload: bytes, message_id: str) -> None:
        """Publishes, waiting for NATS to come back as long as it takes; stored once, however often it is sent."""

        async def publish() -> None:
            await self.publish(subject, payload, {"Nats-Msg-Id": message_id})

        await until_up(publish, "a message waits for NATS", subject=subject)

    async def announce(self, subject: str, payload: bytes) -> None:
        """Tells whoever listens at this moment; nothing is stored, and nobody confirms it."""
        with translated(subject):
            await self.client.publish(subject, payload)

    async def subscribe(self, subject: str, on_message: OnMessage) -> None:
        """Has somebody told what is published, for as long as the connection lives."""

        async def hear(message: Msg) -> None:
            try:
                await on_message(BusMessage(message.subject, message.data or b"", message.headers or {}))
            except Exception as error:  # one odd message must not make anybody deaf to the others
                log.error("a message cannot be taken in", subject=message.subject[:200], exc_info=error)

        with translated(subject):
            await self.client.subscribe(subject, cb=hear)

    async def last(self, stream: str, subject: str, direct: bool = False) -> Stored:
        """The newest message on a subject, which may have wildcards. direct: as services have the right to ask."""
        with translated(f"message on {subject}"):
            return stored(await self.js.get_last_msg(stream, subject, direct=direct))

    async def get(self, stream: str, seq: int) -> Stored:
        """A message by its place in a stream."""
        with translated(f"message {seq} in {stream}"):
            return stored(await self.js.get_msg(stream, seq=seq))

    async def remove(self, stream: str, seq: int) -> None:
        """Removes a message; one that has gone by itself, as when it was acknowledged just now, is gone."""
        with translated(f"message {seq} in {stream}"):
            try:
                await self.js.delete_msg(stream, seq)
            except APIError:
                # NATS has one answer for whatever kept it from removing a message: only a look tells.
                if await self._is_there(stream, seq):
                    raise

    async def purge(self, stream: str, subject: str, keep: int = 0, through: int = 0) -> None:
        """Removes the messages on a subject: all but the newest `keep`, or those up to the place `through`."""
        with translated(f"messages on {subject}"):
            seq = through + 1 if through else None
            await self.js.purge_stream(stream, seq=seq, subject=subject, keep=keep or None)

    async def stream(self, stream: str) -> StreamInfo:
        """What the server says of a stream."""
        with translated(f"stream {stream}"):
            return await self.js.stream_info(stream)

    async def subjects(self, stream: str, under: str = ">") -> list[str]:
        """The subjects of a stream on which messages lie."""
        with translated(f"stream {stream}"):
            return list((await self.js.stream_info(stream, subjects_filter=under)).state.subjects or {})

    async def clock(self, stream: str) -> datetime | None:
        """What time it is by the server's clock, where it says so. It names the second only."""
        told = (await self._facts(stream)).get("ts")
        return datetime.fromisoformat(f"{told[:19]}+00:00") if told else None

    async def count(self, stream: str) -> int:
        """On how many subjects of a stream messages lie."""
        return int((await self._facts(stream))["state"].get("num_subjects", 0))

    async def consumer(self, stream: str, name: str) -> ConsumerInfo:
        """What the server says of a consumer."""
        with translated(f"consumer {name} of {stream}"):
            return await self.js.consumer_info(stream, name)

    async def pause(self, stream: str, name: str, until: datetime | None) -> float:
        """Has a consumer hand nothing out until then; None, and it does so again. For how many s, by NATS' clock."""
        with translated(f"consumer {name} of {stream}"):
            if until is None:
                answer = await self.js.resume_consumer(stream, name)
            else:
                answer = await self.js.pause_consumer(stream, name, until.isoformat())
        return int(answer.pause_remaining or 0) / 1e9 if answer.paused else 0.0

    async def held(self) -> dict[str, int]:
        """How many messages lie in each stream."""
        with translated("streams"):
            return {str(one.config.name): one.state.messages for one in await every(self.js.streams_info)}

    async def consumers(self, stream: str) -> list[ConsumerInfo]:
        """What the server says of all consumers of a stream."""
        with translated(f"consumers of {stream}"):
            return await every(partial(self.js.consumers_info, stream))

    async def paused(self, stream: str) -> dict[str, float]:
        """For how many seconds each consumer that is paused hands nothing out any more, by NATS' clock."""
        return {one.name: int(one.pause_remaining or 0) / 1e9 for one in await self.consumers(stream) if one.paused}

    async def add_consumer(self, stream: str, config: ConsumerConfig) -> ConsumerInfo:
        """Makes a consumer, or leaves the one that is there and the same."""
        with translated(f"stream {stream}"):
            return await self.js.add_consumer(stream, config)

    async def remove_consumer(self, stream: str, name: str) -> None:
        """Removes a consumer that nobody needs any more, as far as NATS is there."""
        with contextlib.suppress(NotFound, Unavailable), translated(f"consumer {name} of {stream}"):
            await self.js.delete_consumer(stream, name)

    @asynccontextmanager
    async def pulling(self, stream: str, consumer: str) -> AsyncIterator[Puller]:
        """Pulls from a consumer."""
        puller = Puller(self.client, self.link, stream, consumer)
        await puller.open()
        try:
            yield puller
        finally:
            await puller.close()

    def kv(self, name: str) -> KeyValueStore:
        """A bucket."""
        return self._buckets.setdefault(name, KeyValueStore(self.js, name))

    async def close(self) -> None:
        """Flushes and closes; a connection that is down is dropped."""
        try:
            async with asyncio.timeout(_CLOSED_S):
                await (self.client.drain() if self.connected else self.client.close())
        except (TimeoutError, nats.errors.Error):
            await self.client.close()

    async def _facts(self, stream: str) -> dict[str, Any]:
        """What the server says of a stream, and its client leaves out."""
        with translated(f"stream {stream}"):
            answer = await self.client.request(f"$JS.API.STREAM.INFO.{stream}", b"", timeout=_ANSWERED_S)
            facts: dict[str, Any] = json.loads(answer.data)
            if "error" in facts:
                raise APIError.from_error(facts["error"])
        return facts

    async def _is_there(self, stream: str, seq: int) -> bool:
        try:
            await self.get(stream, seq)
        except NotFound:
            return False
        return True

    async def _silence(self, stream: str, subject: str) -> Unavailable:
        """What silence means: a server whose disk is full answers everything but messages that it should store."""
        missing = Unavailable(f"NATS did not confirm a message on {subject}", down="nats")
        try:
            await self.client.flush(_PONG_S)
        except (nats.errors.Error, OSError, TimeoutError):
            self._unconfirmed.pop(stream, None)
            return missing
        self._unconfirmed[stream] = self._unconfirmed.get(stream, 0) + 1
        if self._unconfirmed[stream] < _SILENCES:
            return missing
        full = BusFull("NATS answers, but stores nothing: most likely its disk is or was full", is_stuck=True)
        self._full[stream] = full
        return full


async def connect(settings: NatsSettings, name: str, hears_itself: bool = True) -> Bus:
    """Connects as `name`; replies come to inboxes only this user may read.

    hears_itself: whether what this connection publishes comes back to what it subscribes to. What a stream delivers
    does in any case. Raises Unavailable when no server answers within the settings' time.
    """
    link = Link()

    async def on_error(error: Exception) -> None:
        # A denied publish looks like a time-out to the caller; only here the reason is told.
        if not isinstance(error, _EXPECTED) or "permissions" in str(error).lower():
            log.error("NATS error", error=str(error))

    tls = ssl.create_default_context(cafile=settings.ca_file) if settings.ca_file else None
    try:
        client = await nats.connect(
            settings.url,
            name=name,
            user=settings.user or None,
            password=settings.password.get_secret_value() or None,
            tls=tls,
            inbox_prefix=f"_INBOX.{settings.user or name}".encode(),
            error_cb=on_error,
            disconnected_cb=link.lost,
            reconnected_cb=link.back,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0.2,
            connect_timeout=max(1, int(settings.connect_timeout_s)),
            no_echo=not hears_itself,
        )
    except (nats.errors.Error, OSError) as error:
        raise Unavailable(f"NATS at {settings.url} cannot be used: {error}", down="nats") from error
    # The first connection fails fast and in words; from now on it comes back by itself.
    client.options["allow_reconnect"] = True
    client.options["max_reconnect_attempts"] = -1
    client.options["reconnect_time_wait"] = 0.2
    link.client = client
    return Bus(client, link, timeout_s=settings.connect_timeout_s)


async def connect_patiently(settings: NatsSettings, name: str, hears_itself: bool = True) -> Bus:
    """Connects to NATS as `connect` does, waiting for it as long as it takes."""
    return await until_up(partial(connect, settings, name, hears_itself), "waiting for NATS")
