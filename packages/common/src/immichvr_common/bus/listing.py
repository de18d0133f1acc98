"""Whole lists of what NATS tells page by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_PAGE = 256
"""Streams or consumers on a page of nats-server: its JSApiListLimit. One with fewer is the last."""


async def every(page_from: Callable[[int], Awaitable[list[T]]]) -> list[T]:
    """All that there is, by a call that gives the page from an offset on."""
    found = page = await page_from(0)
    while len(page) >= _PAGE:
        page = await page_from(len(found))
        found = [*found, *page]
    return found
