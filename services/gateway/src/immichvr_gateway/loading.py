"""Assets as they lie in KV, and held against the manifests in S3, which are the truth."""

from __future__ import annotations

from immichvr_common.bus import Bucket, Bus
from immichvr_common.bus.reading import Unreadable
from immichvr_common.bus.streams import KV_ASSETS
from immichvr_common.errors import Conflict, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.storage import ObjectStore

from immichvr_gateway.assets.index import AssetEntry, AssetIndex, entries_at, is_newer, manifest_keys
from immichvr_gateway.jobs.reading import read_entry
from immichvr_gateway.upkeep.aside import Aside

log = get_log(__name__)


class AssetKeeper:
    """Writes entries down, unless another gateway has written a newer one."""

    def __init__(self, bus: Bus, aside: Aside) -> None:
        self._bucket, self._aside = Bucket(bus, KV_ASSETS), aside

    async def load(self, index: AssetIndex) -> bool:
        """Brings what was written down into the index; whether there was anything. Raises Unavailable."""
        found = False
        for key, value in (await self._bucket.load()).items():
            try:
                index.put(read_entry(key, value))
                found = True
            except Unreadable as error:
                await self._aside.put(f"KV_{KV_ASSETS}", key, value, error)
        return found

    async def write(self, entry: AssetEntry) -> None:
        """Writes an entry down. Raises Unavailable."""

        def settle(theirs: bytes) -> bytes:
            stored = _read(entry.kv_key, theirs)
            return entry.model_dump_json().encode() if stored is None or is_newer(entry, stored) else theirs

        try:
            await self._bucket.write(entry.kv_key, entry.model_dump_json().encode(), settle)
        except Conflict as error:
            raise Unavailable(error.message, down="nats") from error

    async def forget(self, entry: AssetEntry) -> None:
        """Removes an entry. Raises Unavailable."""
        await self._bucket.delete(entry.kv_key)


async def hold_against_storage(store: ObjectStore, index: AssetIndex, keeper: AssetKeeper) -> None:
    """Takes up the assets whose manifests lie in S3 and which the index lacks, or knows by a manifest that is gone.

    Raises Unavailable.
    """
    known = {entry.manifest_key for _, entries in index for entry in entries}
    there = set(await manifest_keys(store))
    taken = 0
    for entry in await entries_at(store, there - known):
        stands = index.get(entry.source, entry.asset_key)
        is_lost = stands is not None and stands.manifest_key in known - there
        if index.replace(entry) if is_lost else index.put(entry):
            await keeper.write(entry)
            taken += stands is None
    if taken:
        # Mostly what was made while no gateway was there, whose events are still to be read.
        log.info("assets were in storage and in no record", assets=taken)
    if lost := known - there:
        log.warning("assets are recorded whose manifests are gone", assets=len(lost), first=min(lost))


def _read(key: str, value: bytes) -> AssetEntry | None:
    try:
        return read_entry(key, value)
    except Unreadable:
        return None
