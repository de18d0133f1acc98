"""What services tell, held against what was published: who may say it, of which job, and within which bounds.

A worker is a program on some machine with credentials of its service. It is believed about the jobs that were given
to its service, and about nothing else.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from immichvr.common.v1.common_pb2 import Error
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_FAILED,
    JOB_STATE_QUEUED,
    JOB_STATE_SUCCEEDED,
    AssetEvent,
    Job,
    JobEvent,
    ModelEvent,
)
from immichvr_catalog import GATEWAY, SERVICES, is_session
from immichvr_common.arrivals import NAME
from immichvr_common.bus import Bus
from immichvr_common.bus.subjects import Told
from immichvr_common.manifests import Manifest
from immichvr_common.sources import Source

from immichvr_gateway.assets.index import AssetIndex
from immichvr_gateway.assets.results import Results
from immichvr_gateway.jobs.changes import is_late
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.published import find_published, service_in
from immichvr_gateway.jobs.records import JobRecord
from immichvr_gateway.upkeep.aside import Aside, Refused

_LAST_SEQ = 2**31 - 1
"""Kept for what the gateway itself tells: it comes after everything of its attempt."""
_MOST_ATTEMPTS = 10_000
_MOST_PHASES, _MOST_OUTPUTS = 100, 16
_LONGEST_S, _MOST_BYTES = 1e8, 2**50
_CODE = re.compile(r"[a-z0-9_]{1,60}")
_MODEL_STATES = frozenset({"absent", "downloading", "ready", "loading", "loaded", "unloading", "unloaded", "failed"})


class Claims:
    """Believes an event, or not."""

    def __init__(self, bus: Bus, jobs: JobIndex, assets: AssetIndex, results: Results, aside: Aside) -> None:
        self._bus, self._index, self._assets = bus, jobs, assets
        self._results, self._aside = results, aside

    async def job(self, told: Told, event: JobEvent) -> JobEvent | None:
        """The event as it may be applied: of a job that was published, by whom it was given to, within bounds.

        The job in it is the one that was published, where the gateway does not know it yet; never the teller's. An
        end without its result is a failure. None for a session that is forgotten already. Raises Refused.
        """
        if event.job_id != told.about or not NAME.fullmatch(told.about):
            raise Refused("misplaced", f"an event of job {event.job_id[:200]!r} was told under {told.about[:200]!r}")
        is_own = told.by == GATEWAY
        if not is_own:
            _bound(event)
        known = self._index.get(event.job_id)
        if known is None or event.run > known.run:
            return await self._newly_heard_of(told, event)
        if not is_own:
            event.ClearField("job")
        _check_same(event, known.kind, known.source)
        _check_teller(told, known.subject)
        return event if is_own or is_late(known, event) else await self._proven(told, event, known)

    async def _newly_heard_of(self, told: Told, event: JobEvent) -> JobEvent | None:
        """A job, or a run of one, that this gateway has not published: another did, or this one was killed then."""
        published = await find_published(self._bus, event.job_id)
        known = self._index.get(event.job_id)
        if published is None or published.job.run < event.run:
            if known is not None and known.run >= event.run:
                return await self.job(told, event)
            if told.by == GATEWAY:
                return event
            if is_session(event.job_id.partition("-")[0]):
                return None
            raise Refused("unknown_job", f"nobody asked for run {event.run} of job {event.job_id}")
        _check_same(event, published.job.kind, Source.of(published.job))
        _check_teller(told, published.subject)
        event.job.CopyFrom(published.job)
        if told.by == GATEWAY or event.state != JOB_STATE_SUCCEEDED:
            return event
        problem = await self._results.missing(published.job, event)
        return event if problem is None else await self._unproven(told, event, problem)

    async def _proven(self, told: Told, event: JobEvent, known: JobRecord) -> JobEvent:
        if event.state != JOB_STATE_SUCCEEDED:
            return event
        problem = await self._results.missing(known.job(), event)
        return event if problem is None else await self._unproven(told, event, problem)

    async def _unproven(self, told: Told, event: JobEvent, problem: str) -> JobEvent:
        """The end of a job whose result is not there: told to the person as what it is."""
        await self._aside.put("EVENTS", f"job {event.job_id}", event.SerializeToString(), Refused("unproven", problem))
        event.state = JOB_STATE_FAILED
        event.ClearField("outputs")
        event.error.CopyFrom(
            Error(code="result_missing", message=f"the worker says it is done, but {problem}", retriable=True)
        )
        return event

    async def asset(self, told: Told, event: AssetEvent) -> Manifest:
        """The manifest of an asset that was told of: it is there, and a job that was published makes it.

        Raises Refused, Unavailable.
        """
        manifest = await self._results.asset(told, event)
        known = self._index.get(manifest.job_id)
        recipes = known.message.get("recipes", {}) if known is not None else {}
        if (known and known.source, recipes.get(manifest.kind)) == (manifest.source, manifest.recipe):
            return manifest
        there = self._assets.get(manifest.source, manifest.asset_key)
        if there is not None and there.manifest_key == manifest.key:
            return manifest  # files are added to what some job made long ago
        published = await find_published(self._bus, manifest.job_id) if NAME.fullmatch(manifest.job_id) else None
        job = published.job if published is not None else Job()
        if (Source.of(job), job.recipes.get(manifest.kind)) != (manifest.source, manifest.recipe):
            raise Refused("unknown_job", f"nobody asked for {manifest.key}")
        return manifest

    def model(self, told: Told, event: ModelEvent) -> ModelEvent:
        """What was told of a model, within bounds. Raises Refused."""
        if event.key != told.about:
            raise Refused("misplaced", f"an event of model {event.key[:100]!r} lies under {told.about[:100]!r}")
        if told.by is not None and not (told.by in SERVICES and SERVICES[told.by].runs_models):
            raise Refused("not_its_own", f"{told.by} runs no models")
        if event.state not in _MODEL_STATES:
            raise Refused("impossible", f"{event.state[:50]!r} is no state of a model")
        event.done_bytes, event.total_bytes = min(event.done_bytes, _MOST_BYTES), min(event.total_bytes, _MOST_BYTES)
        event.rate = _number(event.rate, 0, _MOST_BYTES)
        event.remaining_s = _number(event.remaining_s, -1, _LONGEST_S)
        event.worker = event.worker[:100]
        _bound_error(event.error if event.HasField("error") else None)
        _not_in_the_future(event.at)
        return event


def _check_same(event: JobEvent, kind: str, source: Source | None) -> None:
    told = Source.of(event)
    if (event.kind, told) != (kind, source):
        other = f"{event.kind[:50]!r} of {str(told)[:150]}"
        raise Refused("other_job", f"job {event.job_id} is {kind!r} of {source}, not {other}")


def _check_teller(told: Told, subject: str) -> None:
    if told.by in (GATEWAY, None) or not subject:
        return
    service = service_in(subject)
    if told.by != service:
        raise Refused("not_its_own", f"{told.by} told of job {told.about}, which was given to {service}")


def _bound(event: JobEvent) -> None:
    """Brings what people will read within bounds. Raises Refused for what no worker of ours can mean."""
    if event.state == JOB_STATE_QUEUED or event.seq >= _LAST_SEQ or event.attempt > _MOST_ATTEMPTS:
        raise Refused("impossible", f"no worker tells state {event.state}, attempt {event.attempt}, seq {event.seq}")
    if len(event.outputs) > _MOST_OUTPUTS or len(event.timeline) > _MOST_PHASES:
        raise Refused("too_much", f"{len(event.outputs)} outputs and {len(event.timeline)} steps of one job")
    if event.HasField("progress"):
        progress = event.progress
        progress.fraction = _number(progress.fraction, 0, 1)
        progress.stage, progress.message = progress.stage[:60], progress.message[:500]
    for phase in event.timeline:
        phase.stage, phase.seconds = phase.stage[:60], _number(phase.seconds, 0, _LONGEST_S)
        _not_in_the_future(phase.at)
    _bound_error(event.error if event.HasField("error") else None)
    event.worker, event.address, event.traceparent = event.worker[:100], event.address[:300], event.traceparent[:100]
    _not_in_the_future(event.at)


def _bound_error(error: Error | None) -> None:
    if error is None:
        return
    error.message = error.message[:2000]
    if not _CODE.fullmatch(error.code):
        error.code = "internal"


def _number(value: float, least: float, most: float) -> float:
    return min(max(value, least), most) if math.isfinite(value) else least


def _not_in_the_future(stamp: Timestamp) -> None:
    if stamp.seconds > datetime.now(UTC).timestamp():
        stamp.GetCurrentTime()
