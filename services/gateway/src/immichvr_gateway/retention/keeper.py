"""Looks through storage again and again, beside everything else and never in its way."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime, timedelta

import nats.errors
from immichvr_common.bus import Bus
from immichvr_common.bus.connection import OUTAGES
from immichvr_common.bus.streams import JOBS, KV_STATE
from immichvr_common.errors import ServiceError, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.manifests import ROOTS
from immichvr_common.storage import ObjectStore
from nats.js.errors import KeyNotFoundError

from immichvr_gateway.assets import AssetIndex, ManifestReader
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.retention.collector import SOURCES, Collector, Report
from immichvr_gateway.retention.decisions import Rules
from immichvr_gateway.retention.departed import Departed
from immichvr_gateway.retention.figures import StorageView, tell, view_of
from immichvr_gateway.retention.forgetting import AssetBook
from immichvr_gateway.retention.lease import Turn
from immichvr_gateway.settings import RetentionSettings

log = get_log(__name__)

_PREFIXES = (*ROOTS.values(), SOURCES)
_POSITION = "retention.position"
_FIRST_S = 300.0
"""A gateway that has just come up has better things to do."""
_TROUBLE_S = 30.0


class Keeper:
    """Holds the index of assets against storage, and removes what need not be kept."""

    def __init__(
        self, bus: Bus, store: ObjectStore, jobs: JobIndex, index: AssetIndex, manifests: ManifestReader,
        book: AssetBook, departed: Departed, settings: RetentionSettings,
    ) -> None:  # fmt: skip
        self._bus, self._store, self._jobs, self._index, self._book = bus, store, jobs, index, book
        self._departed, self._settings = departed, settings
        self._turn = Turn(bus)
        self.collector = Collector(store, index, manifests, book, self._busy, Rules.of(settings), settings.dry_run)
        self._report, self._looked_at = Report(), None

    _looked_at: datetime | None

    @property
    def view(self) -> StorageView:
        """What the last look found."""
        return view_of(self._report, self._looked_at, self._settings.dry_run)

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
            except (ServiceError, *OUTAGES, nats.errors.Error) as error:
                log.info("looking through storage waits", error=str(error) or type(error).__name__)
                pause_s = _TROUBLE_S

    async def compare(self) -> int:
        """Has assets forgotten that are not in storage; how many. Raises Unavailable."""
        lost = 0
        for root in ROOTS.values():
            known = [entry for _, entries in self._index for entry in entries]
            listed = {one.key async for page in self._store.walk(f"{root}/") for one in page}
            for entry in known:
                if entry.manifest_key.startswith(f"{root}/") and entry.manifest_key not in listed:
                    lost += not await self._book.look(entry)
        if lost:
            log.warning("assets are lost: storage does not have them any more", assets=lost)
        return lost

    async def look(self) -> bool:
        """Goes through all of storage; goes on where the last one was interrupted. False where it is another's turn."""
        if not await self._turn.take():
            return False
        report = Report()
        self.collector.gone_photos = await self._departed.look(
            {photo_id for photo_id, _ in self._index}, await self._store.clock(),
            timedelta(days=self._settings.deleted_days),
        )  # fmt: skip
        root, after = await self._where_it_was()
        for place in _PREFIXES[_PREFIXES.index(root) :]:
            start = time.monotonic()
            async for position in self.collector.walk(report, place, after if place == root else ""):
                await self._remember(place, position)
                if not await self._turn.take():
                    return False
                # As much rest as work.
                await asyncio.sleep(time.monotonic() - start)
                start = time.monotonic()
        await self._remember(_PREFIXES[0], "")
        self._report, self._looked_at = report, await self._store.clock()
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

    async def _busy(self) -> set[str]:
        """The photos that have a job queued or running, as this gateway knows it and as the queue itself says."""
        try:
            info = await self._bus.js.stream_info(JOBS, subjects_filter="jobs.>")
        except OUTAGES as error:
            raise Unavailable("NATS does not say what is under way", down="nats") from error
        queued = {_photo_in(subject) for subject in info.state.subjects or {}}
        return queued | {record.photo_id for record in self._jobs if not record.state.terminal}

    async def _where_it_was(self) -> tuple[str, str]:
        try:
            kept = json.loads((await (await self._bus.js.key_value(KV_STATE)).get(_POSITION)).value or b"{}")
            root, after = str(kept["root"]), str(kept["after"])
        except (KeyNotFoundError, ValueError, LookupError, TypeError):
            return _PREFIXES[0], ""
        return (root, after) if root in _PREFIXES else (_PREFIXES[0], "")

    async def _remember(self, root: str, after: str) -> None:
        value = json.dumps({"root": root, "after": after}).encode()
        await (await self._bus.js.key_value(KV_STATE)).put(_POSITION, value)


def _photo_in(subject: str) -> str:
    """The photo of a job, from where it is queued: jobs.<service>.<pool>.<class>.<kind>.<kind>-<photo>-<hash>."""
    *_, kind, job_id = subject.split(".")
    return job_id.removeprefix(f"{kind}-").rpartition("-")[0]
