"""Bringing a photo or video from the library to where workers can read it, without a copy of it here on the way."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr_catalog import PHOTO
from immichvr_common.locks import KeyedLocks
from immichvr_common.logs import get_log
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_common.tracing import span

from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.records import JobError
from immichvr_gateway.library import (
    Content,
    Identity,
    Library,
    LibraryError,
    LibraryPhoto,
    LibraryUnavailable,
    PhotoTooLarge,
)
from immichvr_gateway.requests.spec import CLIP, SourceVersion
from immichvr_gateway.settings import LimitSettings, RetentionSettings

log = get_log(__name__)

STAGED = "sources/"
"""Under which keys lies what was staged."""
_REMEMBERED = 4096
_NAMED = 3
_LONGEST_NOTE = 2000
_TRUSTED_S = 60.0


@dataclass(frozen=True)
class Staged:
    """Where a photo lies for workers. note: in words, why this is not the original; empty where it is."""

    ref: ObjectRef
    note: str


class Stager:
    """Stages each version of a photo once, however many ask at the same time.

    What is staged is handed out for half the time that it is kept. After that it is staged anew, under another key:
    what is removed because of its age is never what somebody has just been given. on_staged: told who had what staged.
    """

    def __init__(
        self, library: Library, store: ObjectStore, limits: LimitSettings, retention: RetentionSettings,
        on_staged: Callable[[Identity, Source], None],
    ) -> None:  # fmt: skip
        self._library, self._store, self._on_staged = library, store, on_staged
        self._limits, self._lasts_s = limits, retention.source_hours * 3600 / 2
        self._known: OrderedDict[str, tuple[float, float, Staged]] = OrderedDict()
        self._given_up: OrderedDict[str, JobError] = OrderedDict()
        self._locks = KeyedLocks()

    async def look_up(self, who: Identity, item: Source) -> LibraryPhoto:
        """A photo or video as it is now, before it is staged. Raises as the library does."""
        return await self._library.item(who, item, fresh=True)

    async def stage(self, who: Identity, of: SourceVersion, trusting: bool = False) -> Staged:
        """Where workers find the photo. trusting: what was seen there within a minute is not looked for again.

        Raises Problem for what can be no photo, Unavailable, library errors.
        """
        key = _key(of)
        async with self._locks.hold(key):
            at, seen, known = self._known.get(key, (0.0, 0.0, None))
            if known is not None and _now() - at < self._lasts_s:
                is_trusted = trusting and _now() - seen < min(_TRUSTED_S, self._lasts_s / 2)
                if is_trusted or await self._store.exists(known.ref.key):
                    self._remember(key, at, seen if is_trusted else _now(), known)
                    return known
            at = _now()
            with span("stage", kind_of_source=of.source.kind):
                async with await self._open(who, of, key) as content:
                    if content.source_version not in (None, of.version):
                        raise Problem(409, "changed", f"{of.name} was changed just now; ask again")
                    chunks = _bounded(content, of, self._limits.largest(of.media))
                    ref = await self._store.put_stream(f"{key}-{secrets.token_hex(4)}", chunks, content.media_type)
            staged = Staged(ref, content.note)
            self._on_staged(who, of.source)
            self._remember(key, at, at, staged)
            return staged

    async def keep(self, of: Source, data: bytes) -> ObjectRef:
        """Where workers find what a request about a source brought itself, for as long as what is staged.

        Raises Unavailable.
        """
        key = f"{carried_by(of)}{hashlib.sha256(data).hexdigest()[:16]}"
        return await self._store.put_bytes(key, data, "application/json")

    def give_up_original(self, of: SourceVersion, why: JobError) -> None:
        """Has the library's own picture of a photo be staged from now on: what it is made from cannot be decoded."""
        key = _key(of)
        self._known.pop(key, None)
        self._given_up[key] = why
        if len(self._given_up) > _REMEMBERED:
            self._given_up.popitem(last=False)

    def distrust(self, keys: set[str]) -> None:
        """Has what lies under these keys be staged anew: a worker found it damaged."""
        for name in [name for name, (_, _, staged) in self._known.items() if staged.ref.key in keys]:
            del self._known[name]

    async def _open(self, who: Identity, of: SourceVersion, key: str) -> Content:
        """The photo, or the library's own picture of it where the photo is not decoded, or too large to be fetched.

        Nothing stands in for a video.
        """
        if of.part == CLIP:
            return await self._library.playback(who, of.source)
        if of.source.kind != PHOTO:
            return await self._library.source(who, of.source)
        largest = self._limits.largest(PHOTO)
        why = self._given_up.get(key)
        if why is None:
            try:
                content = await self._library.source(who, of.source)
                if content.size is None or 0 < content.size <= largest:
                    return content
                await content.close()
                code = "image_too_large" if content.size else "invalid_image"
                why = JobError(code=code, message=f"it has {content.size} bytes; the limit is {largest} bytes")
            except PhotoTooLarge as error:
                why = JobError(code=error.code, message=error.message)
        rendition = None
        try:
            rendition = await self._library.rendition(who, of.source.id, small=why.code == "image_too_large")
        except LibraryUnavailable:
            raise
        except LibraryError as error:
            log.info("there is no picture to stand in for a photo", photo_id=of.source.id, error=error.message)
        if rendition is None:
            return await self._library.source(who, of.source)
        rendition.note = f"{rendition.note} ({why.message})"
        return rendition

    def _remember(self, key: str, at: float, seen: float, staged: Staged) -> None:
        self._known[key] = (at, seen, staged)
        self._known.move_to_end(key)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def carried_by(of: Source) -> str:
    """Under which keys lies what requests about a source brought themselves."""
    return f"{STAGED}{of.id}/carried-"


def joined_notes(notes: Sequence[tuple[str, str]]) -> str:
    """Why what was staged is not the originals, in words. notes: of each, what it is called, and its note."""
    names: dict[str, list[str]] = {}
    for name, note in notes:
        if note:
            names.setdefault(note, []).append(name)
    if len(notes) == 1:
        return notes[0][1]
    return "; ".join(f"{_listed(of)}: {note}" for note, of in names.items())[:_LONGEST_NOTE]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def is_staged_as(key: str, of: SourceVersion) -> bool:
    """Whether what lies under a key is that version of a source."""
    return key.rpartition("-")[0] == _key(of)


def _key(of: SourceVersion) -> str:
    return f"{STAGED}{of.source.id}/{of.version}" + (f".{of.part}" if of.part else "")


def _now() -> float:
    """Seconds that count those asleep too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.time()


async def _bounded(content: Content, of: SourceVersion, largest: int) -> AsyncIterator[bytes]:
    """The bytes, as long as they are as many as a source may have. Raises Problem where they are more, or none."""
    size = 0
    async for chunk in content.chunks:
        size += len(chunk)
        if size > largest:
            code = "image_too_large" if of.media == PHOTO else "too_large"
            raise Problem(413, code, f"{of.name} is larger than {largest // 1_000_000} MB")
        yield chunk
    if size == 0:
        raise Problem(409, "invalid_image", f"{of.name} is empty: it has no bytes")
