"""The parts of batches, put together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from immichvr_catalog import SPLAT
from immichvr_common.bus import Bus

from immichvr_gateway.assets.index import AssetIndex
from immichvr_gateway.batches.estimating import Estimator
from immichvr_gateway.batches.orders import BatchOrders
from immichvr_gateway.batches.runner import BatchRunner, Bounds
from immichvr_gateway.batches.store import BatchStore
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.records import JobRecord, State
from immichvr_gateway.jobs.service import JobService
from immichvr_gateway.requests.asking import JobRequests
from immichvr_gateway.resources import Resources
from immichvr_gateway.retention.assembly import Retention
from immichvr_gateway.upkeep.room import Room


@dataclass(frozen=True)
class Batches:
    """orders: what people ask for. runner: has it made, a few jobs at a time."""

    orders: BatchOrders
    runner: BatchRunner


async def open_batches(
    bus: Bus, here: Resources, room: Room, retention: Retention, jobs: JobService, requests: JobRequests
) -> Batches:
    """Brings back the batches that there are, and begins to hear of other gateways'. Raises Unavailable."""
    store = BatchStore(bus)
    await store.load()
    await store.follow()
    feeder = jobs.store.feeder
    estimator = Estimator(here.library, here.assets, here.manifests, lambda: feeder.pace, lambda: _at_work(here.jobs))
    await retention.keeper.read_figures()
    bounds = Bounds(lambda: room.is_short, retention.stored, here.settings.limits.quota)
    runner = BatchRunner(
        bus, store, requests, here.jobs, here.library, here.standing_keys, bounds,
        partial(_keep_preview, here.assets, retention), jobs.cancel,
    )  # fmt: skip
    return Batches(BatchOrders(store, estimator), runner)


async def _keep_preview(assets: AssetIndex, retention: Retention, record: JobRecord) -> None:
    for key in record.outputs:
        entry = assets.get(record.source, key) if record.source is not None else None
        if entry is not None and entry.kind == SPLAT:
            await retention.book.keep_preview(entry)


def _at_work(jobs: JobIndex) -> int:
    """How many jobs are done at once just now, at least one."""
    return max(1, sum(record.state is State.RUNNING for record in jobs.under_way()))
