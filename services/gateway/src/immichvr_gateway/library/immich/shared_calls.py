"""Callers who ask the same at the same time share one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar, cast

_Answer = TypeVar("_Answer")


class SharedCalls:
    """Questions that are being asked just now, by what tells one from another."""

    def __init__(self) -> None:
        self._asking: dict[Hashable, asyncio.Future[Any]] = {}

    async def ask(self, question: Hashable, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """The answer of `ask`, or of the call under way for this question. Raises what `ask` raises.

        Whoever gives up waiting leaves the others their answer.
        """
        asking = self._asking.get(question)
        if asking is None:
            asking = asyncio.ensure_future(ask())
            self._asking[question] = asking
            asking.add_done_callback(lambda done: self._ended(question, done))
        return cast(_Answer, await asyncio.shield(asking))

    def _ended(self, question: Hashable, asking: asyncio.Future[Any]) -> None:
        del self._asking[question]
        if not asking.cancelled():
            asking.exception()  # nobody may be waiting any more
