"""A directory of photos: for trying things out, and for people without Immich."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

from immichvr_catalog import PHOTO
from immichvr_common.sources import Source
from immichvr_media import Clip

from immichvr_gateway.library.browsing import Selection
from immichvr_gateway.library.changes import MOST_CHANGES, Changes
from immichvr_gateway.library.content import Content
from immichvr_gateway.library.errors import (
    LibraryError,
    LibraryUnavailable,
    NoSuchRange,
    NotPermitted,
    PhotoNotFound,
    PhotoTooLarge,
)
from immichvr_gateway.library.folder.browsing import FolderBrowsing
from immichvr_gateway.library.folder.catalogue import CURSOR_PATTERN, Catalogue, Entry
from immichvr_gateway.library.folder.index import FolderIndex
from immichvr_gateway.library.folder.limits import FolderLimits
from immichvr_gateway.library.folder.opening import open_below
from immichvr_gateway.library.folder.renditions import Renditions
from immichvr_gateway.library.folder.traces import has_left, trace_of
from immichvr_gateway.library.folder.walking import MediaFile, file_version
from immichvr_gateway.library.folder.watch import Watch
from immichvr_gateway.library.photos import Caller, Identity, LibraryPhoto, PhotoPage, Span, Trace, version_of

_THUMBNAIL_SIDE = 512
_PREVIEW_SIDE = 2048
_CHUNK = 1024 * 1024

_Result = TypeVar("_Result")


class FolderLibrary:
    """The photos and videos below `root`; thumbnails and previews of them are kept in `cache_dir`.

    Everybody who gets this far sees everything: who may is decided by where the gateway listens.
    """

    kind: Literal["folder"] = "folder"
    remembers = False
    cursor_pattern = CURSOR_PATTERN

    def __init__(self, root: Path, cache_dir: Path, limits: FolderLimits | None = None) -> None:
        self._limits = limits or FolderLimits()
        self._root = root.expanduser().resolve()
        self._cache = cache_dir.expanduser().resolve()
        self._index = FolderIndex(self._root, self._limits, left_out=self._cache)
        self._renditions = Renditions(self._root, self._cache, self._limits)
        self._disk = ThreadPoolExecutor(self._limits.threads, thread_name_prefix="photo-folder")
        self._swept: set[str] | None = None
        self.browsing = FolderBrowsing(
            self._root.name,
            self._catalogue,
            self._described,
            lambda *asked: self.item(*asked),
            lambda *asked: self.thumbnail(*asked),
            self._on_disk,
        )
        self._watch = Watch(self._root, self._cache, self._limits, self._refresh)

    async def items(self, kind: str, who: Identity, cursor: str | None, limit: int) -> PhotoPage:
        """A page of photos or videos, newest first. Raises InvalidCursor, LibraryUnavailable."""
        return await self.browsing.select(who, Selection(kind), cursor, limit)

    def seen_by(self, who: Identity, catalogue: Catalogue) -> Catalogue:
        """What of a folder is in this person's lists: everything."""
        return catalogue

    async def item(self, who: Identity, item: Source, *, fresh: bool = False) -> LibraryPhoto:
        """One photo or video, always as it is on disk now. Raises PhotoNotFound."""
        return await self._as_it_is(lambda: self._index.item(item))

    async def changes(self, who: Identity) -> AsyncGenerator[Changes]:
        """What comes, changes and goes from now on, as soon as it is whole."""
        await self._refresh()
        async with self._watch.listening() as heard:
            while True:
                yield await self._named(await heard.get())

    async def owns(self, who: Identity, item: Source) -> bool:
        """Whether there is such a photo or video: all are the one person's. Raises PhotoNotFound."""
        return (await self.item(who, item, fresh=True)).id == item.id

    async def trace(self, who: Identity, item: Source) -> Trace:
        """Where it lies. Raises PhotoNotFound."""
        mark = await self._as_it_is(lambda: trace_of(self._root, self._index.file(self._index.shown(item)).place))
        return Trace(who.user_id, mark)

    async def is_gone(self, who: Identity, item: Source, mark: str) -> bool:
        """Whether the file is gone from a folder that is there still. Raises LibraryUnavailable."""
        await self._refresh()
        try:
            await self._on_disk(lambda: self._index.file(self._index.shown(item)))
        except PhotoNotFound:
            try:
                return not self._index.overfull and await self._on_disk(lambda: has_left(self._root, mark))
            except OSError as error:
                raise LibraryUnavailable(f"the folder cannot be read: {error.strerror}", down="folder") from error
        return False

    async def set_favorite(self, who: Identity, item: Source, favorite: bool) -> LibraryPhoto:
        """Raises NotPermitted: nothing is written into a folder. PhotoNotFound."""
        await self.item(who, item)
        raise NotPermitted("a folder of photos keeps no favourites: nothing is ever written into it")

    async def original(self, who: Identity, item: Source, span: Span | None = None) -> Content:
        """The file as it is; of a live photo's film as in `playback`. Raises PhotoNotFound, NoSuchRange."""
        return await self._as_it_is(lambda: self._open(item, span))

    async def playback(self, who: Identity, item: Source, span: Span | None = None) -> Content:
        """A video's file as it is; of a live photo the film beside or inside it. Raises PhotoNotFound, NoSuchRange."""
        return await self._as_it_is(lambda: self._open_film(item, span))

    async def source(self, who: Identity, item: Source) -> Content:
        """The file as it is: a folder lists only what is decoded. Raises PhotoNotFound, PhotoTooLarge."""
        content = await self._as_it_is(lambda: self._open(item, None))
        limit = self._limits.decode.max_bytes if item.kind == PHOTO else self._limits.max_video_bytes
        if content.size is not None and content.size > limit:
            await content.close()
            raise PhotoTooLarge(content.name, limit)
        return content

    async def rendition(self, who: Identity, photo_id: str, *, small: bool) -> Content | None:
        """None: what a folder shows of a photo is decoded here."""
        return None

    async def thumbnail(self, who: Identity, item: Source) -> Content:
        """A JPEG with its longer side at most 512. Raises PhotoNotFound, PhotoUnreadable, PhotoTooLarge."""
        return await self._rendition(item, _THUMBNAIL_SIDE)

    async def preview(self, who: Identity, item: Source) -> Content:
        """A JPEG with its longer side at most 2048. Raises PhotoNotFound, PhotoUnreadable, PhotoTooLarge."""
        return await self._rendition(item, _PREVIEW_SIDE)

    async def visible(self, who: Identity, items: Collection[Source], *, singly: int) -> set[Source]:
        """Those that are in the folder."""
        return await self._as_it_is(lambda: self._index.known(items))

    def recall(self, who: Identity, item: Source) -> bool | None:
        """The one person hears of everything, also of what was made of a photo that is gone."""
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

    async def may_save(self, who: Identity) -> bool:
        """Always: what is shown is this person's."""
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
            problems.append(
                f"{self._root} holds more than {self._limits.max_photos} photos and videos; the others are left out"
            )
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            writable = os.access(self._cache, os.W_OK | os.X_OK)
        except OSError:
            writable = False
        if not writable:
            problems.append(f"the cache of thumbnails {self._cache} cannot be written")
        return problems

    async def remarks(self) -> list[str]:
        """Nothing: a folder has no versions and no permissions that it could do without."""
        return []

    async def answers(self) -> bool:
        """Whether the folder is there."""
        return await self._on_disk(self._root.is_dir)

    async def close(self) -> None:
        """Waits for thumbnails in the making and ends the threads; may be called twice."""
        await self._watch.close()
        await self._renditions.close()
        await asyncio.to_thread(self._index.close)
        await asyncio.to_thread(self._disk.shutdown)

    async def _named(self, changed: dict[Source, bool]) -> Changes:
        there: list[LibraryPhoto] = []
        gone = []
        for item, is_there in list(changed.items())[:MOST_CHANGES]:
            if (still := self._index.still_of(item)) is not None:  # a film alone is no item
                gone.append(item)
                item, is_there = still, True
            try:
                there += [await self._on_disk(partial(self._index.item, item))] if is_there else []
            except PhotoNotFound:
                is_there = False
            gone += [] if is_there else [item]
        return Changes(tuple(there), tuple(gone), more=len(changed) > MOST_CHANGES)

    async def _as_it_is(self, look: Callable[[], _Result]) -> _Result:
        """What `look` finds in the folder as it is now, in one turn at the disk. Raises LibraryUnavailable, as it."""

        def refreshed() -> tuple[set[str] | None, list[_Result], LibraryError | None]:
            present = self._index.refresh()
            try:
                return present, [look()], None
            except LibraryError as error:
                return present, [], error

        present, found, refusal = await self._on_disk(refreshed)
        self._take_in(present)
        if refusal is not None:
            raise refusal
        return found[0]

    async def _refresh(self, *, at_once: bool = False) -> None:
        self._take_in(await self._on_disk(partial(self._index.refresh, at_once=at_once)))

    def _take_in(self, present: set[str] | None) -> None:
        """What a look at the folder has shown; None where it was looked at just now."""
        self._watch.tell(self._index.take_changes(), self._index.waits)
        if present is None:
            return
        if self._swept is None or not self._swept <= present:
            self._renditions.keep_only(present)
        self._swept = present

    async def _rendition(self, item: Source, max_side: int) -> Content:
        file = await self._as_it_is(lambda: self._index.file(self._index.shown(item)))
        jpeg = await self._renditions.jpeg(file, max_side)
        return Content(
            media_type="image/jpeg",
            size=len(jpeg),
            name=f"{Path(file.name).stem}.jpg",
            chunks=_once(jpeg),
            etag=f'"{file.version}-{max_side}"',
            source_version=file.version,
        )

    async def _catalogue(self, who: Identity) -> Catalogue:
        return self.seen_by(who, await self._as_it_is(self._index.catalogue))

    async def _described(self, entries: Sequence[Entry]) -> list[LibraryPhoto]:
        return await self._on_disk(lambda: self._index.described(entries))

    def _open(self, item: Source, span: Span | None) -> Content:
        if self._index.shown(item) != item:
            return self._open_film(item, span)
        return self._opened(self._index.file(item), span)

    def _open_film(self, item: Source, span: Span | None) -> Content:
        """What is played: a file, or the film in a photo's file; of the version that what was asked for has."""
        file, clip = self._index.film(item)
        if clip is not None:
            file = replace(file, name=f"{Path(file.name).stem}.mp4", media_type="video/mp4")
        content = self._opened(file, span, clip)
        if item.kind == PHOTO:
            content.source_version = self._index.file(item).version
        return content

    def _opened(self, file: MediaFile, span: Span | None, clip: Clip | None = None) -> Content:
        try:
            opened = open_below(self._root, file.place)
        except OSError as error:
            raise PhotoNotFound(file.id) from error
        facts = os.fstat(opened.fileno())
        version = file_version(facts.st_size, facts.st_mtime_ns)
        if clip is not None:
            version = version_of(version, "clip")
        begin, whole = (0, facts.st_size) if clip is None else (clip.start, clip.length)
        part = None if span is None else span.within(whole)
        if span is not None and part is None:
            opened.close()
            raise NoSuchRange(whole)
        opened.seek(begin + (0 if part is None else part.start))
        size = part.length if part is not None and part.length is not None else whole
        return Content(
            media_type=file.media_type,
            size=size,
            name=file.name,
            chunks=self._read(opened, size),
            etag=f'"{version}"',
            source_version=version,
            on_close=lambda: self._on_disk(opened.close),
            part=None if part is None else (part.start, whole),
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
