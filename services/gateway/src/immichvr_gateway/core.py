"""The gateway's inside: what its doors share, and how it comes up, follows events and goes down."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import nats.errors
from immichvr.events.v1.events_pb2 import AssetEvent, JobEvent, ModelEvent
from immichvr_common.bus import Bus, ensure_streams
from immichvr_common.bus.connection import OUTAGES
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.bus.subjects import Told
from immichvr_common.errors import CorruptObject, ServiceError, StorageFull, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.scratch import keep_clean
from immichvr_common.service import connect_patiently
from immichvr_common.storage import ObjectStore
from immichvr_common.supervision import Supervisor
from immichvr_models import Cache

from immichvr_gateway import aside
from immichvr_gateway.aside import Aside
from immichvr_gateway.assets import AssetEntry, AssetIndex, ManifestReader, entry_of
from immichvr_gateway.jobs.claims import Claims
from immichvr_gateway.jobs.dead_letters import watch_advisories
from immichvr_gateway.jobs.desk import Desk
from immichvr_gateway.jobs.going_on import go_on_with_what_had_no_room
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.keeping import RecordKeeper
from immichvr_gateway.jobs.looking import last_words
from immichvr_gateway.jobs.projection import EventReader
from immichvr_gateway.jobs.records import JobRecord, State, moment
from immichvr_gateway.jobs.restoring import restore_requesters
from immichvr_gateway.library import Library
from immichvr_gateway.lightening import Lightening
from immichvr_gateway.live_sessions import LiveSessions
from immichvr_gateway.loading import AssetKeeper, hold_against_storage
from immichvr_gateway.models.orders import ModelOrders
from immichvr_gateway.models.shelf import Shelf
from immichvr_gateway.orders import Orders
from immichvr_gateway.presences import Presences
from immichvr_gateway.readiness import Readiness
from immichvr_gateway.results import Results
from immichvr_gateway.retention.assembly import Retention, open_retention
from immichvr_gateway.room import Room
from immichvr_gateway.sessions import Sessions
from immichvr_gateway.settings import GatewaySettings
from immichvr_gateway.skew import Clocks
from immichvr_gateway.sockets import News
from immichvr_gateway.staging import Stager
from immichvr_gateway.standing_in import StandingIn
from immichvr_gateway.upkeep import keep_position, repeat, save_position, stored_position
from immichvr_gateway.views import asset_view

log = get_log(__name__)
T = TypeVar("T")

_RECONCILE_S = 15.0
_LIBRARY_S, _LIBRARY_AGAIN_S = 3600.0, 30.0
_PAY_DEBTS_S = 1.0
_COMPARE_CLOCKS_S = 60.0
_CATCH_UP_S = 30.0
_TELL_PATIENCE_S = 60


class Core:
    """Everything behind the doors. Usable at once; what is not known yet, or needs what is not there yet, says so."""

    def __init__(self, settings: GatewaySettings, library: Library) -> None:
        self.settings, self.library = settings, library
        self.store = ObjectStore(settings.s3)
        self._jobs, self._assets = JobIndex(), AssetIndex()
        self.manifests = ManifestReader(self.store)
        self.sessions = Sessions(settings, library)
        self.presences = Presences(self.sessions)
        self.room = Room(settings.room.directory, settings.room.keep_free, self.store, self._is_busy, self._go_on)
        self.clocks = Clocks(self.store)
        self.models = Cache.from_env()
        self._shelf = Shelf(self.models, self._model_changed)
        self.news: News | None = None
        self._bus: Bus | None = None
        self._waits_for = "nats"
        self._results = Results(self.store, self.manifests)
        self._claims: Claims | None = None
        self._desk: Desk | None = None
        self._orders: Orders | None = None
        self._model_orders: ModelOrders | None = None
        self._live: LiveSessions | None = None
        self._lightening: Lightening | None = None
        self._retention: Retention | None = None
        self._reader: EventReader | None = None
        self._asset_keeper: AssetKeeper | None = None
        self.library_problems: list[str] = []
        self._supervisor = Supervisor()
        self._jobs_are_known = self._assets_are_known = self._storage_is_open = self._is_up = False

    @property
    def jobs(self) -> JobIndex:
        """Every job. Raises Unavailable while the records have not been read yet."""
        if not self._jobs_are_known:
            raise self._not_up_yet()
        return self._jobs

    @property
    def assets(self) -> AssetIndex:
        """Every asset. Raises Unavailable while neither records nor storage have told of any yet."""
        if not self._assets_are_known:
            raise self._not_up_yet()
        return self._assets

    @property
    def shelf(self) -> Shelf:
        """Every model. Raises Unavailable while what is known of them has not been read yet."""
        if not self._jobs_are_known:
            raise self._not_up_yet()
        return self._shelf

    @property
    def desk(self) -> Desk:
        """Where jobs are asked for. Raises Unavailable while NATS has not answered yet."""
        if self._desk is None:
            raise self._not_up_yet()
        return self._desk

    @property
    def orders(self) -> Orders:
        """Turns requests into jobs. Raises Unavailable while NATS or S3 has not answered yet."""
        if self._orders is None or not self._storage_is_open:
            raise self._not_up_yet()
        return self._orders

    @property
    def model_orders(self) -> ModelOrders:
        """Turns wishes about models into jobs. Raises Unavailable as `desk` does."""
        if self._model_orders is None:
            raise self._not_up_yet()
        return self._model_orders

    @property
    def live(self) -> LiveSessions:
        """Live sessions and their jobs. Raises Unavailable as `desk` does."""
        if self._live is None:
            raise self._not_up_yet()
        return self._live

    @property
    def claims(self) -> Claims:
        """What is believed of what services tell. Raises Unavailable as `desk` does."""
        if self._claims is None:
            raise self._not_up_yet()
        return self._claims

    @property
    def retention(self) -> Retention:
        """What is kept in storage, and what is known of it. Raises Unavailable as `desk` does."""
        if self._retention is None:
            raise self._not_up_yet()
        return self._retention

    def _not_up_yet(self) -> Unavailable:
        name = {"nats": "NATS", "s3": "S3"}[self._waits_for]
        return Unavailable(f"the gateway is starting: {name} has not answered yet", down=self._waits_for)

    def start(self) -> None:
        """Begins to come up, in the background."""
        self._supervisor.keep("start", self._come_up)
        self._supervisor.keep("presences", self.presences.watch)

    async def stop(self) -> None:
        """Goes down, remembering how far events were read."""
        await self._supervisor.stop()
        if self._bus is not None and self._bus.connected and self._reader is not None and self._is_all_written():
            with contextlib.suppress(*OUTAGES, nats.errors.Error):
                await asyncio.wait_for(save_position(self._bus, self._reader.place), 1)
        if self._live is not None:
            await self._live.close()
        if self.news is not None:
            await self.news.close()
        if self._bus is not None:
            await self._bus.close()
        await self.library.close()
        self.store.close()

    async def readiness(self) -> Readiness:
        """Whether each thing the gateway depends on answers and has room."""
        s3 = True
        try:
            await asyncio.wait_for(self.store.ping(), 5)
        except (ServiceError, TimeoutError):
            s3 = False
        return Readiness(
            nats=self._bus is not None and self._bus.connected,
            s3=s3,
            started=self._is_up,
            tasks=not self._supervisor.down,
            room=not self.room.is_short,
            set_aside=aside.count(),
            storage=self.room.troubles(),
        )

    async def _come_up(self) -> None:
        bus = self._bus = self._bus or await connect_patiently(self.settings.nats, "gateway")
        reader = self._reader if self._reader is not None else await self._patiently("nats", partial(self._learn, bus))
        self._supervisor.keep("events", reader.run)
        reconciling = partial(
            repeat, _RECONCILE_S,
            jobs=self.desk.reconcile, models=self._shelf.write_missing, live=self.live.tidy,
        )  # fmt: skip
        self._supervisor.keep("reconciling", reconciling)
        self._supervisor.keep("debts", partial(repeat, _PAY_DEBTS_S, jobs=self.desk.pay_all_debts))
        self._supervisor.keep("advisories", partial(watch_advisories, bus))
        self._supervisor.keep("position", partial(keep_position, bus, reader, self._is_all_written))
        self._supervisor.keep("sessions", self.sessions.keep_tidy)
        self._supervisor.keep("room", partial(self.room.watch, bus))
        self._supervisor.keep("clocks", partial(repeat, _COMPARE_CLOCKS_S, clocks=partial(self.clocks.look, bus)))
        await self._patiently("s3", self._hold_against_storage)
        self._supervisor.keep("retention", self.retention.keeper.run)
        self._supervisor.keep("temporary files", keep_clean)
        await self._patiently("nats", partial(self._until_caught_up, reader))
        self._supervisor.keep("library", self._look_at_library)
        self._is_up = True
        log.info("ready", jobs=len(self._jobs), library=self.library.kind)

    async def _patiently(self, waits_for: str, step: Callable[[], Awaitable[T]]) -> T:
        """Takes a step of coming up, waiting for what it needs as long as it takes."""
        self._waits_for = waits_for
        while True:
            try:
                return await step()
            except (ServiceError, *OUTAGES, nats.errors.Error) as error:
                self.room.heard(error)
                log.warning("waiting", needs=waits_for, error=str(error) or type(error).__name__)
                await asyncio.sleep(0.5)

    async def _learn(self, bus: Bus) -> EventReader:
        """Brings back from NATS what was known, and opens what works with it."""
        settings = self.settings
        await ensure_streams(bus.js, settings.lease_s)
        await self.sessions.use(bus)
        apart = Aside(bus)
        records, self._asset_keeper = RecordKeeper(bus, apart), AssetKeeper(bus, apart)
        for record in await records.load():
            self._jobs.put(record)
        has_assets = await self._asset_keeper.load(self._assets)
        await self._shelf.load(await bus.js.key_value(KV_STATE))
        self._claims = Claims(bus, self._jobs, self._assets, self._results, apart)
        reader = EventReader(
            bus, await stored_position(bus), apart, self._results.look_ahead, self._on_job, self._on_asset,
            self._on_model, self._assets.forget_places,
        )  # fmt: skip
        desk = Desk(bus, self._jobs, self._job_changed, self._job_ended, settings, records, reader)
        desk.require_room = self.room.require
        kept = settings.retention
        retention = self._retention = await open_retention(
            bus, self.store, self._jobs, self._assets, self.manifests, self._asset_keeper, self.library,
            lambda: self.presences.people, self._asset_gone, kept,
        )  # fmt: skip
        stager = Stager(
            self.library, self.store, settings.limits, kept,
            lambda who, photo_id: self._supervisor.errand("whose photo", retention.departed.note(who, photo_id)),
        )  # fmt: skip
        orders = Orders(
            desk, self._assets, self.manifests, stager, self.store, self._shelf, retention.book, kept.ply_days > 0
        )
        self._lightening = Lightening(desk, orders, self._supervisor)
        if self.library.kind == "immich":
            desk.stand_in = StandingIn(desk, orders, self.library, self.presences, self._supervisor).begin
        self._model_orders = ModelOrders(desk, self._shelf, self.models, self.store.bucket)
        self._live = LiveSessions(desk, self._shelf, self.models, self.store.bucket, settings.live)
        self._desk, self._orders = desk, orders
        await restore_requesters(bus, desk)
        await self._recall_progress(bus, reader)
        self._jobs_are_known, self._assets_are_known = True, has_assets
        self._reader = reader
        return reader

    async def _recall_progress(self, bus: Bus, reader: EventReader) -> None:
        """Takes in what was told last of the jobs that have not ended: progress is in no record.

        Only as far as events were read. What comes after is read in order: a job's end after its asset's event.
        """
        for record in [one for one in self._jobs if not one.state.terminal]:
            for word in await last_words(bus, record.subject, record.id):
                if word.seq <= reader.position:
                    with contextlib.suppress(Unavailable):  # an end that cannot be proven just now is looked for later
                        await reader.take(word.subject, word.data, word.seq)

    async def _hold_against_storage(self) -> None:
        await self.store.ensure_bucket()
        if self._asset_keeper is not None:
            await hold_against_storage(self.store, self._assets, self._asset_keeper)
        self._assets_are_known = self._storage_is_open = True

    async def _until_caught_up(self, reader: EventReader) -> None:
        """Waits until what happened while no gateway was there is known; not for ever where events pour in."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CATCH_UP_S):
                while not await reader.is_caught_up():  # noqa: ASYNC110  # the server tells nobody
                    await asyncio.sleep(0.02)

    async def _look_at_library(self) -> None:
        """Says in the log what is wrong with the library, once each, and when nothing is any more."""
        while True:
            try:
                problems = await self.library.check()
            except ServiceError as error:
                problems = [error.message]
            for problem in problems:
                if problem not in self.library_problems:
                    log.warning("the library has a problem", problem=problem)
            if self.library_problems and not problems:
                log.info("the library is well again")
            self.library_problems = problems
            await asyncio.sleep(_LIBRARY_AGAIN_S if problems else _LIBRARY_S)

    def _is_all_written(self) -> bool:
        return self.desk.all_written and self._shelf.all_written

    def _job_changed(self, record: JobRecord) -> None:
        if self.news is not None:
            self.news.job_changed(record)
        if record.kind.startswith("model-") and record.state.terminal:
            self._supervisor.errand("model", self._shelf.on_job(record))

    def _model_changed(self, key: str, is_progress: bool) -> None:
        if self.news is not None:
            self.news.model_changed(self._shelf.news(key), is_progress)

    def _is_busy(self) -> bool:
        return any(not record.state.terminal for record in self._jobs)

    async def _go_on(self) -> None:
        if self._desk is not None:
            await go_on_with_what_had_no_room(self._desk)

    def _job_ended(self, record: JobRecord) -> None:
        code = record.error.code if record.state is State.FAILED and record.error else ""
        if record.error and code == StorageFull.code:
            self.room.told(record.error)
        if code == CorruptObject.code and self._orders is not None:
            self._orders.distrust_inputs(record)
        if self._lightening is None:
            return
        if record.state.terminal:
            self._lightening.end_those_awaiting(record)
        else:
            self._lightening.begin(record)

    async def _on_job(self, told: Told, event: JobEvent) -> None:
        if self._reader is not None and self._reader.stored_at is not None and event.at.seconds:
            self.clocks.heard(event.worker[:100], event.at.ToDatetime(UTC), self._reader.stored_at)
        believed = await self.claims.job(told, event)
        if believed is not None:
            await self.desk.on_event(believed)
            self.live.on_event(believed)

    async def _on_model(self, told: Told, event: ModelEvent) -> None:
        await self._shelf.on_event(self.claims.model(told, event))

    async def _on_asset(self, told: Told, event: AssetEvent, seq: int) -> None:
        manifest = await self.claims.asset(told, event)
        at = min(moment(event.at).astimezone(UTC), datetime.now(UTC))
        entry = entry_of(manifest).model_copy(update={"made_at": at, "seq": seq})
        if not self._assets.put(entry):
            return
        if self._asset_keeper is not None:
            await self._asset_keeper.write(entry)
        if self.news is not None:
            self._supervisor.errand("news of an asset", self._tell_of_asset(entry, self.news))

    def _asset_gone(self, entry: AssetEntry) -> None:
        if self.news is not None:
            self.news.asset_deleted(entry.photo_id, entry.asset_key, self._jobs.requesters_of_photo(entry.photo_id))

    async def _tell_of_asset(self, entry: AssetEntry, news: News) -> None:
        for _ in range(_TELL_PATIENCE_S):
            try:
                manifest = await self.manifests.read(entry.manifest_key)
            except Unavailable:
                await asyncio.sleep(1)
                continue
            job = self._jobs.get(manifest.job_id)
            photo_name = job.job().source_name if job is not None else ""
            view = asset_view(manifest, outdated=False, photo_name=photo_name).model_dump(mode="json")
            news.asset_created(view, entry.photo_id, self._jobs.requesters_of_photo(entry.photo_id))
            return
