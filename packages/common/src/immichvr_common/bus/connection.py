"""One connection to NATS that reconnects for ever and says when it is down."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

import nats
import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError, ServiceUnavailableError

from immichvr_common.errors import Conflict, StorageFull, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.settings import NatsSettings

log = get_log(__name__)

# What NATS and its client raise when the server, JetStream or the way to them is gone.
OUTAGES = (
    nats.errors.TimeoutError,
    nats.errors.NoRespondersError,
    nats.errors.ConnectionClosedError,
    nats.errors.ConnectionReconnectingError,
    nats.errors.OutboundBufferLimitError,
    nats.errors.NoServersError,
    nats.errors.StaleConnectionError,
    NoStreamResponseError,
    ServiceUnavailableError,
    ConnectionError,
    asyncio.TimeoutError,
)


# nats-server's JSStreamStoreFailedF, with which it refuses a second message on a subject that holds one; and any other
# that its store does not take.
_NOT_STORED = 10077
_ONE_PER_SUBJECT = "per subject"
# nats-server's refusals for want of resources: of an account, of the server, of memory, of storage.
_NO_RESOURCES = (10002, 10023, 10028, 10047)
_NO_ROOM = (
    "no space left",
    "disk quota exceeded",
    "maximum bytes exceeded",
    "maximum messages exceeded",
    "error creating store",
)
_PONG_S = 2
_SILENCES = 2
"""Messages in a row that a server may leave unconfirmed, which answers, before its store is taken for full."""


class BusFull(StorageFull, Unavailable):
    """NATS has no room. Whoever waits for NATS waits for this too: what was to be told is told later.

    is_stuck: it goes on refusing until it is started again, also where there is room by then.
    """

    def __init__(self, what: str, is_stuck: bool = False) -> None:
        super().__init__("nats", what)
        self.down, self.is_stuck = "nats", is_stuck


def bus_full(error: Exception) -> BusFull | None:
    """What an answer of JetStream means where it has no room; else None."""
    if not isinstance(error, APIError):
        return None
    described = (error.description or "").lower()
    if any(words in described for words in _NO_ROOM):
        return BusFull(f"NATS cannot store anything ({error.description})", is_stuck="left" in described)
    if error.err_code in _NO_RESOURCES:
        return BusFull(f"the store of NATS is full ({error.description})")
    return None


class Bus:
    """A connection and its JetStream context."""

    def __init__(self, client: Client, timeout_s: float) -> None:
        self.client = client
        self.js: JetStreamContext = client.jetstream(timeout=timeout_s)
        self._unconfirmed: dict[str, int] = {}
        self._full: dict[str, BusFull] = {}
        self._reconnects = 0

    @property
    def connected(self) -> bool:
        """Whether the server can be reached right now, as far as the client knows."""
        return bool(self.client.is_connected)

    @property
    def full(self) -> BusFull | None:
        """Why messages are not stored; None as far as is known they are."""
        if self._reconnects != self.client.stats["reconnects"]:
            # What a server refused says nothing about the one that is connected to now.
            self._reconnects = self.client.stats["reconnects"]
            self._unconfirmed.clear()
            self._full.clear()
        return next(iter(self._full.values()), None)

    async def publish(self, subject: str, payload: bytes, headers: Mapping[str, str] | None = None) -> Any:
        """Stores a message in the stream that owns its subject.

        Raises Conflict when the subject holds a message already and may hold but one, BusFull when there is no room,
        Unavailable when nobody confirms it; other refusals are nats' own errors.
        """
        stream = subject.partition(".")[0]
        if not self.connected:
            raise Unavailable("NATS is not connected", down="nats")
        try:
            confirmed = await self.js.publish(subject, payload, headers=dict(headers or {}) or None)
        except APIError as error:
            if (full := bus_full(error)) is not None:
                self._full[stream] = full
                raise full from error
            if error.err_code == _NOT_STORED and _ONE_PER_SUBJECT in (error.description or ""):
                raise Conflict(f"{subject} holds a message already") from error
            if isinstance(error, ServiceUnavailableError):
                raise Unavailable(f"JetStream does not answer: {error.description}", down="nats") from error
            raise
        except OUTAGES as error:
            if isinstance(error, (TimeoutError, nats.errors.TimeoutError)):
                raise await self._silence(stream, subject) from error
            raise Unavailable(f"NATS did not confirm a message on {subject}", down="nats") from error
        self._unconfirmed.pop(stream, None)
        self._full.pop(stream, None)
        return confirmed

    async def remove(self, stream: str, seq: int) -> None:
        """Removes a message; one that has gone by itself, as when it was acknowledged just now, is gone.

        Raises nats' own errors.
        """
        try:
            await self.js.delete_msg(stream, seq)
        except APIError:
            # NATS has one answer for whatever kept it from removing a message: only a look tells.
            try:
                await self.js.get_msg(stream, seq)
            except NotFoundError:
                return
            raise

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

    async def publish_until_stored(self, subject: str, payload: bytes, message_id: str) -> None:
        """Publishes, waiting for NATS to come back as long as it takes; stored once, however often it is sent."""
        delay = 0.1
        while True:
            try:
                await self.publish(subject, payload, {"Nats-Msg-Id": message_id})
                return
            except Unavailable as error:
                log.warning("waiting for NATS", subject=subject, error=error.message)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 2)

    async def close(self) -> None:
        """Flushes and closes; a connection that is down is dropped."""
        try:
            await asyncio.wait_for(self.client.drain() if self.connected else self.client.close(), 5)
        except (TimeoutError, nats.errors.Error):
            await self.client.close()


async def connect(settings: NatsSettings, name: str) -> Bus:
    """Connects as `name`; replies come to inboxes only this user may read.

    Raises Unavailable when no server answers within the settings' time.
    """

    async def on_error(error: Exception) -> None:
        # A denied publish looks like a time-out to the caller; only here the reason is told.
        if not isinstance(error, OUTAGES) or "permissions" in str(error).lower():
            log.error("NATS error", error=str(error))

    async def on_disconnected() -> None:
        log.warning("NATS is gone, reconnecting")

    async def on_reconnected() -> None:
        log.info("NATS is back")

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
            disconnected_cb=on_disconnected,
            reconnected_cb=on_reconnected,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0.2,
            connect_timeout=max(1, int(settings.connect_timeout_s)),
        )
    except (nats.errors.Error, OSError) as error:
        raise Unavailable(f"NATS at {settings.url} cannot be used: {error}", down="nats") from error
    # The first connection fails fast and in words; from now on it comes back by itself.
    client.options["allow_reconnect"] = True
    client.options["max_reconnect_attempts"] = -1
    client.options["reconnect_time_wait"] = 0.2
    return Bus(client, timeout_s=settings.connect_timeout_s)
