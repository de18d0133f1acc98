"""A copy of what nobody could make again: who asked for what, settings, rules, keys, and the manifests of all assets.

A gzipped tar: first `backup.json`, then `kv/{bucket}/{key}` and `s3/{key}`. The files of assets are not in it: storage
has means of its own for those, and what is lost is made anew when it is asked for. What people signed in with is sealed
in it as it is in NATS; whoever has the file and the gateway's session key has their accounts.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from immichvr_catalog import ASSETS
from immichvr_common.bus import Bus, read_bucket
from immichvr_common.bus.kv import KeyValueStore
from immichvr_common.bus.streams import KV_ASSETS, KV_JOBS, KV_STATE
from immichvr_common.errors import Conflict, CorruptObject, InvalidRequest, NotFound
from immichvr_common.private_files import open_private
from immichvr_common.storage import ObjectStore

from immichvr_gateway.sources.composites import ROOT as COMPOSITES
from immichvr_gateway.upkeep.tasks import READ_POSITION
from immichvr_gateway.upkeep.turns import SUFFIX as TURN
from immichvr_gateway.upkeep.version import KEY as VERSION
from immichvr_gateway.upkeep.version import put_back_version

_FORMAT = 1
_ABOUT = "backup.json"
_BUCKETS = (KV_STATE, KV_JOBS, KV_ASSETS)
_LARGEST = 16 * 1024 * 1024
"""Bytes of the largest member that is read back; a record has a few thousand, NATS takes no message of more."""
_KEY = re.compile(r"[A-Za-z0-9_=+/][A-Za-z0-9._=+/-]{0,500}")
_JSON = "application/json"


class NotABackup(InvalidRequest):
    """The file is not one that `backup` wrote, or of a later version."""


@dataclass
class Counts:
    """kv: records; objects: of storage. kept: those that were there already, and stay as they are.

    left_out: objects that cannot be read, and why.
    """

    kv: int = 0
    objects: int = 0
    kept: int = 0
    left_out: list[str] = field(default_factory=list)


async def backup(bus: Bus, store: ObjectStore, path: Path) -> Counts:
    """Writes a copy to `path`, readable by its owner alone; whole or not at all. Raises Unavailable, OSError."""
    counts = Counts()
    with open_private(path) as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
        about = {"format": _FORMAT, "made_at": datetime.now(UTC).isoformat()}
        _add(tar, _ABOUT, json.dumps(about).encode())
        for bucket in _BUCKETS:
            for key, kept in (await read_bucket(bus, bucket)).items():
                if kept.value and key != READ_POSITION and not key.endswith(TURN):
                    _add(tar, f"kv/{bucket}/{key}", kept.value)
                    counts.kv += 1
        async for key in _small_objects(store):
            try:
                data = (await store.get_bytes(key)).data
            except NotFound:
                continue  # it went meanwhile
            except CorruptObject as error:
                counts.left_out.append(f"{key}: {error.message}")
                continue
            _add(tar, f"s3/{key}", data)
            counts.objects += 1
    return counts


async def restore(bus: Bus, store: ObjectStore, path: Path) -> Counts:
    """Puts back what is not there; what is there already stays. Streams and bucket are to be there.

    No gateway may run meanwhile: it reads records once, when it starts. Raises NotABackup, Unavailable, OSError.
    """
    counts = Counts()
    buckets = {name: bus.kv(name) for name in _BUCKETS}
    version: bytes | None = None
    for place, key, data in _members(path):
        try:
            if (place, key) == (KV_STATE, VERSION):
                version = data
            elif key.endswith(TURN):
                continue  # of backups that earlier releases made
            elif place == "s3":
                await store.put_if(key, data, _JSON, None)
                counts.objects += 1
            else:
                await _put_where_nothing_is(buckets[place], key, data)
                counts.kv += 1
        except Conflict:
            counts.kept += 1
    is_put_back = await put_back_version(bus, version)
    if version is not None:
        counts.kv, counts.kept = counts.kv + is_put_back, counts.kept + (not is_put_back)
    return counts


async def _put_where_nothing_is(bucket: KeyValueStore, key: str, data: bytes) -> None:
    """Raises Conflict where there is a value. What was deleted has left a mark, which is nothing."""
    try:
        await bucket.update(key, data, last=0)
    except Conflict:
        there = await bucket.get(key)
        if there.value is not None:
            raise
        await bucket.update(key, data, last=there.revision)


async def _small_objects(store: ObjectStore) -> AsyncIterator[str]:
    """The keys of manifests, and of what sets and scenes are made of."""
    for root in sorted({kind.root for kind in ASSETS.values()}):
        async for page in store.walk(f"{root}/"):
            for one in page:
                if one.key.endswith("/manifest.json"):
                    yield one.key
    async for page in store.walk(f"{COMPOSITES}/"):
        for one in page:
            yield one.key


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o600
    tar.addfile(member, io.BytesIO(data))


def _members(path: Path) -> Iterator[tuple[str, str, bytes]]:
    """(bucket or "s3", key, contents) of each member. Raises NotABackup."""
    try:
        with tarfile.open(path, mode="r:gz") as tar:
            for number, member in enumerate(tar):
                data = _contents(tar, member)
                if number == 0:
                    _check(member.name, data)
                else:
                    yield *_placed(member.name), data
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, UnicodeError) as error:
        raise NotABackup(f"{path.name} is not a backup, or was cut off: {error}") from error


def _contents(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if not member.isreg() or member.size > _LARGEST:
        raise NotABackup(
            f"{member.name[:200]!r} has no place in a backup: it is no file, or larger than {_LARGEST} bytes"
        )
    file = tar.extractfile(member)
    return file.read(_LARGEST) if file is not None else b""


def _check(name: str, about: bytes) -> None:
    try:
        told = json.loads(about) if name == _ABOUT else {}
    except ValueError:
        told = {}
    version = told.get("format") if isinstance(told, dict) else None
    if not isinstance(version, int):
        raise NotABackup(f"this is no backup of ImmichVR: it does not begin with {_ABOUT}")
    if version > _FORMAT:
        raise NotABackup(f"this backup is of format {version}; this release reads up to {_FORMAT}")


def _placed(name: str) -> tuple[str, str]:
    """Where a member belongs; nothing is written anywhere else."""
    kind, _, rest = name.partition("/")
    place, key = ("s3", rest) if kind == "s3" else rest.partition("/")[::2]
    roots = {COMPOSITES, *(one.root for one in ASSETS.values())}
    is_known = place in _BUCKETS if kind == "kv" else kind == "s3" and key.partition("/")[0] in roots
    if not is_known or not _KEY.fullmatch(key) or ".." in key:
        raise NotABackup(f"{name[:200]!r} has no place in a backup")
    return place, key
