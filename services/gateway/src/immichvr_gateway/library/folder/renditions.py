"""Thumbnails and previews: made once per photo or video and version, kept on disk."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import tempfile
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from immichvr_catalog import PHOTO
from immichvr_common.errors import disk_full
from immichvr_media import MediaError, preview_jpeg

from immichvr_gateway.library.errors import (
    LibraryError,
    LibraryUnavailable,
    PhotoNotFound,
    PhotoTooLarge,
    PhotoUnreadable,
)
from immichvr_gateway.library.folder.limits import FolderLimits
from immichvr_gateway.library.folder.opening import open_below
from immichvr_gateway.library.folder.posters import poster_jpeg
from immichvr_gateway.library.folder.walking import MediaFile

_log = logging.getLogger(__name__)

_REMEMBERED_FAILURES = 10_000

# (photo id, version, longer side)
_Wanted = tuple[str, str, int]


class Renditions:
    """Small JPEGs of the photos and videos below one root, made in a few threads."""

    def __init__(self, root: Path, cache: Path, limits: FolderLimits) -> None:
        self._root = root
        # One cache may serve several roots; ids are hashes of paths within a root.
        self._cache = cache / hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="photo-renditions")
        self._making: dict[_Wanted, asyncio.Task[bytes]] = {}
        self._failures: OrderedDict[_Wanted, LibraryError] = OrderedDict()

    async def jpeg(self, file: MediaFile, max_side: int) -> bytes:
        """The photo, or a frame of the video, with its longer side at most `max_side`.

        Several who ask at once wait for the same work.

        Raises PhotoNotFound, PhotoUnreadable, PhotoTooLarge, or LibraryUnavailable where the cache cannot be written.
        """
        wanted = (file.id, file.version, max_side)
        failure = self._failures.get(wanted)
        if failure is not None:
            raise failure.with_traceback(None)  # or each time would add to the last
        task = self._making.get(wanted)
        if task is None:
            task = asyncio.create_task(self._make(file, wanted))
            self._making[wanted] = task
            task.add_done_callback(partial(self._made, wanted))
        return await asyncio.shield(task)

    def keep_only(self, photo_ids: set[str]) -> None:
        """Has what was made of photos that are gone removed, soon."""
        self._threads.submit(self._sweep, photo_ids)

    async def close(self) -> None:
        """Waits for what is being made, gives up what is queued, and ends the threads."""
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        await asyncio.gather(*self._making.values(), return_exceptions=True)

    def _made(self, wanted: _Wanted, task: asyncio.Task[bytes]) -> None:
        self._making.pop(wanted, None)
        if not task.cancelled():
            task.exception()  # whoever asked may have left: then nobody else looks at it

    async def _make(self, file: MediaFile, wanted: _Wanted) -> bytes:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._read_or_decode, file, wanted)
        except (PhotoUnreadable, PhotoTooLarge) as failure:
            self._failures[wanted] = failure
            if len(self._failures) > _REMEMBERED_FAILURES:
                self._failures.popitem(last=False)
            raise

    def _read_or_decode(self, file: MediaFile, wanted: _Wanted) -> bytes:
        _, version, max_side = wanted
        directory = self._cache / file.id[:2]
        path = directory / f"{file.id}-{max_side}-{version}.jpg"
        try:
            return path.read_bytes()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _unwritable(self._cache, error) from error
        decode = self._decode if file.kind == PHOTO else self._decode_video
        jpeg = decode(file, max_side)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for older in directory.glob(f"{file.id}-{max_side}-*.jpg"):
                older.unlink(missing_ok=True)
            _write_at_once(path, jpeg)
        except OSError as error:
            # What cannot be kept for want of room can be shown all the same.
            if disk_full(error) is None:
                raise _unwritable(self._cache, error) from error
        return jpeg

    def _decode(self, file: MediaFile, max_side: int) -> bytes:
        limit = self._limits.decode.max_bytes
        try:
            with open_below(self._root, file.place) as opened:
                data = opened.read(limit + 1)
        except OSError as error:
            raise PhotoNotFound(file.id) from error
        if len(data) > limit:
            raise PhotoTooLarge(file.name, limit)
        try:
            return preview_jpeg(data, max_side=max_side, limits=self._limits.decode)
        except MediaError as error:
            raise PhotoUnreadable(error.code, f"{file.name} cannot be shown: {error}") from error

    def _decode_video(self, file: MediaFile, max_side: int) -> bytes:
        return poster_jpeg(self._root, file, max_side, self._limits.max_video_bytes)

    def _sweep(self, photo_ids: set[str]) -> None:
        try:
            for made in self._cache.glob("*/*.jpg"):
                if made.name.partition("-")[0] not in photo_ids:
                    made.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("the cache of thumbnails %s was not cleaned: %s", self._cache, error.strerror)


def _write_at_once(path: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        unfinished = Path(file.name)
        try:
            with file:
                file.write(data)
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise


def _unwritable(cache: Path, error: OSError) -> LibraryUnavailable:
    return LibraryUnavailable(f"the cache of thumbnails {cache} cannot be used: {error.strerror}", down="folder")
