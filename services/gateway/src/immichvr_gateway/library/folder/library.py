"""A directory of photos: for trying things out, and for people without Immich."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

from immichvr_gateway.library.content import Content
from immichvr_gateway.library.errors import LibraryUnavailable, PhotoNotFound, PhotoTooLarge
from immichvr_gateway.library.folder.index import CURSOR_PATTERN, FolderIndex
from immichvr_gateway.library.folder.limits import FolderLimits
from immichvr_gateway.library.folder.opening import open_below
from immichvr_gateway.library.folder.renditions import Renditions
from immichvr_gateway.library.folder.traces import has_left, trace_of
from immichvr_gateway.library.folder.walking import file_version
from immichvr_gateway.library.photos import Caller, Identity, LibraryPhoto, PhotoPage, Span, Trace

_THUMBNAIL_SIDE = 512
_PREVIEW_SIDE = 2048
_CHUNK = 1024 * 1024

_Result = TypeVar("_Result")


class FolderLibrary:
    """The photos below `root`; thumbnails and previews of them are kept in `cache_dir`.

    Everybody who gets this far sees everything: who may is decided by where the gateway listens.
    """

    kind: Literal["folder"] = "folder"
    cursor_pattern = CURSOR_PATTERN

    def __init__(self, root: Path, cache_dir: Path, limits: FolderLimits | None = None) -> None:
        self._limits = limits or FolderLimits()
        self._root = root.expanduser().resolve()
        self._cache = cache_dir.expanduser().resolve()
        self._index = FolderIndex(self._root, self._limits, left_out=self._cache)
        self._renditions = Renditions(self._root, self._cache, self._limits)
        self._disk = ThreadPoolExecutor(self._limits.threads, thread_name_prefix="photo-folder")
        self._swept: set[str] | None = None

    async def photos(self, who: Identity, cursor: str | None, limit: int) -> PhotoPage:
        """A page of photos, newest first. Raises InvalidCursor, LibraryUnavailable."""
        await self._refresh()
        items, next_cursor = await self._on_disk(lambda: self._index.page(cursor, limit))
        return PhotoPage(items, next_cursor)

    async def photo(self, who: Identity, photo_id: str, *, fresh: bool = False) -> LibraryPhoto:
        """One photo, always as it is on disk now. Raises PhotoNotFound."""
        await self._refresh()
        return await self._on_disk(lambda: self._index.photo(photo_id))

    async def owns(self, who: Identity, photo_id: str) -> bool:
        """Whether there is such a photo: all of them are the one person's. Raises PhotoNotFound."""
        return (await self.photo(who, photo_id, fresh=True)).id == photo_id

    async def trace(self, who: Identity, photo_id: str) -> Trace:
        """Where the photo lies. Raises PhotoNotFound."""
        await self._refresh()
        place = (await self._on_disk(lambda: self._index.file(photo_id))).place
        return Trace(who.user_id, await self._on_disk(lambda: trace_of(self._root, place)))

    async def is_gone(self, who: Identity, photo_id: str, mark: str) -> bool:
        """Whether the file is gone from a folder that is there still. Raises LibraryUnavailable."""
        await self._refresh()
        try:
            await self._on_disk(lambda: self._index.file(photo_id))
        except PhotoNotFound:
            try:
                return not self._index.overfull and await self._on_disk(lambda: has_left(self._root, mark))
            except OSError as error:
                raise LibraryUnavailable(f"the folder cannot be read: {error.strerror}", down="folder") from error
        return False

    async def original(self, who: Identity, photo_id: str, span: Span | None = None) -> Content:
        """The file as it is. Raises PhotoNotFound."""
        await self._refresh()
        return await self._on_disk(lambda: self._open(photo_id, span))

    async def source(self, who: Identity, photo_id: str) -> Content:
        """The file as it is: a folder lists only what is decoded. Raises PhotoNotFound, PhotoTooLarge."""
        content = await self.original(who, photo_id)
        limit = self._limits.decode.max_bytes
        if content.size is not None and content.size > limit:
            await content.close()
            raise PhotoTooLarge(content.name, limit)
        return content

    async def rendition(self, who: Identity, photo_id: str, *, small: bool) -> Content | None:
        """None: what a folder shows of a photo is decoded here."""
        return None

    async def thumbnail(self, who: Identity, photo_id: str) -> Content:
        """A JPEG with its longer side at most 512. Raises PhotoNotFound, PhotoUnreadable, PhotoTooLarge."""
        return await self._rendition(photo_id, _THUMBNAIL_SIDE)

    async def preview(self, who: Identity, photo_id: str) -> Content:
        """A JPEG with its longer side at most 2048. Raises PhotoNotFound, PhotoUnreadable, PhotoTooLarge."""
        return await self._rendition(photo_id, _PREVIEW_SIDE)

    async def visible(self, who: Identity, photo_ids: Collection[str], *, singly: int) -> set[str]:
        """Those that are in the folder."""
        seen = set()
        for photo_id in photo_ids:
            with contextlib.suppress(PhotoNotFound):
                seen.add((await self.photo(who, photo_id)).id)
        return seen

    def recall(self, who: Identity, photo_id: str) -> bool | None:
        """The one person may see everything, and hear of what was made of a photo that is gone."""
        return True

    async def sign_in(
        self,
        *,
        api_key: str | None = None,
        email: str | None = None,
        password: str | None = None,
        caller: Caller | None = None,
    ) -> Identity:
        """A folder knows one person."""
        return Identity.local()

    async def confirm(self, who: Identity) -> None:
        """A folder takes nothing back."""

    async def sign_out(self, who: Identity) -> None:
        """A folder has no sessions."""

    async def may_manage(self, who: Identity, *, fresh: bool = False) -> bool:
        """Always: there is but one person."""
        return True

    async def identity_of_service(self) -> Identity | None:
        """A folder knows one person."""
        return Identity.local()

    async def check(self) -> list[str]:
        """Whether the folder can be read, is not above its limit, and the cache can be written."""
        problems = []
        try:
            await self._refresh()
        except LibraryUnavailable as error:
            problems.append(error.message)
        if self._index.overfull:
            problems.append(f"{self._root} holds more than {self._limits.max_photos} photos; the others are left out")
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            writable = os.access(self._cache, os.W_OK | os.X_OK)
        except OSError:
            writable = False
        if not writable:
            problems.append(f"the cache of thumbnails {self._cache} cannot be written")
        return problems

    async def answers(self) -> bool:
        """Whether the folder is there."""
        return await self._on_disk(self._root.is_dir)

    async def close(self) -> None:
        """Waits for thumbnails in the making and ends the threads; may be called twice."""
        await self._renditions.close()
        await asyncio.to_thread(self._index.close)
        await asyncio.to_thread(self._disk.shutdown)

    async def _refresh(self) -> None:
        present = await self._on_disk(self._index.refresh)
        if present is None:
            return
        if self._swept is None or not self._swept <= present:
            self._renditions.keep_only(present)
        self._swept = present

    async def _rendition(self, photo_id: str, max_side: int) -> Content:
        await self._refresh()
        file = await self._on_disk(lambda: self._index.file(photo_id))
        jpeg = await self._renditions.jpeg(file, max_side)
        return Content(
            media_type="image/jpeg",
            size=len(jpeg),
            name=f"{Path(file.name).stem}.jpg",
            chunks=_once(jpeg),
            etag=f'"{file.version}-{max_side}"',
            source_version=file.version,
        )

    def _open(self, photo_id: str, span: Span | None) -> Content:
        file = self._index.file(photo_id)
        try:
            opened = open_below(self._root, file.place)
        except OSError as error:
            raise PhotoNotFound(photo_id) from error
        facts = os.fstat(opened.fileno())
        version = file_version(facts.st_size, facts.st_mtime_ns)
        if span is not None and span.start + span.length > facts.st_size:
            span = None
        if span is not None:
            opened.seek(span.start)
        size = facts.st_size if span is None else span.length
        return Content(
            media_type=file.media_type,
            size=size,
            name=file.name,
            chunks=self._read(opened, size),
            etag=f'"{version}"',
            source_version=version,
            on_close=lambda: self._on_disk(opened.close),
            part=None if span is None else (span.start, facts.st_size),
        )

    async def _read(self, opened: BinaryIO, size: int) -> AsyncIterator[bytes]:
        """As many bytes as the file had when it was opened; raises LibraryUnavailable where some are missing."""
        left = size
        while left:
            try:
                chunk = await self._on_disk(partial(opened.read, min(_CHUNK, left)))
            except OSError as error:
                raise LibraryUnavailable(f"a photo cannot be read: {error.strerror}", down="folder") from error
            if not chunk:
                raise LibraryUnavailable("a photo was cut short while it was read", down="folder")
            left -= len(chunk)
            yield chunk

    async def _on_disk(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
