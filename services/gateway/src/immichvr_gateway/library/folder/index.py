"""Which photos a folder holds now, newest first, kept in memory."""

from __future__ import annotations

import os
import re
import threading
import time
from bisect import bisect_right
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from immichvr_common.logs import get_log

from immichvr_gateway.library.errors import InvalidCursor, LibraryUnavailable, PhotoNotFound
from immichvr_gateway.library.folder.header import UNREADABLE, Header, read_header
from immichvr_gateway.library.folder.limits import FolderLimits
from immichvr_gateway.library.folder.opening import open_below
from immichvr_gateway.library.folder.walking import PhotoFile, walk
from immichvr_gateway.library.photos import LibraryPhoto

# A walk that takes long (a network drive) is repeated less often: it may cost this share of the time, and waits for
# at most so many times the usual pause.
_WALKING_SHARE = 0.1
_MOST_PATIENT = 12
CURSOR_PATTERN = r"^-?[0-9]{1,18}\.[a-z0-9-]{1,64}$"
_CURSOR = re.compile(CURSOR_PATTERN)
log = get_log(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MICROSECOND = timedelta(microseconds=1)

# Sorts newest first: the negated time in microseconds, then the id.
_Key = tuple[int, str]
# Size and modification time of a file when its header was read.
_State = tuple[int, int]
_NEVER_READ: tuple[_State, Header] = (-1, -1), UNREADABLE


class FolderIndex:
    """The photos of a folder. Every method blocks and may be called from any thread."""

    def __init__(self, root: Path, limits: FolderLimits, left_out: Path | None = None) -> None:
        self._root = root
        self._limits = limits
        self._left_out = left_out
        self._lock = threading.Lock()
        self._walking = threading.Lock()
        self._readers = ThreadPoolExecutor(limits.threads, thread_name_prefix="photo-headers")
        self._files: dict[str, PhotoFile] = {}
        self._headers: dict[str, tuple[_State, Header]] = {}
        self._reading: dict[str, Future[None]] = {}
        self._order: list[_Key] | None = None
        self._next_walk = 0.0
        self.overfull = False

    def refresh(self) -> set[str] | None:
        """Walks the folder if the last walk is old enough, and reads new headers for as long as patience lasts.

        Returns the ids that are there now; None where no walk was due, or another thread is at it and an earlier
        walk serves meanwhile. Raises LibraryUnavailable.
        """
        if not self._walking.acquire(blocking=not self._files):
            return None
        try:
            if time.monotonic() < self._next_walk:
                return None
            began = time.monotonic()
            found = self._walk()
            took = time.monotonic() - began
            shortest = self._limits.rescan_s
            self._next_walk = time.monotonic() + max(shortest, min(took / _WALKING_SHARE, shortest * _MOST_PATIENT))
            pending = self._take(found)
        finally:
            self._walking.release()
        wait(pending, timeout=self._limits.patience_s)
        return set(found)

    def page(self, cursor: str | None, limit: int) -> tuple[list[LibraryPhoto], str | None]:
        """`limit` photos behind the cursor, their headers read, and the next cursor. Raises InvalidCursor."""
        after = None if cursor is None else _key_from(cursor)
        with self._lock:
            if self._order is None:
                self._order = sorted(self._key(file) for file in self._files.values())
            start = 0 if after is None else bisect_right(self._order, after)
            keys = list(islice(self._order, start, start + limit))
            more = start + limit < len(self._order)
            files = [self._files[photo_id] for _, photo_id in keys]
            unread = [file for file in files if self._header_of(file) is None]
        for file in unread:
            self._read(file)
        with self._lock:
            photos = [self._photo(file) for file in files]
        return photos, _cursor_from(keys[-1]) if more and keys else None

    def photo(self, photo_id: str) -> LibraryPhoto:
        """One photo as it is on disk now. Raises PhotoNotFound."""
        file = self.file(photo_id)
        with self._lock:
            known = self._header_of(file) is not None
        if not known:
            self._read(file)
        with self._lock:
            return self._photo(file)

    def file(self, photo_id: str) -> PhotoFile:
        """Where a photo lies, with its size and version on disk now. Raises PhotoNotFound."""
        with self._lock:
            file = self._files.get(photo_id)
        if file is None:
            raise PhotoNotFound(photo_id)
        try:
            with open_below(self._root, file.place) as opened:
                facts = os.fstat(opened.fileno())
        except OSError as error:
            raise PhotoNotFound(photo_id) from error
        now = replace(file, size=facts.st_size, mtime_ns=facts.st_mtime_ns)
        if now != file:
            with self._lock:
                self._files[photo_id] = now
                self._order = None
        return now

    def close(self) -> None:
        """Ends the reading of headers."""
        self._readers.shutdown(wait=True, cancel_futures=True)

    def _walk(self) -> dict[str, PhotoFile]:
        found: dict[str, PhotoFile] = {}
        overfull = False
        try:
            for file in walk(self._root, self._limits.max_depth, self._left_out):
                overfull = len(found) >= self._limits.max_photos
                if overfull:
                    break
                found[file.id] = file
        except OSError as error:
            raise LibraryUnavailable(
                f"the folder of photos {self._root} cannot be read: {error.strerror}", down="folder"
            ) from error
        self.overfull = overfull
        return found

    def _take(self, found: dict[str, PhotoFile]) -> list[Future[None]]:
        """Makes `found` what there is; returns the reading of the headers that are not known yet."""
        with self._lock:
            self._files = found
            self._headers = {key: known for key, known in self._headers.items() if key in found}
            self._order = None
            fresh = [file for file in found.values() if self._header_of(file) is None]
            for file in fresh:
                if file.id not in self._reading:
                    self._reading[file.id] = self._readers.submit(self._read, file)
            return [self._reading[file.id] for file in fresh]

    def _read(self, file: PhotoFile) -> None:
        try:
            with open_below(self._root, file.place) as opened:
                header = read_header(opened, file.size)
        except OSError:
            header = UNREADABLE
        except Exception as error:  # one odd file must not cost the whole list
            log.error("the header of a photo cannot be read", exc_info=error)
            header = UNREADABLE
        with self._lock:
            self._headers[file.id] = ((file.size, file.mtime_ns), header)
            self._reading.pop(file.id, None)
            self._order = None

    def _header_of(self, file: PhotoFile) -> Header | None:
        state, header = self._headers.get(file.id, _NEVER_READ)
        return header if state == (file.size, file.mtime_ns) else None

    def _taken_at(self, file: PhotoFile) -> datetime | None:
        header = self._header_of(file)
        if header is not None and header.taken_at is not None:
            return header.taken_at
        try:
            moment = _EPOCH + file.mtime_ns // 1000 * _MICROSECOND
        except OverflowError:  # a time stamp of the year 10000, which some file systems keep
            return None
        try:
            return moment.astimezone()
        except (OverflowError, ValueError, OSError):  # one that this system's zones do not reach
            return moment

    def _key(self, file: PhotoFile) -> _Key:
        header = self._header_of(file)
        if header is None or header.taken_at is None:
            return -(file.mtime_ns // 1000), file.id
        return -((header.taken_at - _EPOCH) // _MICROSECOND), file.id

    def _photo(self, file: PhotoFile) -> LibraryPhoto:
        header = self._header_of(file) or UNREADABLE
        return LibraryPhoto(
            id=file.id,
            name=file.name,
            media_type=file.media_type,
            width=header.width,
            height=header.height,
            taken_at=self._taken_at(file),
            source_version=file.version,
            external_url=None,
            size=file.size,
            projection=header.projection,
        )


def _cursor_from(key: _Key) -> str:
    return f"{key[0]}.{key[1]}"


def _key_from(cursor: str) -> _Key:
    if not _CURSOR.fullmatch(cursor):
        raise InvalidCursor
    taken, _, photo_id = cursor.partition(".")
    return int(taken), photo_id
