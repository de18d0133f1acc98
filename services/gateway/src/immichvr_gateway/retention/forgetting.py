"""What is known of assets, made to agree with what is there: in this gateway, in KV and in every other gateway."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from immichvr_common.bus import Bus, BusMessage
from immichvr_common.bus.streams import KV_ASSETS
from immichvr_common.errors import Conflict, CorruptObject, NotFound, ServiceError, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.manifests import Manifest, asset_prefix, bury_asset, change_manifest, read_manifest
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore

from immichvr_gateway.assets.index import AssetEntry, AssetIndex, ManifestReader
from immichvr_gateway.loading import AssetKeeper
from immichvr_gateway.retention.decisions import missing_files

log = get_log(__name__)

LOST, DELETED = "lost", "deleted"
_PREVIEW = "full: the light variant alone is kept; asking for the full one makes it anew"
Gone = Callable[[AssetEntry], None]


class AssetBook:
    """The index of assets, its projection in KV, and the manifests that both follow.

    on_gone: told of each asset that there was.
    """

    def __init__(
        self, bus: Bus, store: ObjectStore, index: AssetIndex, manifests: ManifestReader, keeper: AssetKeeper,
        on_gone: Gone,
    ) -> None:  # fmt: skip
        self._bus, self._store, self._index, self._manifests = bus, store, index, manifests
        self._keeper, self._on_gone = keeper, on_gone

    async def follow(self) -> None:
        """Has this gateway forget what another one forgets."""
        await self._bus.subscribe(f"$KV.{KV_ASSETS}.>", self._on_written)

    async def add(self, entry: AssetEntry) -> None:
        """Adds an asset that was found. Raises Unavailable."""
        if self._index.put(entry):
            await self._keeper.write(entry)

    async def forget(self, entry: AssetEntry) -> None:
        """Forgets an asset that is gone; one that was made anew meanwhile stays."""
        self._manifests.forget(entry.manifest_key)
        known = self._index.get(entry.source, entry.asset_key)
        if known is None or known.manifest_key != entry.manifest_key:
            return
        self._index.remove(entry.source, entry.asset_key)
        self._on_gone(entry)
        try:
            await self._keeper.forget(entry)
            made_anew = self._index.get(entry.source, entry.asset_key)
            if made_anew is not None:  # and was written down, maybe, before the old one was crossed out
                await self._keeper.write(made_anew)
        except Unavailable as error:
            log.warning("an asset that is gone stays written down for now", asset=entry.kv_key, error=error.message)

    async def delete(self, entry: AssetEntry) -> None:
        """Ends an asset that somebody wants no more, in every version of it. Raises Unavailable, Contended."""
        manifests = [
            one.key async for page in self._store.walk(f"{entry.folder}/") for one in page if _is_manifest(one.key)
        ]
        for key in manifests:
            with contextlib.suppress(NotFound, CorruptObject):
                await bury_asset(self._store, key, DELETED)
            self._manifests.forget(key)
        await self.forget(entry)

    async def keep_preview(self, entry: AssetEntry) -> None:
        """Has of a splat its light variant alone be kept, where it has one. Raises Unavailable."""
        try:
            manifest, etag = await read_manifest(self._store, entry.manifest_key)
            full = {file.name for file in manifest.files if file.variant == "full"}
            if not full or len(full) == len(manifest.files):
                return
            changed = manifest.without(full, _PREVIEW)
            await change_manifest(self._store, changed, etag)
        except (NotFound, CorruptObject, Conflict) as error:
            log.info("an asset keeps more than its preview", asset=entry.kv_key, why=error.message)
            return
        self._manifests.forget(entry.manifest_key)
        kept = entry.model_copy(update={"preview": True})
        self._index.replace(kept)
        await self._keeper.write(kept)

    async def look(self, entry: AssetEntry) -> bool:
        """Whether an asset is there with what makes it one; one that is not is forgotten.

        Storage that does not answer proves nothing: raises Unavailable.
        """
        self._manifests.forget(entry.manifest_key)
        try:
            manifest, etag = await read_manifest(self._store, entry.manifest_key)
            if manifest.removed or not await self._is_whole(manifest, etag):
                await self.forget(entry)
                return False
        except Unavailable:
            raise
        except (NotFound, CorruptObject) as error:
            log.warning("an asset is lost", asset=entry.kv_key, why=error.message)
            await self.forget(entry)
            return False
        except ServiceError as error:
            log.warning("an asset cannot be looked at", asset=entry.kv_key, error=error.message)
        return True

    async def _is_whole(self, manifest: Manifest, etag: str) -> bool:
        """Whether the files are there. A manifest that names others is put right; buried where nothing is left."""
        prefix = asset_prefix(manifest.kind, manifest.source, manifest.model_key, manifest.recipe)
        listed = {one.key async for page in self._store.walk(f"{prefix}/") for one in page}
        missing = {file.name for file in missing_files(manifest, listed) if not await self._store.exists(file.key)}
        if not missing:
            return True
        is_lost = not _is_of_use(manifest, missing)
        names = ", ".join(sorted(missing))
        log.warning("files are lost", asset=manifest.asset_key, source=str(manifest.source), files=names)
        changed = manifest.buried(LOST) if is_lost else manifest.without(missing, f"lost in storage: {names}")
        try:
            await change_manifest(self._store, changed, etag)
        except Conflict:
            return True  # it is being made anew right now
        return not is_lost

    async def _on_written(self, message: BusMessage) -> None:
        if message.headers.get("KV-Operation") not in ("DEL", "PURGE"):
            return
        word, _, rest = message.subject.removeprefix(f"$KV.{KV_ASSETS}.").partition(".")
        kind, _, model_key = rest.partition(".")
        entry = self._index.get(Source.of_word(word), f"{kind}-{model_key}")
        try:
            # It may have been made anew since: then it is written down anew as well.
            if entry is not None and await self.look(entry):
                await self._keeper.write(entry)
        except ServiceError as error:
            log.warning("whether an asset is gone will be seen later", asset=message.subject, error=error.message)


def _is_manifest(key: str) -> bool:
    return key.endswith("/manifest.json")


def _is_of_use(manifest: Manifest, missing: set[str]) -> bool:
    """Whether what is left is still the asset: a splat with its SPZ or PLY, depth with all its files."""
    if manifest.kind != "splat":
        return False
    left = [file for file in manifest.files if file.name not in missing]
    return any(file.role == "splat" and file.variant == "full" and file.format in ("spz", "ply") for file in left)
