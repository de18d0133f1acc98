"""The gateway's inside: what its doors share, and how it comes up, follows events and goes down."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from functools import partial

import nats.errors
from immichvr.events.v1.events_pb2 import AssetEvent, JobEvent, ModelEvent
from immichvr_common.bus import Bus, ensure_streams, read_bucket
from immichvr_common.bus.connection import OUTAGES
from immichvr_common.bus.streams import KV_ASSETS, KV_STATE
from immichvr_common.bus.subjects import Told
from immichvr_common.errors import ServiceError, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.scratch import keep_clean
from immichvr_common.service import connect_patiently
from immichvr_common.storage import ObjectStore
from immichvr_common.supervision import Supervisor
from immichvr_models import Cache
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue
from pydantic import ValidationError

from immichvr_gateway.aside import Aside
from immichvr_gateway.assets import AssetEntry, AssetIndex, ManifestReader, entries_in_storage, entry_of
from immichvr_gateway.jobs.claims import Claims
from immichvr_gateway.jobs.dead_letters import watch_advisories
from immichvr_gateway.jobs.desk import Desk
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.keeping import RecordKeeper
from immichvr_gateway.jobs.projection import EventReader, last_events
from immichvr_gateway.jobs.records import JobError, JobProgress, JobRecord, State, moment
from immichvr_gateway.library import Library
from immichvr_gateway.live_sessions import LiveSessions
from immichvr_gateway.models.orders import ModelOrders
from immichvr_gateway.models.shelf import Shelf
from immichvr_gateway.orders import Orders
from immichvr_gateway.problems import Problem
from immichvr_gateway.results import Results
from immichvr_gateway.retention.forgetting import AssetBook
from immichvr_gateway.retention.keeper import Keeper
from immichvr_gateway.sessions import Sessions
from immichvr_gateway.settings import GatewaySettings
from immichvr_gateway.sockets import News
from immichvr_gateway.staging import Stager
from immichvr_gateway.views import asset_view

log = get_log(__name__)

_POSITION = "projection.events"
_RECONCILE_S = 15.0
_SAVE_POSITION_S = 2.0


class Core:
    """Everything behind the doors. Usable at once; what needs NATS or S3 says so until they are there."""

    def __init__(self, settings: GatewaySettings, library: Library) -> None:
        self.settings, self.library = settings, library
        self.store = ObjectStore(settings.s3)
        self.jobs, self.assets = JobIndex(), AssetIndex()
        self.manifests = ManifestReader(self.store)
        self.sessions = Sessions(settings, library)
        self.models = Cache.from_env()
        self.shelf = Shelf(self.models, self._model_changed)
        self.news: News | None = None
        self._bus: Bus | None = None
        self._waits_for = "nats"
        self._results = Results(self.store, self.manifests)
        self._claims: Claims | None = None
        self._desk: Desk | None = None
        self._orders: Orders | None = None
        self._model_orders: ModelOrders | None = None
        self._live: LiveSessions | None = None
        self._book: AssetBook | None = None
        self._keeper: Keeper | None = None
        self._reader: EventReader | None = None
        self._assets_kv: KeyValue | None = None
        self._supervisor = Supervisor()
        self._lightening: set[str] = set()
        self._is_up = False

    @property
    def desk(self) -> Desk:
        """Where jobs are asked for. Raises Unavailable while NATS or S3 has not answered yet."""
        if self._desk is None:
            raise self._not_up_yet()
        return self._desk

    @property
    def orders(self) -> Orders:
        """Turns requests into jobs. Raises Unavailable as `desk` does."""
        if self._orders is None:
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
    def book(self) -> AssetBook:
        """What is known of assets, here and in KV. Raises Unavailable as `desk` does."""
        if self._book is None:
            raise self._not_up_yet()
        return self._book

    @property
    def keeper(self) -> Keeper:
        """Looks through storage. Raises Unavailable as `desk` does."""
        if self._keeper is None:
            raise self._not_up_yet()
        return self._keeper

    def _not_up_yet(self) -> Unavailable:
        name = {"nats": "NATS", "s3": "S3"}[self._waits_for]
        return Unavailable(f"the gateway is starting: {name} has not answered yet", down=self._waits_for)

    def start(self) -> None:
        """Begins to come up, in the background."""
        self._supervisor.keep("start", self._come_up)

    async def stop(self) -> None:
        """Goes down, remembering how far events were read."""
        await self._supervisor.stop()
        if self._bus is not None and self._bus.connected and self._reader is not None and self._all_written:
            with contextlib.suppress(*OUTAGES, nats.errors.Error):
                await asyncio.wait_for(self._save_position(self._bus, self._reader), 1)
        if self._live is not None:
            await self._live.close()
        if self.news is not None:
            await self.news.close()
        if self._bus is not None:
            await self._bus.close()
        await self.library.close()
        self.store.close()

    async def readiness(self) -> dict[str, bool]:
        """Whether each thing the gateway depends on answers."""
        s3 = True
        try:
            await asyncio.wait_for(self.store.ping(), 5)
        except (ServiceError, TimeoutError):
            s3 = False
        return {
            "nats": self._bus is not None and self._bus.connected,
            "s3": s3,
            "started": self._is_up,
            "tasks": not self._supervisor.down,
        }

    async def _come_up(self) -> None:
        settings = self.settings
        bus = self._bus = self._bus or await connect_patiently(settings.nats, "gateway")
        records = RecordKeeper(bus)
        while True:
            try:
                self._waits_for = "nats"
                await ensure_streams(bus.js, settings.lease_s)
                self._waits_for = "s3"
                await self.store.ensure_bucket()
                position = await self._load(bus, records)
                break
            except (ServiceError, *OUTAGES, nats.errors.Error) as error:
                log.warning("waiting for NATS and S3", error=str(error) or type(error).__name__)
                await asyncio.sleep(0.5)
        self.sessions.use(bus)
        self._desk = Desk(bus, self.jobs, self._job_changed, self._job_ended, settings, records)
        kept = settings.retention
        self._book = AssetBook(bus, self.store, self.assets, self.manifests, self._asset_gone)
        self._keeper = Keeper(bus, self.store, self.jobs, self.assets, self.manifests, self._book, kept)
        most, lasts_s = int(settings.limits.source_megabytes * 1e6), kept.source_hours * 3600 / 2
        stager = Stager(self.library, self.store, most, lasts_s)
        self._orders = Orders(
            self._desk, self.assets, self.manifests, stager, self.store, self.shelf, self._book, kept.ply_days > 0
        )
        self._model_orders = ModelOrders(self._desk, self.shelf, self.models, self.store.bucket)
        self._live = LiveSessions(self._desk, self.shelf, self.models, self.store.bucket, settings.live)
        aside = Aside(bus)
        self._claims = Claims(bus, self.jobs, self.assets, self._results, aside)
        reader = self._reader = EventReader(bus, position, aside, self._on_job, self._on_asset, self._on_model)
        await self._catch_up(bus, reader)
        self._supervisor.keep("events", reader.run)
        self._supervisor.keep("reconciling", self._keep_reconciled)
        await self._book.follow()
        self._supervisor.keep("retention", self._keeper.run)
        self._supervisor.keep("temporary files", keep_clean)
        self._supervisor.keep("advisories", partial(watch_advisories, bus))
        self._supervisor.keep("position", partial(self._keep_position, bus, reader))
        for problem in await self._library_problems():
            log.warning("the library has a problem", problem=problem)
        self._is_up = True
        log.info("ready", jobs=len(self.jobs), library=self.library.kind)

    async def _load(self, bus: Bus, records: RecordKeeper) -> int:
        """Brings the projections back from KV, or from the manifests where KV has none; where events go on."""
        for record in await records.load():
            self.jobs.put(record)
        self._assets_kv = await bus.js.key_value(KV_ASSETS)
        known = await read_bucket(bus, KV_ASSETS)
        for kept in known.values():
            with contextlib.suppress(ValidationError):
                self.assets.put(AssetEntry.model_validate_json(kept.value or b""))
        if not known:
            for entry in await entries_in_storage(self.store):
                self.assets.put(entry)
                await self._assets_kv.put(entry.kv_key, entry.model_dump_json().encode())
        state = await bus.js.key_value(KV_STATE)
        await self.shelf.load(state)
        try:
            entry = await state.get(_POSITION)
        except KeyNotFoundError:
            return 0
        return int(entry.value or b"0")

    async def _catch_up(self, bus: Bus, reader: EventReader) -> None:
        """Asks what became of the jobs that had not ended: what they told lately may lie before the position."""
        for record in [one for one in self.jobs if not one.state.terminal]:
            with contextlib.suppress(Unavailable, *OUTAGES):
                for subject, data in await last_events(bus, record.subject, record.id):
                    await reader.take(subject, data)

    async def _keep_position(self, bus: Bus, reader: EventReader) -> None:
        saved = -1
        while True:
            await asyncio.sleep(_SAVE_POSITION_S)
            # What is not written down yet must be read again after a crash.
            if reader.position != saved and self._all_written:
                with contextlib.suppress(*OUTAGES, nats.errors.Error):
                    saved = await self._save_position(bus, reader)

    async def _save_position(self, bus: Bus, reader: EventReader) -> int:
        position = reader.position
        await (await bus.js.key_value(KV_STATE)).put(_POSITION, str(position).encode())
        return position

    async def _keep_reconciled(self) -> None:
        while True:
            try:
                await self.desk.reconcile()
                await self.shelf.write_missing()
                await self.live.tidy()
            except (Unavailable, *OUTAGES, nats.errors.Error) as error:
                log.debug("reconciling waits", error=str(error))
            await asyncio.sleep(_RECONCILE_S)

    async def _library_problems(self) -> list[str]:
        try:
            return await self.library.check()
        except ServiceError as error:
            return [error.message]

    @property
    def _all_written(self) -> bool:
        return self.desk.all_written and self.shelf.all_written

    def _job_changed(self, record: JobRecord) -> None:
        if self.news is not None:
            self.news.job_changed(record)
        if record.kind.startswith("model-") and record.state.terminal:
            self._supervisor.errand("model", self.shelf.on_job(record))

    def _model_changed(self, key: str, is_progress: bool) -> None:
        if self.news is not None:
            self.news.model_changed(self.shelf.news(key), is_progress)

    def _job_ended(self, record: JobRecord) -> None:
        if not record.state.terminal:
            if record.id not in self._lightening:
                self._lightening.add(record.id)
                self._supervisor.errand("light variant", self._lighten(record))
            return
        for waiting in self.jobs.awaiting(record.id):
            self._supervisor.errand("end", self._end_with(waiting, record))

    async def _lighten(self, record: JobRecord) -> None:
        """Has the light variant made that a job shall end with, however long S3 or NATS is away."""
        try:
            while not record.state.terminal and self.jobs.get(record.id) is record:
                try:
                    lighter = await self.orders.lighten(record)
                except (Unavailable, *OUTAGES) as error:
                    log.warning("a light variant waits", job_id=record.id, error=str(error))
                    await asyncio.sleep(1)
                    continue
                except (ServiceError, Problem, ValueError) as error:
                    record.state = State.FAILED
                    record.error = JobError(code=getattr(error, "code", "internal"), message=str(error), retriable=True)
                else:
                    if record.state.terminal:
                        return
                    if lighter is not None and not lighter.state.terminal:
                        record.awaits = lighter.id
                    else:
                        _end_like(record, lighter)
                await self.desk.settle(record)
                return
        finally:
            self._lightening.discard(record.id)

    async def _end_with(self, waiting: JobRecord, ended: JobRecord) -> None:
        if waiting.state.terminal:
            return
        waiting.awaits = ""
        _end_like(waiting, ended)
        await self.desk.settle(waiting)

    async def _on_job(self, told: Told, event: JobEvent) -> None:
        believed = await self.claims.job(told, event)
        if believed is not None:
            await self.desk.on_event(believed)
            self.live.on_event(believed)

    async def _on_model(self, told: Told, event: ModelEvent) -> None:
        await self.shelf.on_event(self.claims.model(told, event))

    async def _on_asset(self, told: Told, event: AssetEvent) -> None:
        manifest = await self.claims.asset(told, event)
        at = min(moment(event.at).astimezone(UTC), datetime.now(UTC))
        entry = entry_of(manifest).model_copy(update={"made_at": at})
        if not self.assets.put(entry):
            return
        if self._assets_kv is not None:
            await self._assets_kv.put(entry.kv_key, entry.model_dump_json().encode())
        if self.news is not None:
            self._supervisor.errand("news of an asset", self._tell_of_asset(entry))

    def _asset_gone(self, entry: AssetEntry) -> None:
        if self.news is not None:
            self.news.asset_deleted(entry.photo_id, entry.asset_key, self.jobs.requesters_of_photo(entry.photo_id))

    async def _tell_of_asset(self, entry: AssetEntry) -> None:
        with contextlib.suppress(ServiceError):
            manifest = await self.manifests.read(entry.manifest_key)
            if self.news is not None:
                view = asset_view(manifest, outdated=False).model_dump(mode="json")
                self.news.asset_created(view, entry.photo_id, self.jobs.requesters_of_photo(entry.photo_id))


def _end_like(record: JobRecord, light: JobRecord | None) -> None:
    """Ends a job as the one that made its light variant did; None: the variant was there already."""
    record.state, record.error = (State.SUCCEEDED, None) if light is None else (light.state, light.error)
    if record.state is State.SUCCEEDED:
        record.progress = JobProgress(fraction=1, stage="stored")
