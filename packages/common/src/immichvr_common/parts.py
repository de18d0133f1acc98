"""Parts of a job: files that it keeps while it works, in storage until some time after its end.

`parts/<job>/<moment it was asked for>/index.json`   which there are
`parts/<job>/<moment it was asked for>/<0|1>-<name>` their bytes

An attempt that comes after another goes on from the same parts, whichever run it belongs to; who asks for the job anew
gets new ones. Only where it was cancelled and may still go on elsewhere, which no worker has begun to end, is that gone
on with, unless it shall begin anew. The index names only what lies there whole: a name that is kept again is written
beside what it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import mimetypes
import time
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.events.v1.events_pb2 import Job
from pydantic import BaseModel, Field, ValidationError

from immichvr_common.errors import CorruptObject, NotFound, ServiceError
from immichvr_common.keeping import NAME
from immichvr_common.logs import get_log
from immichvr_common.retrying import until_up
from immichvr_common.storage import ObjectStore, Stored
from immichvr_common.storage_rights import PARTS
from immichvr_common.supervision import spawn
from immichvr_common.telling import Kept

log = get_log(__name__)

_INDEX = "index.json"
_LARGEST_INDEX = 32 * 1024**2
_INDEX_EVERY_S = 1.0
"""How often the index is written for what is merely watched; what a job goes on from is in it at once."""
_MOST = 100_000
_LAST_WORDS_S = 3.0
_MEDIA_TYPES = {".m4s": "video/mp4", ".npz": "application/octet-stream"}


class Part(BaseModel):
    """One file. count: how often its name was kept. resumes: whether it is there to go on from, not to be looked at."""

    name: str = Field(pattern=f"^{NAME.pattern}$")
    key: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    media_type: str
    resumes: bool = False
    count: int = 1
    facts: dict[str, Any] = {}


class PartsIndex(BaseModel):
    """All parts of a job, in the order in which their names were first kept."""

    parts: list[Part] = []


def asked_at(job: Job) -> Timestamp:
    """When the wish was made that a run of a job is for."""
    return job.asked_at if job.HasField("asked_at") else job.created_at


def prefix_of(job: Job) -> str:
    """Where the parts of a job lie, through all the runs of one wish."""
    return f"{PARTS}/{job.id}/{asked_at(job).ToMilliseconds():x}"


async def read_parts(store: ObjectStore, prefix: str) -> list[Part]:
    """The parts under a prefix; none where the job has kept nothing. Raises CorruptObject, Unavailable."""
    stored = await stored_index(store, prefix)
    return [] if stored is None else await asyncio.to_thread(parse_index, stored.data, prefix)


async def stored_index(store: ObjectStore, prefix: str) -> Stored | None:
    """The index under a prefix; None where there is none. Raises CorruptObject, Unavailable."""
    with contextlib.suppress(NotFound):
        return await store.get_bytes(f"{prefix}/{_INDEX}", _LARGEST_INDEX)
    return None


def parse_index(data: bytes, prefix: str) -> list[Part]:
    """The parts that an index names, but for those that lie elsewhere than it does; slow where they are many.

    Raises CorruptObject.
    """
    try:
        parts = PartsIndex.model_validate_json(data).parts
    except ValidationError as error:
        key = f"{prefix}/{_INDEX}"
        raise CorruptObject(f"{key} is no index of parts: {error.error_count()} fields are wrong", key) from error
    return [part for part in parts if part.key in (_key(prefix, part.name, 0), _key(prefix, part.name, 1))]


def _key(prefix: str, name: str, count: int) -> str:
    return f"{prefix}/{count % 2}-{name}"


class PartKeeper:
    """Stores what the child of one attempt keeps, one after the other, beside the work and never in its way.

    An outage of storage is waited out; where it has no room, or refuses, nothing more is kept and the work goes on.
    """

    def __init__(self, store: ObjectStore, job: Job) -> None:
        self._store, self._job_id, self._prefix = store, job.id, prefix_of(job)
        self._parts: dict[str, Part] = {}
        self._counts: Counter[str] = Counter()
        self._waiting: list[Kept] = []
        self._is_told, self._told_at = True, 0.0
        self._storing: asyncio.Task[None] | None = None
        self._is_given_up = False

    def hear(self, kept: Kept) -> None:
        """Takes in a file; of those of one name that wait, the newest takes the last place."""
        if self._is_given_up or len(self._parts) >= _MOST:
            _remove([kept])
            return
        _remove(one for one in self._waiting if one.name == kept.name)
        self._waiting = [*(one for one in self._waiting if one.name != kept.name), kept]
        if self._storing is None or self._storing.done():
            self._storing = spawn(f"parts of {self._job_id}", self._store_all())

    def begin_anew(self) -> None:
        """Drops what was kept until now; the index says so at once. Keys that it still names are not written to."""
        _remove(self._waiting)
        self._parts, self._waiting = {}, []
        self._is_told, self._told_at = False, 0.0
        if not self._is_given_up and (self._storing is None or self._storing.done()):
            self._storing = spawn(f"parts of {self._job_id}", self._store_all())

    async def recall(self, folder: Path) -> dict[str, Path]:
        """What another attempt may go on from, brought to `folder`; nothing where any of it is damaged.

        Raises Unavailable.
        """
        await asyncio.to_thread(folder.mkdir, exist_ok=True)
        try:
            self._parts = {part.name: part for part in await read_parts(self._store, self._prefix)}
            self._counts |= Counter({part.name: part.count for part in self._parts.values()})
            brought = {}
            for part in (one for one in self._parts.values() if one.resumes):
                brought[part.name] = folder / part.name
                ref = ObjectRef(key=part.key, size=part.size, sha256=part.sha256)
                await self._store.get_file(ref, brought[part.name])
        except (CorruptObject, NotFound) as error:
            log.warning("a job begins anew: what it kept is damaged", job_id=self._job_id, error=error.message)
            self._parts = {}
            return {}
        return brought

    async def settle(self) -> None:
        """Waits some seconds for what was kept to be stored; less long than a worker that stops has for its end."""
        if self._storing is not None:
            await asyncio.wait({self._storing}, timeout=_LAST_WORDS_S)

    async def close(self) -> None:
        """Stores no more."""
        if self._storing is not None:
            self._storing.cancel()
            await asyncio.gather(self._storing, return_exceptions=True)

    async def _store_all(self) -> None:
        try:
            while self._waiting or not self._is_told:
                if not self._waiting:
                    await asyncio.sleep(max(0.0, self._told_at + _INDEX_EVERY_S - time.monotonic()))
                    await self._tell()
                    continue
                kept = self._waiting.pop(0)
                await self._store_one(kept)
                if kept.resumes or time.monotonic() > self._told_at + _INDEX_EVERY_S:
                    await self._tell()
        except ServiceError as error:
            log.warning("a job keeps no more", job_id=self._job_id, error=error.message)
            self._is_given_up = True
            _remove(self._waiting)

    async def _store_one(self, kept: Kept) -> None:
        parts = self._parts
        self._counts[kept.name] = count = self._counts[kept.name] + 1
        key = _key(self._prefix, kept.name, count)
        suffix = kept.path.suffix
        media_type = _MEDIA_TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
        put = partial(self._store.put_file, key, kept.path, media_type)
        try:
            ref = await until_up(put, "what a job keeps waits for storage", job_id=self._job_id)
        except FileNotFoundError:  # the attempt that kept it is over, and its folder was emptied
            return
        finally:
            _remove([kept])
        parts[kept.name] = Part(
            name=kept.name, key=key, size=ref.size, sha256=ref.sha256, media_type=media_type,
            resumes=kept.resumes, count=count, facts=kept.facts,
        )  # fmt: skip
        self._is_told = False

    async def _tell(self) -> None:
        data = PartsIndex(parts=list(self._parts.values())).model_dump_json().encode()
        put = partial(self._store.put_bytes, f"{self._prefix}/{_INDEX}", data, "application/json")
        await until_up(put, "what a job keeps waits for storage", job_id=self._job_id)
        self._is_told, self._told_at = True, time.monotonic()


def let_go(kept: Kept) -> None:
    """For whoever keeps nothing: removes the link."""
    _remove([kept])


def _remove(kept: Iterable[Kept]) -> None:
    for one in kept:
        with contextlib.suppress(OSError):
            one.path.unlink()
