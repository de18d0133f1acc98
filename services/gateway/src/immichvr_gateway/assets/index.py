"""The assets of sources: which there are (in memory), and what their manifests say (in S3)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from immichvr_catalog import ASSETS, DEPTH, DEPTH_VIDEO, SPLAT
from immichvr_catalog.scene_keys import is_completed
from immichvr_catalog.video_keys import is_part, is_usual, whole_key
from immichvr_common.errors import NotFound, ServiceError, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.manifests import Manifest, read_manifest
from immichvr_common.sourced import OfSource, StoredSource
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_models import registry

log = get_log(__name__)

PREFERENCE: dict[str, tuple[str, ...]] = {
    DEPTH: registry.preferred("depth"),
    SPLAT: registry.preferred("splat"),
    DEPTH_VIDEO: registry.preferred("video-depth"),
}
"""Models as workers' `auto` prefers them, by what they make; other kinds of assets are made by no choice of models."""
_CACHED_MANIFESTS = 2048


class AssetEntry(OfSource):
    """The least there is to know about an asset.

    made_at: for people; nothing is decided by it where anything else tells. seq: the place of its event in the
    stream EVENTS; 0 where it is known from its manifest, or was written down before places were.
    job_id, run: of its manifest, where that was read. preview: a splat of which the light variant alone is kept.
    """

    source: StoredSource
    kind: str
    model_key: str
    recipe: str
    manifest_key: str
    made_at: datetime
    seq: int = 0
    job_id: str = ""
    run: int = 0
    preview: bool = False

    @property
    def asset_key(self) -> str:
        """The asset's name among those of its source."""
        return f"{self.kind}-{self.model_key}"

    @property
    def folder(self) -> str:
        """Under which key of storage it lies, in all its recipes."""
        return self.manifest_key.rsplit("/", 2)[0]

    @property
    def kv_key(self) -> str:
        """Where the projection of it lies."""
        return f"{self.source.word}.{self.kind}.{self.model_key}"


def entry_of(manifest: Manifest) -> AssetEntry:
    """The entry for a manifest."""
    return AssetEntry(
        source=manifest.source,
        kind=manifest.kind,
        model_key=manifest.model_key,
        recipe=manifest.recipe,
        manifest_key=manifest.key,
        made_at=manifest.created_at,
        job_id=manifest.job_id,
        run=manifest.run,
        preview=is_preview(manifest),
    )


def is_preview(manifest: Manifest) -> bool:
    """Whether of a splat its light variant alone is there."""
    splats = [file for file in manifest.files if file.role == SPLAT]
    return manifest.kind == SPLAT and bool(splats) and all(file.variant != "full" for file in splats)


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


class AssetIndex:
    """The newest asset of each kind and model, by source."""

    def __init__(self) -> None:
        self._sources: dict[Source, dict[str, AssetEntry]] = defaultdict(dict)
        self._folders: dict[str, AssetEntry] = {}
        self._models: dict[str, dict[Source, dict[str, list[str]]]] = defaultdict(dict)

    def __iter__(self) -> Iterator[tuple[Source, list[AssetEntry]]]:
        return iter([(source, list(entries.values())) for source, entries in self._sources.items()])

    def put(self, entry: AssetEntry) -> bool:
        """Adds an asset; False when a newer one of the same name is known."""
        known = self._sources.get(entry.source, {}).get(entry.asset_key)
        if known is not None and not is_newer(entry, known):
            return False
        return self.replace(entry)

    def replace(self, entry: AssetEntry) -> bool:
        """Adds an asset in place of one that is gone, however new that was; True."""
        self._sources[entry.source][entry.asset_key] = entry
        self._folders[entry.folder] = entry
        self._note_models(entry.source)
        return True

    def forget_places(self) -> None:
        """Forgets where assets were told of: the stream is another one, which counts from one again."""
        for entries in self._sources.values():
            for entry in entries.values():
                entry.seq = 0

    def remove(self, source: Source, asset_key: str) -> AssetEntry | None:
        """Forgets an asset; what was known of it."""
        entries = self._sources.get(source, {})
        entry = entries.pop(asset_key, None)
        if entry is not None:
            del self._folders[entry.folder]
        if not entries:
            self._sources.pop(source, None)
        self._note_models(source)
        return entry

    def of(self, source: Source) -> list[AssetEntry]:
        """A source's assets, the best model first."""
        return sorted(self._sources.get(source, {}).values(), key=lambda entry: (entry.kind, rank(entry)))

    def get(self, source: Source, asset_key: str) -> AssetEntry | None:
        """The asset of that name."""
        return self._sources.get(source, {}).get(asset_key)

    def at(self, folder: str) -> AssetEntry | None:
        """The asset that lies in a folder of storage."""
        return self._folders.get(folder)

    def badges(self, source: Source) -> dict[str, bool]:
        """Of which kinds a source has something."""
        models = self._models[source.kind].get(source) or by_kind([])
        return {kind: bool(keys) for kind, keys in models.items()}

    def models(self, kind: str) -> dict[Source, dict[str, list[str]]]:
        """What there is of all sources of a kind: the keys of models, by kind of asset. Not to be changed.

        Kept ready, since a gallery asks for that of tens of thousands at once.
        """
        return dict(self._models[kind])

    def _note_models(self, source: Source) -> None:
        if entries := self._sources.get(source):
            self._models[source.kind][source] = by_kind(entries.values())
        else:
            self._models[source.kind].pop(source, None)


def by_kind(entries: Iterable[AssetEntry]) -> dict[str, list[str]]:
    """The model keys of assets, by kind; a kind that there is nothing of has an empty list."""
    found: dict[str, list[str]] = {kind: [] for kind in ASSETS}
    for entry in entries:
        found.setdefault(entry.kind, []).append(entry.model_key)
    return found


def rank(entry: AssetEntry) -> tuple[bool, bool, int, bool]:
    """How far from the best an asset is: what is of a part alone comes after all that is whole, however good, and what
    was completed of another after all that was not; of one model, another codec after the usual one."""
    key = entry.model_key
    return is_part(key), is_completed(key), model_rank(entry), not is_usual(key)


def model_rank(entry: AssetEntry) -> int:
    """How far from the best an asset's model is; 0 is the best."""
    order, model = PREFERENCE.get(entry.kind, ()), whole_key(entry.model_key)
    return order.index(model) if model in order else len(order)


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
            raise NotFound(f"{manifest.asset_key} of {manifest.source} was removed")
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
    for kind in ASSETS.values():
        keys += [key for key in await store.list_keys(f"{kind.root}/") if key.endswith("/manifest.json")]
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
