"""Removes what nobody names any more: one pass of what a gateway does by itself, at a time of one's own choice."""

from __future__ import annotations

from functools import partial

from immichvr_common.bus import Bus
from immichvr_common.storage import ObjectStore

from immichvr_gateway.assets.index import AssetIndex, ManifestReader
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.keeping import RecordKeeper
from immichvr_gateway.loading import AssetKeeper
from immichvr_gateway.retention.collector import Collector, Report
from immichvr_gateway.retention.decisions import Rules
from immichvr_gateway.retention.forgetting import AssetBook
from immichvr_gateway.retention.keeper import busy_sources, places_in_storage, turn_of
from immichvr_gateway.settings import RetentionSettings
from immichvr_gateway.sources.composites import Composites
from immichvr_gateway.upkeep.aside import Aside


async def collect(bus: Bus, store: ObjectStore, settings: RetentionSettings, dry_run: bool = False) -> Report | None:
    """Goes through all of storage once; what went, or would go. None where another process is at it just now.

    Gateways may run, and need not: whether a photo was deleted from the library is theirs to find out. Raises
    Unavailable.
    """
    turn = turn_of(bus)
    if not await turn.take():
        return None
    jobs, assets, manifests, aside = JobIndex(), AssetIndex(), ManifestReader(store), Aside(bus)
    for record in await RecordKeeper(bus, aside).load():
        jobs.put(record)
    keeper = AssetKeeper(bus, aside)
    await keeper.load(assets)
    book = AssetBook(bus, store, assets, manifests, keeper, lambda _: None)
    await book.follow()
    busy = partial(busy_sources, bus, jobs, Composites(store))
    collector = Collector(store, assets, manifests, book, busy, Rules.of(settings), dry_run or settings.dry_run)
    report = Report()
    for place in places_in_storage():
        async for _ in collector.walk(report, place):
            if not await turn.take():
                return None
    await turn.give_up()
    return report
