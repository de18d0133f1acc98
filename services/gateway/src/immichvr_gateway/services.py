"""What works with what NATS told: jobs, requests, live sessions, and what is kept in storage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from immichvr_catalog import is_of_model
from immichvr_common.bus import Bus, ensure_streams
from immichvr_common.bus.streams import KV_STATE

from immichvr_gateway.assets.results import Results
from immichvr_gateway.assets.store import AssetStore, Listener
from immichvr_gateway.automation.assembly import Automation, open_automation
from immichvr_gateway.batches.assembly import open_batches
from immichvr_gateway.batches.orders import BatchOrders
from immichvr_gateway.batches.runner import BatchRunner
from immichvr_gateway.events.notifying import Notifier
from immichvr_gateway.hooks.assembly import Hooks, open_hooks
from immichvr_gateway.jobs.claims import Claims
from immichvr_gateway.jobs.followups import FollowUps
from immichvr_gateway.jobs.keeping import RecordKeeper
from immichvr_gateway.jobs.projection import EventReader
from immichvr_gateway.jobs.records import JobRecord
from immichvr_gateway.jobs.restoring import restore_requesters
from immichvr_gateway.jobs.service import JobService
from immichvr_gateway.jobs.store import JobStore
from immichvr_gateway.listening import tell_each
from immichvr_gateway.live.drawing import Drawing
from immichvr_gateway.live.sessions import LiveSessions
from immichvr_gateway.loading import AssetKeeper
from immichvr_gateway.models.catalog import ModelCatalog
from immichvr_gateway.models.orders import ModelOrders
from immichvr_gateway.projections import Projections, recall_progress
from immichvr_gateway.requests.asking import JobRequests
from immichvr_gateway.requests.renewing import Renewal
from immichvr_gateway.requests.staging import Stager
from immichvr_gateway.resources import Resources
from immichvr_gateway.retention.assembly import Retention, open_retention
from immichvr_gateway.standing_in import StandingIn
from immichvr_gateway.upkeep.aside import Aside
from immichvr_gateway.upkeep.room import Room
from immichvr_gateway.upkeep.tasks import stored_position
from immichvr_gateway.upkeep.version import agree_on_version


@dataclass(frozen=True)
class Services:
    """The gateway's inside. has_assets: whether anything was known of assets. automation: only with Immich."""

    bus: Bus
    reader: EventReader
    jobs: JobService
    assets: AssetStore
    requests: JobRequests
    renewal: Renewal
    follow_ups: FollowUps
    model_actions: ModelOrders
    live: LiveSessions
    retention: Retention
    batches: BatchOrders
    batch_runner: BatchRunner
    models: ModelCatalog
    hooks: Hooks
    has_assets: bool
    automation: Automation | None

    @property
    def all_written(self) -> bool:
        """Whether every record of a job that should lie in KV does."""
        return self.jobs.store.all_written


@dataclass(frozen=True)
class _Told:
    """What is kept up to date by what the bus tells."""

    reader: EventReader
    store: JobStore
    assets: AssetStore


@dataclass(frozen=True)
class _Work:
    """What people ask for, and what it becomes."""

    jobs: JobService
    requests: JobRequests
    renewal: Renewal
    follow_ups: FollowUps
    live: LiveSessions


