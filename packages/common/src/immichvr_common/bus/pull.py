"""Pulling from a consumer with one round trip a message and no message left in an abandoned inbox."""

from __future__ import annotations

import asyncio
import contextlib
import json

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

_NO_MESSAGES, _TIMEOUT = "404", "408"
_GLANCE_S = 0.25
_LATE_S = 2.0


class Puller:
    """Asks a pull consumer for messages through one lasting inbox.

    nats-py's own `fetch` probes and waits in two requests and may hold a message back until a batch is full;
    here a message is handed on as it arrives.
    """

    def __init__(self, client: Client, stream: str, consumer: str) -> None:
        self._client = client
        self._request = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._messages: asyncio.Queue[Msg] = asyncio.Queue()
        self._subscription: Subscription | None = None
        self._inbox = client.new_inbox()
        # Messages the server may still send for requests already made.
        self._due = 0
        self._reconnects = 0

    async def open(self) -> None:
        """Subscribes the inbox, for as long as the connection lives."""
        self._subscription = await self._client.subscribe(self._inbox, cb=self._messages.put)

    async def close(self) -> None:
        """Gives up the inbox, with what may still lie in it."""
        if self._subscription is not None and self._client.is_connected:
            await self._subscription.unsubscribe()

    async def drain(self) -> list[Msg]:
        """Gives up the inbox; the messages that have arrived, or still do for a request that was made already."""
        left: list[Msg] = []
        with contextlib.suppress(TimeoutError, ConsumerGone):
            while self._due > 0:
                if (message := await self._take(_LATE_S)) is not None:
                    left.append(message)
        if self._subscription is not None and self._client.is_connected:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._subscription.drain(), _LATE_S)
        while not self._messages.empty():
            message = self._messages.get_nowait()
            if (message.headers or {}).get("Status") is None:
                left.append(message)
        return left

    async def next(self, wait_s: float = 0) -> Msg | None:
        """The next message, or None if there is none within `wait_s` seconds (0: right now).

        Raises ConsumerGone when the consumer does not exist, TimeoutError when the server does not answer.
        """
        if self._messages.empty():
            await self._ask(1, wait_s)
        return await self._take(wait_s + 2)

    async def batch(self, size: int, wait_s: float) -> list[Msg]:
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
        self._due, self._reconnects = size, self._client.stats["reconnects"]
        await self._client.publish(self._request, json.dumps(request).encode(), reply=self._inbox)

    async def _take(self, timeout_s: float) -> Msg | None:
        try:
            message = await self._arrived(timeout_s)
        except TimeoutError:
            self._due = 0
            raise
        status = (message.headers or {}).get("Status")
        if status is None:
            self._due -= 1
            return message
        self._due = 0
        if status in (_NO_MESSAGES, _TIMEOUT):
            return None
        raise ConsumerGone(f"{self._request}: {status} {(message.headers or {}).get('Description', '')}")

    async def _arrived(self, timeout_s: float) -> Msg:
        """The next message; TimeoutError at once on a new connection, whose server knows of no request."""
        while True:
            try:
                async with asyncio.timeout(min(timeout_s, _GLANCE_S)):
                    return await self._messages.get()
            except TimeoutError:
                timeout_s -= _GLANCE_S
                if timeout_s <= 0 or self._client.stats["reconnects"] != self._reconnects:
                    raise


class ConsumerGone(Exception):
    """The consumer was deleted, or the server that held it was restarted."""
