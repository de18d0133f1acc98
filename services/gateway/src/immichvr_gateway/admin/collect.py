"""Removes what nobody names any more: one pass of what a gateway does by itself, at a time of one's own choice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from immichvr_common.bus import Bus
from immichvr_common.errors import Conflict
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
from immichvr_gateway.upkeep.turns import Turn


@dataclass(frozen=True)
class Pass:
    """What a pass found and did. is_whole: whether it came to its end, or another process took over in the middle."""

    report: Report
    is_whole: bool


async def collect(
    bus: Bus, store: ObjectStore, settings: RetentionSettings, dry_run: bool = False, turn: Turn | None = None
) -> Pass:
    """Goes through all of storage once; what went, or would go.

    Gateways may run, and need not: whether a photo was deleted from the library is theirs to find out. turn: whose it
    is to look; one that was left behind by a process that is gone is waited out. One that only looks needs none, and
    writes nothing. Raises Conflict where another process is at it and goes on, Unavailable.
    """
    is_dry, turn = dry_run or settings.dry_run, turn or turn_of(bus)
    if is_dry:
        return Pass(await _look_through(bus, store, settings, Report()), is_whole=True)
    if not await turn.wait():
        raise Conflict("a gateway is looking through storage just now, and does the same; nothing was done here")
    report = Report()
    try:
        await _look_through(bus, store, settings, report, turn)
        return Pass(report, turn.is_mine)
    finally:
        await turn.give_up()


async def _look_through(
    bus: Bus, store: ObjectStore, settings: RetentionSettings, report: Report, turn: Turn | None = None
) -> Report:
    """Goes on while it is one's turn; without one, nothing is changed."""
    jobs, assets, manifests, aside = JobIndex(), AssetIndex(), ManifestReader(store), Aside(bus)
    for record in await RecordKeeper(bus, aside).load():
        jobs.put(record)
    keeper = AssetKeeper(bus, aside)
    await keeper.load(assets)
    book = AssetBook(bus, store, assets, manifests, keeper, lambda _: None)
    if turn is not None:
        await book.follow()
    busy = partial(busy_sources, bus, jobs, Composites(store))
    collector = Collector(store, assets, manifests, book, busy, Rules.of(settings), dry_run=turn is None)
    for place in places_in_storage():
        async for _ in collector.walk(report, place):
            if turn is not None and not await turn.take():
                return report
    return report
