"""What Prometheus reads of the queue: the same from each gateway, since each knows every job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from immichvr_catalog import CLASSES, POOLS, workers
from immichvr_common.bus import Bus
from immichvr_common.bus.streams import DEAD
from prometheus_client import Gauge

from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.line import Lane
from immichvr_gateway.jobs.machine import Phase
from immichvr_gateway.jobs.records import JobRecord
from immichvr_gateway.upkeep.aside import SUBJECT

_LANE = ["service", "pool", "class"]
_JOBS = Gauge("immichvr_queue_jobs", "Jobs that wait, in the queue or for a place in it, or run", [*_LANE, "state"])
_OLDEST = Gauge("immichvr_queue_oldest_seconds", "How long the oldest job that waits has waited", _LANE)
_DEAD = Gauge("immichvr_dead_jobs", "Jobs that failed for good in the last 30 days, and were not asked for anew")
_STATES = (Phase.QUEUED, Phase.RUNNING)


def lanes() -> list[Lane]:
    """Every lane that there is."""
    return [Lane(one.subject, pool, job_class) for one in workers() for pool in POOLS for job_class in CLASSES]


def counted(jobs: Iterable[JobRecord], now: datetime) -> tuple[Counter[tuple[Lane, Phase]], dict[Lane, float]]:
    """How many jobs of each lane wait or run, and for how many seconds the oldest has waited."""
    counts, oldest = Counter[tuple[Lane, Phase]](), dict[Lane, float]()
    for job in jobs:
        lane = Lane.of(job)
        if lane is None or job.phase not in _STATES:
            continue
        counts[lane, job.phase] += 1
        if job.phase is Phase.QUEUED:
            oldest[lane] = max(oldest.get(lane, 0.0), (now - job.created_at).total_seconds())
    return counts, oldest


async def tell_queue(index: JobIndex) -> None:
    """Sets what Prometheus reads."""
    counts, oldest = counted(index.under_way(), datetime.now(UTC))
    for lane in lanes():
        labels = (lane.service, lane.pool, lane.job_class)
        _OLDEST.labels(*labels).set(oldest.get(lane, 0.0))
        for state in _STATES:
            _JOBS.labels(*labels, state.value).set(counts[lane, state])


async def tell_dead(bus: Bus) -> None:
    """Sets how many jobs failed for good. Raises Unavailable."""
    _DEAD.set(sum(not one.startswith(f"{SUBJECT}.") for one in await bus.subjects(DEAD, "dead.>")))
