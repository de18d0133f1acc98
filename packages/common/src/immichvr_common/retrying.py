"""Waiting for what does not answer: the one place where an outage is waited out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import NoReturn, TypeVar

from immichvr_common.errors import Unavailable
from immichvr_common.logs import get_log

log = get_log(__name__)
T = TypeVar("T")

OUTAGE: tuple[type[Exception], ...] = (Unavailable,)
_FIRST_S, _LONGEST_S = 0.1, 2.0
_WELL_S = 10.0
"""Who has worked for so long has what it needs."""


def delays(first_s: float = _FIRST_S, longest_s: float = _LONGEST_S) -> Iterator[float]:
    """Seconds to wait between one try and the next, twice as long each time."""
    while True:
        yield first_s
        first_s = min(first_s * 2, longest_s)


async def until_up(
    work: Callable[[], Awaitable[T]],
    waiting: str,
    *,
    outage: tuple[type[Exception], ...] = OUTAGE,
    longest_s: float = _LONGEST_S,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    seen: Callable[[Exception], None] | None = None,
    **facts: object,
) -> T:
    """What `work` gives, tried again and again for as long as what it needs is away.

    waiting: what the log says meanwhile, once for each outage, with `facts`. outage: what is waited out; anything
    else is raised. pause: how to wait, which may raise to give up. seen: told of each outage.
    """
    is_told, waits = False, delays(longest_s=longest_s)
    while True:
        began = time.monotonic()
        try:
            return await work()
        except outage as error:
            if time.monotonic() - began > _WELL_S:  # it did what it does until now: this is another outage
                is_told, waits = False, delays(longest_s=longest_s)
            (log.debug if is_told else log.warning)(waiting, error=str(error) or type(error).__name__, **facts)
            is_told = True
            if seen is not None:
                seen(error)
        await pause(next(waits))


async def forever(
    work: Callable[[], Awaitable[None]],
    waiting: str,
    every_s: float = 0,
    *,
    outage: tuple[type[Exception], ...] = OUTAGE,
    longest_s: float = _LONGEST_S,
) -> NoReturn:
    """Does something again and again, every so many seconds; outages are waited out as in `until_up`.

    Any other error ends it: whoever supervises it tells and begins it anew.
    """
    while True:
        await until_up(work, waiting, outage=outage, longest_s=longest_s)
        await asyncio.sleep(every_s)
