"""The parts of keeping storage tidy, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from immichvr_common.bus import Bus
from immichvr_common.storage import ObjectStore

from immichvr_gateway.assets import AssetEntry, AssetIndex, ManifestReader
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.library import Library
from immichvr_gateway.loading import AssetKeeper
from immichvr_gateway.retention.departed import Departed, People
from immichvr_gateway.retention.forgetting import AssetBook
from immichvr_gateway.retention.keeper import Keeper
from immichvr_gateway.settings import RetentionSettings


@dataclass(frozen=True)
class Retention:
    """book: what is known of assets, here and in KV. keeper: looks through storage. departed: photos that are gone."""

    book: AssetBook
    keeper: Keeper
    departed: Departed


async def open_retention(
    bus: Bus, store: ObjectStore, jobs: JobIndex, index: AssetIndex, manifests: ManifestReader, records: AssetKeeper,
    library: Library, people: People, on_gone: Callable[[AssetEntry], None], settings: RetentionSettings,
) -> Retention:  # fmt: skip
    """Puts the parts together, and begins to hear what other gateways forget."""
    book = AssetBook(bus, store, index, manifests, records, on_gone)
    await book.follow()
    departed = Departed(bus, library, people)
    return Retention(book, Keeper(bus, store, jobs, index, manifests, book, departed, settings), departed)
