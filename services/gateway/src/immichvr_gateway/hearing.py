"""What one person hears of photos: only what the library shows them at the time it is told."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from immichvr_common.logs import get_log

from immichvr_gateway.library import Identity, Library, LibraryUnavailable, NotPermitted, PhotoNotFound, SignInFailed

log = get_log(__name__)

_ASKED_AT_ONCE = 8
_WAITING_PHOTOS = 512
_AGAIN_S = 2.0

News = dict[str, Any]
Send = Callable[[str, News], None]


class Hearing:
    """One person with one credential, behind one socket or several.

    News of a photo that the library decided on within the last minute goes out, or is dropped, at once. Any other
    waits while the library is asked: once, however much there is to tell. While it is away, the newest of each kind
    waits until it is back.
    """

    def __init__(self, who: Identity, library: Library, send: Send) -> None:
        self.who = who
        self._library, self._send = library, send
        # By photo, and there by event and what it is about: the newest.
        self._waiting: OrderedDict[str, OrderedDict[tuple[str, str], News]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[None]] = {}

    def tell(self, event: str, about: str, news: News, photo_id: str) -> None:
        """Tells of something about a photo, or of something that concerns no photo. about: tells what from what."""
        if photo_id and photo_id not in self._waiting:
            seen = self._library.recall(self.who, photo_id)
            if seen is False:
                return
            if seen is None:
                self._waiting[photo_id] = OrderedDict()
        if photo_id not in self._waiting:
            self._send(event, news)
            return
        waiting = self._waiting[photo_id]
        waiting[(event, about)] = news
        waiting.move_to_end((event, about))
        while len(self._waiting) > _WAITING_PHOTOS:
            self._waiting.popitem(last=False)
            log.debug("the oldest news is not told: too much waits for the library")
        self._go_on()

    def close(self) -> None:
        """Nobody listens any more."""
        self._waiting.clear()
        for task in self._asking.values():
            task.cancel()

    def _go_on(self) -> None:
        for photo_id in self._waiting:
            if len(self._asking) >= _ASKED_AT_ONCE:
                return
            if photo_id not in self._asking:
                task = asyncio.create_task(self._decide(photo_id))
                self._asking[photo_id] = task
                task.add_done_callback(lambda _, one=photo_id: self._asked(one))  # type: ignore[misc]

    def _asked(self, photo_id: str) -> None:
        del self._asking[photo_id]
        self._go_on()

    async def _decide(self, photo_id: str) -> None:
        while photo_id in self._waiting:
            try:
                await self._library.photo(self.who, photo_id)
            except LibraryUnavailable as error:
                log.debug("news wait for the library", photo_id=photo_id, error=error.message)
                await asyncio.sleep(_AGAIN_S)
                continue
            except (PhotoNotFound, NotPermitted, SignInFailed):
                self._waiting.pop(photo_id, None)
                return
            for (event, _), news in self._waiting.pop(photo_id, OrderedDict()).items():
                self._send(event, news)
