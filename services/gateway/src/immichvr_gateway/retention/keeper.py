"""Looks through storage again and again, beside everything else and never in its way."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta
from functools import partial

from immichvr_catalog import ASSETS
from immichvr_common.bus import Bus
from immichvr_common.bus.streams import JOBS, KV_STATE
from immichvr_common.errors import ServiceError
from immichvr_common.logs import get_log
from immichvr_common.storage import ObjectStore
from immichvr_common.storage_rights import PARTS
from pydantic import ValidationError

from immichvr_gateway.assets.index import AssetIndex, ManifestReader
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.retention.collector import SOURCES, Collector, Report
from immichvr_gateway.retention.decisions import Rules
from immichvr_gateway.retention.departed import Departed
from immichvr_gateway.retention.figures import StorageFigures, figures_of, tell
from immichvr_gateway.retention.forgetting import AssetBook
from immichvr_gateway.settings import RetentionSettings
from immichvr_gateway.sources.composites import Composites
from immichvr_gateway.upkeep.turns import Turn

log = get_log(__name__)

_POSITION, _FIGURES = "retention.position", "retention.figures"
_FIRST_S = 300.0
"""A gateway that has just come up has better things to do."""
_TROUBLE_S = 30.0


class Keeper:
    """Holds the index of assets against storage, and removes what need not be kept."""

    def __init__(
        self, bus: Bus, store: ObjectStore, jobs: JobIndex, index: AssetIndex, manifests: ManifestReader,
        book: AssetBook, departed: Departed, composites: Composites, settings: RetentionSettings,
    ) -> None:  # fmt: skip
        self._bus, self._store, self._jobs, self._index, self._book = bus, store, jobs, index, book
        self._departed, self._composites, self._settings = departed, composites, settings
        self._turn = turn_of(bus)
        busy = partial(busy_sources, bus, jobs, composites)
        self.collector = Collector(store, index, manifests, book, busy, Rules.of(settings), settings.dry_run)
        self.figures = figures_of(Report(), {}, None, settings.dry_run)
        """What the last look found, whichever gateway's it was."""

    async def read_figures(self) -> None:
        """Takes up what the last look found. Raises Unavailable."""
        kept = (await self._bus.kv(KV_STATE).get(_FIGURES)).value
        if kept is not None:
            try:
                self.figures = StorageFigures.model_validate_json(kept)
            except ValidationError as error:
                log.warning("what the last look found cannot be read", fields=error.error_count())

    async def run(self) -> None:
        """Looks until cancelled; outages are waited out."""
        pause_s = 0.0
        looked_first = False
        while True:
            await asyncio.sleep(pause_s)
            try:
                await self.compare()
                every_s = self._settings.every_minutes * 60
                if not looked_first:
                    looked_first, pause_s = True, min(_FIRST_S, every_s)
                    continue
                await self.look()
                pause_s = every_s
            except ServiceError as error:
                log.info("looking through storage waits", error=error.message)
                pause_s = _TROUBLE_S

    async def compare(self) -> int:
        """Has assets forgotten that are not in storage; how many. Raises Unavailable."""
        lost = 0
        for root in (kind.root for kind in ASSETS.values()):
            known = [
                entry for _, entries in self._index for entry in entries if entry.manifest_key.startswith(f"{root}/")
            ]
            if not known:
                continue
            listed = {one.key async for page in self._store.walk(f"{root}/") for one in page}
            for entry in known:
                if entry.manifest_key not in listed:
                    lost += not await self._book.look(entry)
        if lost:
            log.warning("assets are lost: storage does not have them any more", assets=lost)
        return lost

    async def look(self) -> bool:
        """Goes through all of storage; goes on where the last one was interrupted. False where it is another's turn."""
        if not await self._turn.take():
            return False
        report = Report()
        self.collector.gone = await self._gone()
        root, after = await self._where_it_was()
        places = places_in_storage()
        is_whole = (root, after) == (places[0], "")
        for place in places[places.index(root) :]:
            start = time.monotonic()
            async for position in self.collector.walk(report, place, after if place == root else ""):
                await self._remember(place, position)
                if not await self._turn.take():
                    return False
                # As much rest as work.
                await asyncio.sleep(time.monotonic() - start)
                start = time.monotonic()
        await self._remember(places[0], "")
        if not is_whole:  # a part of storage says nothing of how much there is
            return await self.look()
        owners = await self._owners()
        self.figures = figures_of(report, owners, await self._store.clock(), self._settings.dry_run)
        await self._bus.kv(KV_STATE).put(_FIGURES, self.figures.model_dump_json().encode())
        tell(report, self._settings.dry_run)
        log.info(
            "looked through storage",
            kept=sum(one.objects for one in report.kept.values()),
            gone={str(why): one.objects for why, one in report.gone.items()},
            bytes=sum(one.bytes for one in report.gone.values()),
            dry_run=self._settings.dry_run,
        )
        await self._turn.give_up()
        return True

    async def _owners(self) -> dict[str, str]:
        """Whose each source is, by its id: of what is made of several, the first one's; else who asked first."""
        owners = await self._departed.owners()
        for source, _ in self._index:
            leaves = await self._composites.leaves(source) or ()
            found = next((owners[leaf.id] for leaf in leaves if leaf.id in owners), "")
            asked = sorted(self._jobs.requesters_of(source))
            if source.id not in owners and (found or asked):
                owners[source.id] = found or asked[0]
        return owners

    async def _gone(self) -> set[str]:
        """The ids of the photos and videos that are gone for good, and of what is made of any of them."""
        made_of = {source: await self._composites.leaves(source) or () for source, _ in self._index}
        kept = {leaf for leaves in made_of.values() for leaf in leaves}
        gone = await self._departed.look(kept, await self._store.clock(), timedelta(days=self._settings.deleted_days))
        return {one.id for one in [*gone, *(source for source, leaves in made_of.items() if gone.intersection(leaves))]}

    async def _where_it_was(self) -> tuple[str, str]:
        try:
            kept = json.loads((await self._bus.kv(KV_STATE).get(_POSITION)).value or b"{}")
            root, after = str(kept["root"]), str(kept["after"])
        except (ValueError, LookupError, TypeError):
            return places_in_storage()[0], ""
        return (root, after) if root in places_in_storage() else (places_in_storage()[0], "")

    async def _remember(self, root: str, after: str) -> None:
        value = json.dumps({"root": root, "after": after}).encode()
        await self._bus.kv(KV_STATE).put(_POSITION, value)


def turn_of(bus: Bus, patience_s: float = 120) -> Turn:
    """The right to look through storage, which one process has at a time."""
    return Turn(bus, "retention", patience_s)


async def busy_sources(bus: Bus, jobs: JobIndex, composites: Composites) -> set[str]:
    """The ids of the sources that have a job queued or running, as these jobs know it and as the queue says.

    The photos of a set that is worked on are among them. Raises Unavailable.
    """
    queued = {_source_in(subject) for subject in await bus.subjects(JOBS)}
    sources = {record.source for record in jobs if record.source is not None and not record.state.terminal}
    leaves = [leaf for source in sources for leaf in await composites.leaves(source) or ()]
    return queued | {one.id for one in [*sources, *leaves]}


def places_in_storage() -> list[str]:
    """The first words of the keys of all that is kept or removed, in the order in which they are looked through."""
    return [*(kind.root for kind in ASSETS.values()), SOURCES, PARTS]


def _source_in(subject: str) -> str:
    """The id of a job's source, from where it is queued: jobs.<service>.<pool>.<class>.<kind>.<kind>-<id>-<hash>."""
    *_, kind, job_id = subject.split(".")
    return job_id.removeprefix(f"{kind}-").rpartition("-")[0]
