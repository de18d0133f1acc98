"""Lists and files of a library, read to their end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from immichvr_gateway.library import Identity, Page, Selection
from immichvr_gateway.library.browsing import Browsing
from immichvr_gateway.library.content import Content

Item = TypeVar("Item")


async def names_of(browsing: Browsing, who: Identity, selection: Selection, limit: int = 100) -> list[str]:
    """The names on the first page of a selection."""
    page = await browsing.select(who, selection, None, limit)
    return [one.name for one in page.items]


async def all_of(page: Callable[[str | None, int], Awaitable[Page[Item]]], limit: int) -> list[Item]:
    """Everything in a list, page by page of at most `limit`."""
    cursor, found = None, list[Item]()
    while True:
        one = await page(cursor, limit)
        assert len(one.items) <= limit
        found += one.items
        if (cursor := one.next_cursor) is None:
            return found


async def bytes_of(content: Content) -> bytes:
    """A file, whole."""
    async with content:
        return b"".join([chunk async for chunk in content.chunks])
