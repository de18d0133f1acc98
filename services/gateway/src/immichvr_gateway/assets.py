"""The assets of photos: which there are (in memory), and what their manifests say (in S3)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from immichvr_common.errors import NotFound, ServiceError, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.manifests import ROOTS, Manifest, read_manifest
from immichvr_common.storage import ObjectStore
from immichvr_models import PREFERRED_DEPTH, PREFERRED_SPLATS
from pydantic import BaseModel

log = get_log(__name__)

_NETWORKS = (*PREFERRED_DEPTH, "heuristic")
PREFERENCE: dict[str, tuple[str, ...]] = {
    "depth": ("embedded", *_NETWORKS),
    "splat": (
        "lift-embedded", *PREFERRED_SPLATS, *(f"lift-{key}" for key in _NETWORKS),
    ),
}  # fmt: skip
"""Models as workers' `auto` prefers them, by what they make."""
_CACHED_MANIFESTS = 2048


class AssetEntry(BaseModel):
    """The least there is to know about an asset.

    made_at: for people; nothing is decided by it where anything else tells. seq: the place of its event in the
    stream EVENTS; 0 where it is known from its manifest, or was written down before places were.
    job_id, run: of its manifest, where that was read.
    """

    photo_id: str
    kind: str
    model_key: str
    recipe: str
    manifest_key: str
    made_at: datetime
    seq: int = 0
    job_id: str = ""
    run: int = 0

    @property
    def asset_key(self) -> str:
        """The asset's name among those of its photo."""
        return f"{self.kind}-{self.model_key}"

    @property
    def kv_key(self) -> str:
        """Where the projection of it lies."""
        return f"{self.photo_id}.{self.kind}.{self.model_key}"


def entry_of(manifest: Manifest) -> AssetEntry:
    """The entry for a manifest."""
    return AssetEntry(
        photo_id=manifest.photo_id,
        kind=manifest.kind,
        model_key=manifest.model_key,
        recipe=manifest.recipe,
        manifest_key=manifest.key,
        made_at=manifest.created_at,
        job_id=manifest.job_id,
        run=manifest.run,
    )


def is_newer(entry: AssetEntry, known: AssetEntry) -> bool:
    """Whether an asset takes the place of one of the same name.

    What was told later is newer, whatever clocks say; what was told of, newer than what was only found; of two found
    ones that a job made, the later run's.
    """
    if entry.seq or known.seq:
        return entry.seq >= known.seq
    if entry.job_id and entry.job_id == known.job_id:
        return entry.run >= known.run
    return entry.made_at >= known.made_at


@dataclass(frozen=True)
class Badges:
    """What a photo has."""

    depth: bool
    splat: bool


class AssetIndex:
    """The newest asset of each kind and model, by photo."""

    def __init__(self) -> None:
        self._photos: dict[str, dict[str, AssetEntry]] = defaultdict(dict)

    def __iter__(self) -> Iterator[tuple[str, list[AssetEntry]]]:
        return iter([(photo_id, list(entries.values())) for photo_id, entries in self._photos.items()])

    def put(self, entry: AssetEntry) -> bool:
        """Adds an asset; False when a newer one of the same name is known."""
        known = self._photos.get(entry.photo_id, {}).get(entry.asset_key)
        if known is not None and not is_newer(entry, known):
            return False
        return self.replace(entry)

    def replace(self, entry: AssetEntry) -> bool:
        """Adds an asset in place of one that is gone, however new that was; True."""
        self._photos[entry.photo_id][entry.asset_key] = entry
        return True

    def forget_places(self) -> None:
        """Forgets where assets were told of: the stream is another one, which counts from one again."""
        for entries in self._photos.values():
            for entry in entries.values():
                entry.seq = 0

    def remove(self, photo_id: str, asset_key: str) -> AssetEntry | None:
        """Forgets an asset; what was known of it."""
        entries = self._photos.get(photo_id, {})
        entry = entries.pop(asset_key, None)
        if not entries:
            self._photos.pop(photo_id, None)
        return entry

    def of_photo(self, photo_id: str) -> list[AssetEntry]:
        """A photo's assets, the best model first."""
        return sorted(self._photos.get(photo_id, {}).values(), key=lambda entry: (entry.kind, rank(entry)))

    def get(self, photo_id: str, asset_key: str) -> AssetEntry | None:
        """The asset of that name."""
        return self._photos.get(photo_id, {}).get(asset_key)

    def badges(self, photo_id: str) -> Badges:
        """What a photo has."""
        kinds = {entry.kind for entry in self._photos.get(photo_id, {}).values()}
        return Badges(depth="depth" in kinds, splat="splat" in kinds)


def rank(entry: AssetEntry) -> int:
    """How far from the best an asset's model is; 0 is the best."""
    order = PREFERENCE.get(entry.kind, ())
    return order.index(entry.model_key) if entry.model_key in order else len(order)


class ManifestReader:
    """Reads manifests, keeping the last few thousand."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._known: OrderedDict[str, Manifest] = OrderedDict()

    async def read(self, key: str) -> Manifest:
        """The manifest at a key. Raises NotFound, also where the asset was removed, CorruptObject, Unavailable."""
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        manifest, _ = await read_manifest(self._store, key)
        if manifest.removed:
            raise NotFound(f"{manifest.asset_key} of photo {manifest.photo_id} was removed")
        self._known[key] = manifest
        if len(self._known) > _CACHED_MANIFESTS:
            self._known.popitem(last=False)
        return manifest

    def forget(self, key: str) -> None:
        """Drops what is kept of a manifest that was rewritten."""
        self._known.pop(key, None)


async def manifest_keys(store: ObjectStore) -> list[str]:
    """Where every manifest lies. Raises Unavailable."""
    keys: list[str] = []
    for root in ROOTS.values():
        keys += [key for key in await store.list_keys(f"{root}/") if key.endswith("/manifest.json")]
    return keys


async def entries_at(store: ObjectStore, keys: Collection[str]) -> list[AssetEntry]:
    """The entries for the manifests at these keys; what is gone, or no manifest, is left out. Raises Unavailable."""
    limit = asyncio.Semaphore(16)

    async def read(key: str) -> AssetEntry | None:
        async with limit:
            try:
                manifest, _ = await read_manifest(store, key)
            except ServiceError as error:
                if isinstance(error, Unavailable):
                    await store.ping()  # raises where it is the storage, and not this object, that is not to be read
                log.warning("a manifest cannot be read", key=key, error=error.message)
                return None
            return entry_of(manifest) if manifest.key == key and not manifest.removed else None

    found = await asyncio.gather(*(read(key) for key in keys))
    return [entry for entry in found if entry is not None]
