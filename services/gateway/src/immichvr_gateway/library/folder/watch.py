"""Those who want to hear of changes to a folder; it is watched as long as there are any."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from immichvr_common.errors import ServiceError
from immichvr_common.logs import get_log
from immichvr_common.sources import Source
from immichvr_common.supervision import spawn

from immichvr_gateway.library.folder.limits import FolderLimits
from immichvr_gateway.library.folder.watching import reasons_to_look

log = get_log(__name__)

_MOST_UNHEARD = 100
_LOOK_AGAIN_S = 0.2

# Sources that are there, new or different (True), or gone (False).
Changed = dict[Source, bool]


class Look(Protocol):
    """Walks the folder where that makes sense by now, and has what is different told."""

    async def __call__(self, *, at_once: bool) -> None:
        """Raises LibraryUnavailable."""


class Watch:
    """Looks at the folder for whoever listens, and tells them all."""

    def __init__(self, root: Path, left_out: Path, limits: FolderLimits, look: Look) -> None:
        self._root, self._left_out, self._limits, self._look = root, left_out, limits, look
        self._listeners: set[asyncio.Queue[Changed]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._again: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[asyncio.Queue[Changed]]:
        """What is told meanwhile."""
        heard: asyncio.Queue[Changed] = asyncio.Queue()
        self._listeners.add(heard)
        if self._watching is None:
            self._watching = spawn("watching the folder", self._watch())
            # What happens before the system has begun to tell.
            self._again = spawn("looking at the folder again", self._look_again())
        try:
            yield heard
        finally:
            self._listeners.discard(heard)
            if not self._listeners:
                await self.close()

    def tell(self, changed: Changed, waits: bool) -> None:
        """Tells who listens. waits: a file is being written, which makes it worth looking again soon."""
        if not self._listeners:
            return
        for heard in self._listeners if changed else ():
            if heard.qsize() >= _MOST_UNHEARD:  # whoever is so slow hears it all at once
                changed = {**heard.get_nowait(), **changed}
            heard.put_nowait(changed)
        if waits and (self._again is None or self._again.done()):
            self._again = spawn("looking at the folder again", self._look_again())

    async def close(self) -> None:
        """Stops watching."""
        tasks = [task for task in (self._watching, self._again) if task is not None]
        self._watching = self._again = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self) -> None:
        async with contextlib.aclosing(
            reasons_to_look(self._root, self._left_out, self._limits.look_s, self._limits.untold_s)
        ) as reasons:
            async for _ in reasons:
                await self._look_once()

    async def _look_again(self) -> None:
        await asyncio.sleep(max(_LOOK_AGAIN_S, self._limits.settle_s / 2))
        self._again = None
        await self._look_once()

    async def _look_once(self) -> None:
        try:
            await self._look(at_once=True)
        except ServiceError as error:
            log.debug("the folder cannot be looked at", error=error.message)
