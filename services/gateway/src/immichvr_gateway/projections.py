"""What events become, once they are believed: records of jobs, entries of assets, states of models."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from immichvr.events.v1.events_pb2 import AssetEvent, JobEvent, ModelEvent
from immichvr_common.bus import Bus
from immichvr_common.bus.subjects import LETTING_GO, Told
from immichvr_common.errors import Unavailable
from immichvr_common.reporting import ABSENT, UNLOADING, encode

from immichvr_gateway.assets.store import AssetStore
from immichvr_gateway.jobs.claims import Claims
from immichvr_gateway.jobs.looking import last_words
from immichvr_gateway.jobs.projection import EventReader
from immichvr_gateway.jobs.records import moment
from immichvr_gateway.jobs.store import JobStore
from immichvr_gateway.models.catalog import ModelCatalog

_NEWS = timedelta(seconds=60)
HeardAt = Callable[[str, datetime], None]


class Projections:
    """The stores that follow the stream of events. heard_at: told of each worker's clock as its events show it."""

    def __init__(
        self, bus: Bus, claims: Claims, jobs: JobStore, assets: AssetStore, models: ModelCatalog, heard_at: HeardAt
    ) -> None:
        self._bus, self._claims, self._jobs, self._assets, self._models = bus, claims, jobs, assets, models
        self._heard_at = heard_at

    async def on_job(self, told: Told, event: JobEvent) -> None:
        """A job's event. Raises Refused, Unavailable."""
        if event.at.seconds:
            self._heard_at(event.worker[:100], event.at.ToDatetime(UTC))
        believed = await self._claims.job(told, event)
        if believed is not None:
            await self._jobs.on_event(believed)

    async def on_asset(self, told: Told, event: AssetEvent, seq: int) -> None:
        """An asset's event. Raises Refused, Unavailable."""
        await self._assets.on_event(await self._claims.asset(told, event), moment(event.at), seq)

    async def on_model(self, told: Told, event: ModelEvent) -> None:
        """A model's event. Raises Refused, Unavailable."""
        believed = self._claims.model(told, event)
        await self._models.on_event(believed)
        if believed.state in (UNLOADING, ABSENT) and datetime.now(UTC) - moment(believed.at) < _NEWS:
            # A worker hears its own service alone, and others may hold the same model. What is read of long ago, as
            # after a restart, is no news: the model may have been fetched and loaded since.
            await self._bus.announce(f"{LETTING_GO}.{believed.key}", encode(believed))


async def recall_progress(bus: Bus, reader: EventReader, jobs: JobStore) -> None:
    """Takes in what was told last of the jobs that have not ended: progress is in no record.

    Only as far as events were read. What comes after is read in order: a job's end after its asset's event.
    """
    for record in [one for one in jobs.index if not one.state.terminal]:
        for word in await last_words(bus, record.subject, record.id):
            if word.seq <= reader.position:
                with contextlib.suppress(Unavailable):  # an end that cannot be proven just now is looked for later
                    await reader.take(word.subject, word.data, word.seq)
