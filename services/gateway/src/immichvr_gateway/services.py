"""What works with what NATS told: jobs, requests, live sessions, and what is kept in storage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from immichvr_catalog import SPLAT, is_of_model
from immichvr_common.bus import Bus, ensure_streams
from immichvr_common.bus.streams import KV_STATE

from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.assets.results import Results
from immichvr_gateway.assets.store import AssetStore, Listener
from immichvr_gateway.automation.assembly import Automation, open_automation
from immichvr_gateway.batches.estimating import Estimator
from immichvr_gateway.batches.orders import BatchOrders
from immichvr_gateway.batches.runner import BatchRunner, Bounds
from immichvr_gateway.batches.store import BatchStore
from immichvr_gateway.events.notifying import Notifier
from immichvr_gateway.hooks.assembly import Hooks, open_hooks
from immichvr_gateway.jobs.claims import Claims
from immichvr_gateway.jobs.followups import FollowUps
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.keeping import RecordKeeper
from immichvr_gateway.jobs.projection import EventReader
from immichvr_gateway.jobs.records import JobRecord, State
from immichvr_gateway.jobs.restoring import restore_requesters
from immichvr_gateway.jobs.service import JobService
from immichvr_gateway.jobs.store import JobStore
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


async def open_services(bus: Bus, here: Resources, room: Room) -> Services:
    """Brings back from NATS what was known, and opens what works with it. Raises Unavailable; may be called again."""
    settings = here.settings
    await ensure_streams(bus, settings.lease_s)
    await agree_on_version(bus)
    await here.sessions.use(bus)
    here.standing_keys.use(bus)
    for slips in here.slips:
        slips.use(bus)
    apart = Aside(bus)
    records, keeper = RecordKeeper(bus, apart), AssetKeeper(bus, apart)
    for record in await records.load():
        here.jobs.put(record)
    has_assets = await keeper.load(here.assets)
    await here.models.load(bus.kv(KV_STATE))
    notifier = Notifier(here.news, here.jobs)
    gone: list[Listener] = [notifier.on_asset_gone]

    def on_gone(entry: AssetEntry) -> None:
        for listener in gone:
            listener(entry)

    retention = await open_retention(
        bus, here.store, here.jobs, here.assets, here.manifests, keeper, here.library,
        here.composites, lambda: here.presences.people, here.standing_keys.of, on_gone, settings.retention,
    )  # fmt: skip
    results = Results(here.store, here.manifests)
    reader = EventReader(bus, await stored_position(bus), apart, results.look_ahead, here.assets.forget_places)
    here.ledger.begin(reader)
    store = JobStore(bus, here.jobs, settings, records, reader)
    assets = AssetStore(here.assets, keeper, [notifier.on_asset])

    def heard_at(worker: str, at: datetime) -> None:
        if reader.stored_at is not None:
            here.clocks.heard(worker, at, reader.stored_at)

    claims = Claims(bus, here.jobs, here.assets, results, apart)
    reader.feed(Projections(bus, claims, store, assets, here.models, heard_at))
    stager = Stager(
        here.library, here.store, settings.limits, settings.retention,
        lambda who, photo: here.supervisor.errand("whose photo", retention.departed.note(who, photo)),
    )  # fmt: skip
    look, bucket = retention.book.look, here.store.bucket
    jobs = JobService(store, stager, look, bucket, settings.limits.queued_per_user, room.require, settings.limits.place)
    keeps_ply, has_stand_ins = settings.retention.ply_days > 0, here.library.kind == "immich"
    requests = JobRequests(
        jobs, here.assets, here.manifests, here.models, here.composites, bucket, keeps_ply, settings.cloud.address,
        has_stand_ins=has_stand_ins,
    )  # fmt: skip
    renewal = Renewal(jobs, stager, here.store, here.assets, here.manifests, here.composites)
    follow_ups = FollowUps(store, requests, here.supervisor)
    drawing = Drawing(here.visibility, here.assets, here.manifests, bucket)
    live = LiveSessions(jobs, here.models, here.cache, drawing, settings.live)

    batch_store = BatchStore(bus)
    await batch_store.load()
    await batch_store.follow()
    estimator = Estimator(
        here.library, here.assets, here.manifests, lambda: store.feeder.pace, lambda: _at_work(here.jobs)
    )

    async def keep_preview(record: JobRecord) -> None:
        for key in record.outputs:
            entry = here.assets.get(record.source, key) if record.source is not None else None
            if entry is not None and entry.kind == SPLAT:
                await retention.book.keep_preview(entry)

    await retention.keeper.read_figures()
    bounds = Bounds(lambda: room.is_short, retention.stored, settings.limits.quota)
    batch_runner = BatchRunner(
        bus, batch_store, requests, here.jobs, here.library, here.standing_keys, bounds, keep_preview, jobs.cancel
    )

    def on_model_job(record: JobRecord) -> None:
        if is_of_model(record.kind) and record.state.terminal:
            here.supervisor.errand("model", here.models.on_job(record))

    hooks = open_hooks(bus, here)
    assets.newcomers.append(hooks.publisher.on_new_asset)
    store.listeners += [
        here.news.job_changed, hooks.publisher.on_job, follow_ups.on_change, live.on_change, renewal.on_change,
        room.on_change, batch_runner.on_change, on_model_job, here.demand.on_change,
    ]  # fmt: skip
    if has_stand_ins:
        store.stand_in = StandingIn(store, renewal, here.library, here.presences, here.supervisor).begin
    await store.others.follow()
    await restore_requesters(bus, store)
    await recall_progress(bus, reader, store)
    here.demand.begin(here.jobs)
    actions = ModelOrders(jobs, here.models, here.cache)
    automation = open_automation(
        bus, here.library, here.standing_keys, requests, here.assets, here.manifests, here.store,
        here.jobs.requesters_of, lambda: here.presences.people, here.supervisor, settings,
    )  # fmt: skip
    if automation is not None:
        assets.listeners.append(automation.pointing.on_asset)
        assets.newcomers.append(automation.moving.on_asset)
        gone.append(automation.pointing.on_asset)
    return Services(
        bus,
        reader,
        jobs,
        assets,
        requests,
        renewal,
        follow_ups,
        actions,
        live,
        retention,
        BatchOrders(batch_store, estimator),
        batch_runner,
        here.models,
        hooks,
        has_assets,
        automation,
    )


def _at_work(jobs: JobIndex) -> int:
    """How many jobs are done at once just now, at least one."""
    return max(1, sum(record.state is State.RUNNING for record in jobs.under_way()))
