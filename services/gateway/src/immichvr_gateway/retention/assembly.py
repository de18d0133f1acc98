"""The parts of keeping storage tidy, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from immichvr_common.bus import Bus
from immichvr_common.storage import ObjectStore

from immichvr_gateway.assets.index import AssetEntry, AssetIndex, ManifestReader
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.library import Library
from immichvr_gateway.loading import AssetKeeper
from immichvr_gateway.retention.departed import Departed, InAbsence, People
from immichvr_gateway.retention.forgetting import AssetBook
from immichvr_gateway.retention.keeper import Keeper
from immichvr_gateway.settings import RetentionSettings
from immichvr_gateway.sources.composites import Composites


@dataclass(frozen=True)
class Retention:
    """book: what is known of assets, here and in KV. keeper: looks through storage. departed: what is deleted."""

    book: AssetBook
    keeper: Keeper
    departed: Departed

    def stored(self, user_id: str) -> int:
        """Bytes of what was made of somebody's photos, as the last look found it."""
        return sum(one.bytes for one in self.keeper.figures.of(user_id).values())


async def open_retention(
    bus: Bus, store: ObjectStore, jobs: JobIndex, index: AssetIndex, manifests: ManifestReader, records: AssetKeeper,
    library: Library, composites: Composites, people: People, in_absence: InAbsence,
    on_gone: Callable[[AssetEntry], None], settings: RetentionSettings,
) -> Retention:  # fmt: skip
    """Puts the parts together, and begins to hear what other gateways forget."""
    book = AssetBook(bus, store, index, manifests, records, on_gone)
    await book.follow()
    departed = Departed(bus, library, people, in_absence)
    return Retention(book, Keeper(bus, store, jobs, index, manifests, book, departed, composites, settings), departed)
