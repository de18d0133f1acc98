"""Bringing a photo from the library to where workers can read it."""

from __future__ import annotations

import asyncio
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
_TRUSTED_S = 60.0
"""How long a staged source is taken to be there still; a rule of the storage may remove it after days."""


@dataclass(frozen=True)
class Staged:
    """Where a photo lies for workers. note: in words, why this is not the original; empty where it is."""

    ref: ObjectRef
    note: str


class Stager:
    """Stages each version of a photo once, however many ask at the same time."""

    def __init__(self, library: Library, store: ObjectStore, max_bytes: int) -> None:
        self._library, self._store, self._max_bytes = library, store, max_bytes
        self._known: OrderedDict[str, tuple[float, Staged]] = OrderedDict()
        self._locks = KeyedLocks()

    async def stage(self, who: Identity, photo: LibraryPhoto) -> Staged:
        """Where workers find the photo. Raises Problem for what can be no photo, Unavailable, library errors."""
        key = f"sources/{photo.id}/{photo.source_version}"
        async with self._locks.hold(key):
            return await self._stage(who, photo, key)

    async def _stage(self, who: Identity, photo: LibraryPhoto, key: str) -> Staged:
        seen, known = self._known.get(key, (0.0, None))
        if known is not None and (time.monotonic() - seen < _TRUSTED_S or await self._store.exists(key)):
            self._remember(key, known)
            return known
        async with await self._library.source(who, photo.id) as content:
            if content.source_version not in (None, photo.source_version):
                raise Problem(409, "changed", f"{photo.name} was changed just now; ask again")
            with tempfile.NamedTemporaryFile(prefix="stage-") as file:
                path = Path(file.name)
                await _save(content, path, self._max_bytes, photo.name)
                ref = await self._store.put_file(key, path, content.media_type)
            staged = Staged(ref, content.note)
        self._remember(key, staged)
        return staged

    def _remember(self, key: str, staged: Staged) -> None:
        self._known[key] = (time.monotonic(), staged)
        self._known.move_to_end(key)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


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
