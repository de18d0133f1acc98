"""Bringing a photo from the library to where workers can read it."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr_common.locks import KeyedLocks
from immichvr_common.storage import ObjectStore

from immichvr_gateway.library import Content, Identity, Library, LibraryPhoto
from immichvr_gateway.problems import Problem

_REMEMBERED = 4096


@dataclass(frozen=True)
class _Staged:
    """A staged photo, and when it was staged, in seconds that count sleep too."""

    ref: ObjectRef
    staged: float


class Stager:
    """Stages each version of a photo once, however many ask at the same time.

    lasts_s: what is staged is handed out for so long. After that it is staged anew, under another key: what is removed
    because of its age is never what somebody has just been given.
    """

    def __init__(self, library: Library, store: ObjectStore, max_bytes: int, lasts_s: float) -> None:
        self._library, self._store, self._max_bytes, self._lasts_s = library, store, max_bytes, lasts_s
        self._known: OrderedDict[str, _Staged] = OrderedDict()
        self._locks = KeyedLocks()

    async def look_up(self, who: Identity, photo_id: str) -> LibraryPhoto:
        """A photo as it is now, before it is staged. Raises as the library does."""
        return await self._library.photo(who, photo_id, fresh=True)

    async def stage(self, who: Identity, photo: LibraryPhoto) -> ObjectRef:
        """Where workers find the photo. Raises Problem for what can be no photo, Unavailable, library errors."""
        key = f"sources/{photo.id}/{photo.source_version}"
        async with self._locks.hold(key):
            return await self._stage(who, photo, key)

    async def _stage(self, who: Identity, photo: LibraryPhoto, key: str) -> ObjectRef:
        known = self._known.get(key)
        # Whatever became of storage meanwhile: a job is only told of what is there.
        if known is not None and _now() - known.staged < self._lasts_s and await self._store.exists(known.ref.key):
            self._known.move_to_end(key)
            return known.ref
        staged = _now()
        async with await self._library.source(who, photo.id) as content:
            if content.source_version not in (None, photo.source_version):
                raise Problem(409, "changed", f"{photo.name} was changed just now; ask again")
            with tempfile.NamedTemporaryFile(prefix="stage-") as file:
                path = Path(file.name)
                await _save(content, path, self._max_bytes, photo.name)
                ref = await self._store.put_file(f"{key}-{secrets.token_hex(4)}", path, content.media_type)
        self._known[key] = _Staged(ref, staged)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return ref


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.time()


async def _save(content: Content, path: Path, max_bytes: int, name: str) -> None:
    size = 0
    with path.open("wb") as out:
        async for chunk in content.chunks:
            size += len(chunk)
            if size > max_bytes:
                raise Problem(413, "image_too_large", f"{name} is larger than {max_bytes // 1_000_000} MB")
            await asyncio.to_thread(out.write, chunk)
    if size == 0:
        raise Problem(409, "invalid_image", f"{name} is empty: it has no bytes")
