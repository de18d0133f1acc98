"""Holds what manifests promise against what lies in storage, and records against manifests. Changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from immichvr_catalog import ASSETS
from immichvr_common.bus import Bus, read_bucket
from immichvr_common.bus.reading import Unreadable
from immichvr_common.bus.streams import KV_ASSETS
from immichvr_common.errors import CorruptObject, NotFound, ServiceError, Unavailable
from immichvr_common.manifests import AssetFile, Manifest, parse_manifest, read_manifest
from immichvr_common.storage import Listed, ObjectStore

from immichvr_gateway.jobs.reading import read_entry
from immichvr_gateway.retention.groups import grouped, whole_groups

_MANIFEST = "/manifest.json"

Told = Callable[[int], None]
"""Called with the number of assets looked at so far."""


@dataclass(frozen=True)
class Broken:
    """Something that is not as it was promised. key: of the object or record. problem: a sentence."""

    key: str
    problem: str


@dataclass
class Findings:
    """looked: at so many assets. assets, files, bytes: what of them is whole. broken: what is lost or damaged.
    strays: objects that no manifest names, by key with their bytes. unrecorded: manifests of assets that no record
    shows. unbacked: records without a manifest.

    The gateway itself tidies up strays after their grace, and mends records at its start; what is broken it cannot.
    """

    looked: int = 0
    assets: int = 0
    files: int = 0
    bytes: int = 0
    broken: list[Broken] = field(default_factory=list)
    strays: dict[str, int] = field(default_factory=dict)
    unrecorded: list[str] = field(default_factory=list)
    unbacked: list[str] = field(default_factory=list)


async def verify(bus: Bus, store: ObjectStore, read_contents: bool = False, told: Told = lambda _: None) -> Findings:
    """Looks at every asset. read_contents: also reads every file, for its SHA-256. Raises Unavailable."""
    findings = Findings()
    recorded = await _recorded(bus, findings)
    promised: set[str] = set()
    for root in sorted({kind.root for kind in ASSETS.values()}):
        async for listed in whole_groups(store, root):
            for objects in grouped(listed).values():
                promised |= await _look(store, objects, findings, read_contents)
                told(findings.looked)
    shown = {key.rsplit("/", 2)[0] for key in recorded.values()}
    doubtful = sorted(key for key, manifest_key in recorded.items() if manifest_key not in promised)
    findings.unbacked = [key for key in doubtful if await _is_unbacked(bus, store, key)]
    findings.unrecorded = sorted(key for key in promised if key.rsplit("/", 2)[0] not in shown)
    return findings


async def _recorded(bus: Bus, findings: Findings) -> dict[str, str]:
    """Where the manifest of each recorded asset lies, by the record's key."""
    recorded: dict[str, str] = {}
    for key, kept in (await read_bucket(bus, KV_ASSETS)).items():
        if kept.value is None:
            continue
        try:
            recorded[key] = read_entry(key, kept.value).manifest_key
        except Unreadable as error:
            findings.broken.append(Broken(f"KV {KV_ASSETS}/{key}", str(error)))
    return recorded


async def _is_unbacked(bus: Bus, store: ObjectStore, key: str) -> bool:
    """Whether a record leads to no manifest at this moment; much may have changed since it was read."""
    kept = await bus.kv(KV_ASSETS).get(key)
    if kept.value is None:
        return False
    try:
        manifest, _ = await read_manifest(store, read_entry(key, kept.value).manifest_key)
    except (NotFound, Unreadable):
        return True
    except CorruptObject:
        return False  # which is told of the manifest
    return bool(manifest.removed)


async def _look(store: ObjectStore, objects: list[Listed], findings: Findings, read_contents: bool) -> set[str]:
    """Looks at one asset in all its recipes. The keys of its manifests that promise anything."""
    there = {one.key: one.size for one in objects}
    named: set[str] = set()
    promising: set[str] = set()
    for key in [*there]:
        if not key.endswith(_MANIFEST):
            continue
        named.add(key)
        try:
            manifest = parse_manifest((await store.get_bytes(key)).data, key)
        except NotFound:
            continue  # it went while this looked
        except Unavailable:
            raise
        except ServiceError as error:
            findings.broken.append(Broken(key, error.message))
            named |= {one for one in there if one.startswith(key.removesuffix("manifest.json"))}
            continue
        if manifest.removed:
            continue
        promising.add(key)
        findings.looked += 1
        named |= {file.key for file in manifest.files}
        await _look_again(store, manifest, there)
        problems = [*_missing(manifest, there)]
        if read_contents:
            problems += [one for file in _standing(manifest, there) if (one := await _damage(store, file))]
        findings.broken += problems
        findings.assets += not problems
        findings.files += len(manifest.files) - len(problems)
        findings.bytes += sum(file.size for file in _standing(manifest, there))
    findings.strays |= {key: size for key, size in there.items() if key not in named}
    return promising


async def _look_again(store: ObjectStore, manifest: Manifest, there: dict[str, int]) -> None:
    """The manifest may be newer than the listing: what does not fit is asked for by itself."""
    for file in manifest.files:
        if there.get(file.key) != file.size:
            try:
                there[file.key] = await store.size(file.key)
            except NotFound:
                there.pop(file.key, None)


def _missing(manifest: Manifest, there: dict[str, int]) -> Iterator[Broken]:
    for file in manifest.files:
        if file.key not in there:
            yield Broken(file.key, f"{file.name} of {manifest.key} is not there")
        elif there[file.key] != file.size:
            yield Broken(file.key, f"{file.name} has {there[file.key]} bytes, its manifest says {file.size}")


def _standing(manifest: Manifest, there: dict[str, int]) -> list[AssetFile]:
    return [file for file in manifest.files if there.get(file.key) == file.size]


async def _damage(store: ObjectStore, file: AssetFile) -> Broken | None:
    digest = hashlib.sha256()
    try:
        async for chunk in store.stream(file.key):
            digest.update(chunk)
    except Unavailable:
        raise
    except ServiceError as error:
        return Broken(file.key, error.message)
    if digest.hexdigest() != file.sha256:
        return Broken(file.key, f"{file.name} has other contents than its manifest says")
    return None
