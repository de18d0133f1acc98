"""Pulling from a consumer with one round trip a message and no message left in an abandoned inbox."""

from __future__ import annotations

import asyncio
import contextlib
import json

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import NotJSMessageError

from immichvr_common.bus.faults import Silence, translated
from immichvr_common.bus.link import Link
from immichvr_common.bus.messages import Delivery
from immichvr_common.errors import NotFound, Unavailable
from immichvr_common.logs import get_log

log = get_log(__name__)

# What a server says instead of a message (nats-server, consumer.go). Any other conflict passes.
_NO_MESSAGES, _EXPIRED, _CONFLICT = "404", "408", "409"
_GONE = ("Consumer Deleted", "Consumer is push based")
_LATE_S = 2.0
_PASSING_S = 0.2


class Puller:
    """Asks a pull consumer for messages through one lasting inbox, in which each is handed on as it arrives.

    Calls raise Unavailable when the server does not answer, and NotFound when the consumer does not exist.
    """

    def __init__(self, client: Client, link: Link, stream: str, consumer: str) -> None:
        self._client, self._link = client, link
        self._name = f"consumer {consumer} of {stream}"
        self._request = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        # None: the server that was asked has gone.
        self._messages: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._subscription: Subscription | None = None
        self._inbox = client.new_inbox()
        # Messages the server may still send for requests already made, and the connection these went by.
        self._due = 0
        self._asked_by = 0

    async def open(self) -> None:
        """Subscribes the inbox, for as long as the connection lives."""
        with translated(self._name):
            self._subscription = await self._client.subscribe(self._inbox, cb=self._messages.put)
        self._link.on_back(self._on_back)

    async def close(self) -> None:
        """Gives up the inbox, with what may still lie in it."""
        self._link.forget(self._on_back)
        if self._subscription is not None and self._link.is_up:
            with contextlib.suppress(Unavailable), translated(self._name):
                await self._subscription.unsubscribe()

    async def drain(self) -> list[Delivery]:
        """Gives up the inbox; the messages that have arrived, or still do for a request that was made already."""
        left: list[Delivery] = []
        with contextlib.suppress(Unavailable, NotFound):
            while self._due > 0:
                if (message := await self._take(_LATE_S)) is not None:
                    left.append(message)
        self._link.forget(self._on_back)
        if self._subscription is not None and self._link.is_up:
            with contextlib.suppress(TimeoutError, Unavailable), translated(self._name):
                await asyncio.wait_for(self._subscription.drain(), _LATE_S)
            self._subscription = None
        while not self._messages.empty():
            arrived = self._messages.get_nowait()
            if arrived is not None and _status(arrived) is None and (one := self._delivery(arrived)) is not None:
                left.append(one)
        return left

    async def next(self, wait_s: float = 0) -> Delivery | None:
        """The next message, or None if there is none within `wait_s` seconds (0: right now)."""
        if self._messages.empty():
            await self._ask(1, wait_s)
        return await self._take(wait_s + 2)

    async def batch(self, size: int, wait_s: float) -> list[Delivery]:
        """Up to `size` messages: what is there, or what comes first within `wait_s` seconds."""
        if self._messages.empty() and self._due <= 0:
            await self._ask(size, wait_s)
        first = await self._take(wait_s + 2)
        found = [first] if first is not None else []
        while not self._messages.empty():
            message = await self._take(1)
            if message is not None:
                found.append(message)
        return found

    async def _ask(self, size: int, wait_s: float) -> None:
        request: dict[str, object] = {"batch": size, "no_wait": True}
        if wait_s > 0:
            request = {"batch": size, "expires": int(wait_s * 1e9)}
        self._due, self._asked_by = size, self._link.losses
        with translated(self._name):
            await self._client.publish(self._request, json.dumps(request).encode(), reply=self._inbox)

    async def _take(self, timeout_s: float) -> Delivery | None:
        try:
            async with asyncio.timeout(timeout_s):
                message = await self._messages.get()
        except TimeoutError as error:
            self._due = 0
            raise Silence(f"NATS did not answer: {self._name}") from error
        if message is None:
            self._due = 0
            raise Unavailable(f"the server that was asked has gone: {self._name}", down="nats")
        status = _status(message)
        if status is None:
            self._due -= 1
            return self._delivery(message)
        self._due = 0
        if status in (_NO_MESSAGES, _EXPIRED):
            return None
        described = (message.headers or {}).get("Description", "")
        if status == _CONFLICT and not any(words in described for words in _GONE):
            log.info("a consumer cannot be served just now", consumer=self._name, why=described)
            await asyncio.sleep(_PASSING_S)
            return None
        raise NotFound(f"NATS has no {self._name}: {status} {described}", self._name)

    def _delivery(self, message: Msg) -> Delivery | None:
        try:
            return Delivery(message, self._link)
        except NotJSMessageError:
            log.error("what came to an inbox was delivered by no consumer", subject=str(message.subject)[:200])
            return None

    def _on_back(self) -> None:
        """Nobody answers what was asked by a connection that is lost."""
        if self._due > 0 and self._asked_by != self._link.losses:
            self._messages.put_nowait(None)


def _status(message: Msg) -> str | None:
    headers = message.headers or {}
    return headers.get("Status")