async def open_services(bus: Bus, here: Resources, room: Room) -> Services:
    """Brings back from NATS what was known, and opens what works with it. Raises Unavailable; may be called again."""
    await _begin_on(bus, here)
    apart = Aside(bus)
    records, keeper = RecordKeeper(bus, apart), AssetKeeper(bus, apart)
    has_assets = await _recall(bus, here, records, keeper)
    notifier = Notifier(here.news, here.jobs)
    gone: list[Listener] = [notifier.on_asset_gone]
    retention = await open_retention(
        bus, here.store, here.jobs, here.assets, here.manifests, keeper, here.library, here.composites,
        lambda: here.presences.people, here.standing_keys.of, partial(tell_each, gone), here.settings.retention,
    )  # fmt: skip
    told = await _open_told(bus, here, records, keeper, notifier, apart)
    work = _open_work(here, room, retention, told.store)
    batches = await open_batches(bus, here, room, retention, work.jobs, work.requests)
    hooks = open_hooks(bus, here)
    told.assets.newcomers.append(hooks.publisher.on_new_asset)
    told.store.listeners += [
        here.news.job_changed, hooks.publisher.on_job, work.follow_ups.on_change, work.live.on_change,
        work.renewal.on_change, room.on_change, batches.runner.on_change, partial(_on_model_job, here),
        here.demand.on_change,
    ]  # fmt: skip
    await told.store.others.follow()
    await restore_requesters(bus, told.store)
    await recall_progress(bus, told.reader, told.store)
    here.demand.begin(here.jobs)
    automation = open_automation(
        bus, here.library, here.standing_keys, work.requests, here.assets, here.manifests, here.store,
        here.jobs.requesters_of, lambda: here.presences.people, here.supervisor, here.settings,
    )  # fmt: skip
    if automation is not None:
        told.assets.listeners.append(automation.pointing.on_asset)
        told.assets.newcomers.append(automation.moving.on_asset)
        gone.append(automation.pointing.on_asset)
    return Services(
        bus=bus, reader=told.reader, jobs=work.jobs, assets=told.assets, requests=work.requests, renewal=work.renewal,
        follow_ups=work.follow_ups, model_actions=ModelOrders(work.jobs, here.models, here.cache), live=work.live,
        retention=retention, batches=batches.orders, batch_runner=batches.runner, models=here.models, hooks=hooks,
        has_assets=has_assets, automation=automation,
    )  # fmt: skip


async def _begin_on(bus: Bus, here: Resources) -> None:
    """Sees to it that streams and buckets are there and of this release, for those too that keep something there."""
    await ensure_streams(bus, here.settings.lease_s)
    await agree_on_version(bus)
    await here.sessions.use(bus)
    here.standing_keys.use(bus)
    for slips in here.slips:
        slips.use(bus)


async def _recall(bus: Bus, here: Resources, records: RecordKeeper, keeper: AssetKeeper) -> bool:
    """Brings back jobs, assets and models; whether there were any assets."""
    for record in await records.load():
        here.jobs.put(record)
    has_assets = await keeper.load(here.assets)
    await here.models.load(bus.kv(KV_STATE))
    return has_assets


async def _open_told(
    bus: Bus, here: Resources, records: RecordKeeper, keeper: AssetKeeper, notifier: Notifier, apart: Aside
) -> _Told:
    results = Results(here.store, here.manifests)
    reader = EventReader(bus, await stored_position(bus), apart, results.look_ahead, here.assets.forget_places)
    here.ledger.begin(reader)
    store = JobStore(bus, here.jobs, here.settings, records, reader)
    assets = AssetStore(here.assets, keeper, [notifier.on_asset])

    def heard_at(worker: str, at: datetime) -> None:
        if reader.stored_at is not None:
            here.clocks.heard(worker, at, reader.stored_at)

    claims = Claims(bus, here.jobs, here.assets, results, apart)
    reader.feed(Projections(bus, claims, store, assets, here.models, heard_at))
    return _Told(reader, store, assets)


def _open_work(here: Resources, room: Room, retention: Retention, store: JobStore) -> _Work:
    settings, bucket = here.settings, here.store.bucket
    stager = Stager(
        here.library, here.store, settings.limits, settings.retention,
        lambda who, photo: here.supervisor.errand("whose photo", retention.departed.note(who, photo)),
    )  # fmt: skip
    look, limits = retention.book.look, settings.limits
    jobs = JobService(store, stager, look, bucket, limits.queued_per_user, room.require, limits.place)
    keeps_ply, has_stand_ins = settings.retention.ply_days > 0, here.library.kind == "immich"
    requests = JobRequests(
        jobs, here.assets, here.manifests, here.models, here.composites, bucket, keeps_ply, settings.cloud.address,
        has_stand_ins=has_stand_ins,
    )  # fmt: skip
    renewal = Renewal(jobs, stager, here.store, here.assets, here.manifests, here.composites)
    if has_stand_ins:
        store.debts.stand_in = StandingIn(store, renewal, here.library, here.presences, here.supervisor).begin
    drawing = Drawing(here.visibility, here.assets, here.manifests, bucket)
    live = LiveSessions(jobs, here.models, here.cache, drawing, settings.live)
    return _Work(jobs, requests, renewal, FollowUps(store, requests, here.supervisor), live)


def _on_model_job(here: Resources, record: JobRecord) -> None:
    if is_of_model(record.kind) and record.state.terminal:
        here.supervisor.errand("model", here.models.on_job(record))
