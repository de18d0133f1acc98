"""What one person hears of sources: only what the library shows them at the time it is told."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from immichvr_common.errors import Unavailable
from immichvr_common.logs import get_log
from immichvr_common.sources import Source
from immichvr_common.supervision import spawn

from immichvr_gateway.library import Identity, LibraryUnavailable, NotPermitted, SignInFailed
from immichvr_gateway.sources.visibility import Visibility

log = get_log(__name__)

_ASKED_AT_ONCE = 8
_WAITING_SOURCES = 512
_AGAIN_S = 2.0

Payload = dict[str, Any]
"""What an event on a browser's socket says, as JSON."""
Send = Callable[[str, Payload], None]


class Hearing:
    """One person with one credential, behind one socket or several.

    News of a source that the library decided on within the last minute goes out, or is dropped, at once. Any other
    waits while the library is asked: once, however much there is to tell. While it is away, the newest of each kind
    waits until it is back.
    """

    def __init__(self, who: Identity, visibility: Visibility, send: Send) -> None:
        self.who = who
        self._visibility, self._send = visibility, send
        # By source, and there by event and what it is about: the newest.
        self._waiting: OrderedDict[Source, OrderedDict[tuple[str, str], Payload]] = OrderedDict()
        self._asking: dict[Source, asyncio.Task[None]] = {}

    def tell(self, event: str, about: str, news: Payload, source: Source | None) -> None:
        """Tells of something about a source, or of something that concerns none. about: tells what from what."""
        if source is not None and source not in self._waiting:
            seen = self._visibility.recall(self.who, source)
            if seen is False:
                return
            if seen is None:
                self._waiting[source] = OrderedDict()
        if source is None or source not in self._waiting:
            self._send(event, news)
            return
        waiting = self._waiting[source]
        waiting[(event, about)] = news
        waiting.move_to_end((event, about))
        while len(self._waiting) > _WAITING_SOURCES:
            self._waiting.popitem(last=False)
            log.debug("the oldest news is not told: too much waits for the library")
        self._go_on()

    @property
    def is_through(self) -> bool:
        """Whether everything there was to tell was told, or dropped."""
        return not self._waiting

    def close(self) -> None:
        """Nobody listens any more."""
        self._waiting.clear()
        for task in self._asking.values():
            task.cancel()

    def _go_on(self) -> None:
        for source in self._waiting:
            if len(self._asking) >= _ASKED_AT_ONCE:
                return
            if source not in self._asking:
                task = spawn(f"news of {source}", self._decide(source))
                self._asking[source] = task
                task.add_done_callback(lambda _, one=source: self._asked(one))  # type: ignore[misc]

    def _asked(self, source: Source) -> None:
        del self._asking[source]
        self._go_on()

    async def _decide(self, source: Source) -> None:
        while source in self._waiting:
            try:
                may_see = await self._visibility.may_see(self.who, source)
            except (LibraryUnavailable, Unavailable) as error:
                log.debug("news wait for the library", source=str(source), error=error.message)
                await asyncio.sleep(_AGAIN_S)
                continue
            except (NotPermitted, SignInFailed):
                may_see = False
            except Exception:
                # Asked again at once, it would fail again.
                self._waiting.pop(source, None)
                raise
            for (event, _), news in self._waiting.pop(source, OrderedDict()).items():
                if may_see:
                    self._send(event, news)
