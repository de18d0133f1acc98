"""Two gateways' keepers of storage, whose clock may be turned on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from immichvr_common.bus import Bus
from immichvr_common.manifests import Manifest, parse_manifest
from immichvr_common.storage import ObjectStore
from immichvr_gateway.assets.index import AssetIndex, ManifestReader
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.library import FolderLibrary
from immichvr_gateway.loading import AssetKeeper, hold_against_storage
from immichvr_gateway.retention.departed import Departed
from immichvr_gateway.retention.forgetting import AssetBook
from immichvr_gateway.retention.keeper import Keeper
from immichvr_gateway.settings import RetentionSettings
from immichvr_gateway.sources.composites import Composites
from immichvr_gateway.upkeep.aside import Aside

Keeping = Callable[..., Awaitable[Keeper]]


@pytest.fixture
async def keeping(
    empty_bus: Bus, storage: ObjectStore, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Keeping:
    """Gives a keeper of what lies in storage now; `later` is how much storage's clock has gone on for it."""

    async def keep(later: timedelta = timedelta(0), **settings: Any) -> Keeper:
        true_clock = ObjectStore.clock

        async def clock(store: ObjectStore) -> datetime:
            return await true_clock(store) + later

        monkeypatch.setattr(storage, "clock", lambda: clock(storage))
        index, manifests = AssetIndex(), ManifestReader(storage)
        keeper = AssetKeeper(empty_bus, Aside(empty_bus))
        await hold_against_storage(storage, index, keeper)
        book = AssetBook(empty_bus, storage, index, manifests, keeper, lambda _: None)
        departed = Departed(empty_bus, FolderLibrary(photos, tmp_path / "cache"), list)
        return Keeper(
            empty_bus,
            storage,
            JobIndex(),
            index,
            manifests,
            book,
            departed,
            Composites(storage),
            RetentionSettings(**settings),
        )

    return keep


@pytest.fixture
def stored(storage: ObjectStore) -> Callable[[], Awaitable[tuple[set[str], list[Manifest]]]]:
    """Every key there is but the canary's, and every manifest."""

    async def look() -> tuple[set[str], list[Manifest]]:
        keys = {key for key in await storage.list_keys("") if "/" in key}
        found = [(await storage.get_bytes(key), key) for key in keys if key.endswith("/manifest.json")]
        return keys, [parse_manifest(one.data, key) for one, key in found]

    return look
