"""Taking in a session's messages, for as long as it may last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from immichvr_ai.live.messages import BadMessage, error

_HELLO_S = 20.0

Send = Callable[[bytes], Awaitable[None]]
"""Gives a message to the client, and returns when it has gone."""
TellError = Callable[[str, str, int | None], Awaitable[None]]
"""Tells a client of an error: its code, its words, and the `seq` it is about."""


@dataclass(frozen=True)
class Limits:
    """How long a session may be silent, and how long it may last, in seconds."""

    idle_s: float = 120
    max_s: float = 840


async def first_message(incoming: AsyncIterator[bytes], send: Send) -> bytes | None:
    """What a client begins with; None where it has gone, or said nothing, which it is told."""
    try:
        async with asyncio.timeout(_HELLO_S):
            return await anext(aiter(incoming), None)
    except TimeoutError:
        await send(error("idle", "no hello came"))
        return None


async def read_until_over(
    incoming: AsyncIterator[bytes],
    limits: Limits,
    take: Callable[[bytes], None],
    tell_error: TellError,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Gives every message to `take`, until the client has gone, is silent for too long, or its time is over.

    take: raises BadMessage, which the client is told; the session goes on.
    """
    ends = clock() + limits.max_s
    messages = aiter(incoming)
    while True:
        left = max(0.0, ends - clock())
        try:
            async with asyncio.timeout(min(limits.idle_s, left)):
                data = await anext(messages, None)
        except TimeoutError:
            if left <= limits.idle_s:
                await tell_error("session_over", f"a session lasts {limits.max_s:.0f} s; begin anew", None)
            else:
                await tell_error("idle", f"nothing came for {limits.idle_s:.0f} s", None)
            return
        if data is None:
            return
        try:
            take(data)
        except BadMessage as bad:
            await tell_error(bad.code, str(bad), bad.seq)
