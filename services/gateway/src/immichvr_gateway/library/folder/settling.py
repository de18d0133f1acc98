"""Waiting for files that are still being written."""

from __future__ import annotations

import time
from collections.abc import Callable

from immichvr_gateway.library.folder.walking import MediaFile

# Size and modification time.
_State = tuple[int, int]


class Settling:
    """Which new and changed files have been left alone for `settle_s` seconds.

    A file is, whose modification time is so old, as that of one moved here; or whose state has been the same for so
    long by our own clock, which needs not be that of a network drive.
    """

    def __init__(self, settle_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._settle_s, self._clock = settle_s, clock
        self._first_seen: dict[str, tuple[_State, float]] = {}

    @property
    def waits(self) -> bool:
        """Whether some file may be whole soon."""
        return bool(self._first_seen)

    def settled(self, found: dict[str, MediaFile], known: dict[str, MediaFile]) -> dict[str, MediaFile]:
        """What a walk found, with files still being written as they were known before, or left out."""
        wall, now = time.time(), self._clock()
        taken, waiting = {}, {}
        for key, file in found.items():
            before = known.get(key)
            if file == before or self._is_old(file, wall):
                taken[key] = file
                continue
            state = (file.size, file.mtime_ns)
            seen_state, since = self._first_seen.get(key, (state, now))
            since = since if seen_state == state else now
            if now - since >= self._settle_s:
                taken[key] = file
                continue
            waiting[key] = (state, since)
            if before is not None:
                taken[key] = before
        self._first_seen = waiting
        return taken

    def _is_old(self, file: MediaFile, wall: float) -> bool:
        return wall - file.mtime_ns / 1e9 >= self._settle_s
