"""What Prometheus reads of the queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from immichvr_gateway.jobs.figures import counted, lanes, tell_queue
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.line import Lane
from immichvr_gateway.jobs.machine import Phase
from immichvr_gateway.jobs.records import JobRecord, State
from prometheus_client import REGISTRY

AWAITED = Lane("ai", "gpu", "interactive")
NOW = datetime.now(UTC)


def job(number: int, age_s: float, where: str = "ai.gpu.interactive", **more) -> JobRecord:
    at = NOW - timedelta(seconds=age_s)
    name = f"depth-{number}"
    return JobRecord(id=name, kind="depth", created_at=at, updated_at=at, subject=f"jobs.{where}.depth.{name}", **more)


def test_jobs_are_counted_by_lane_and_only_those_that_wait_have_an_age() -> None:
    jobs = [
        job(1, 30),
        job(2, 90, in_line=NOW),
        job(3, 500, state=State.RUNNING),
        job(4, 900, state=State.RUNNING, made=True),
        job(5, 900, state=State.SUCCEEDED),
        job(6, 70, "converter.cpu.batch"),
    ]
    counts, oldest = counted(jobs, NOW)
    assert counts == {
        (AWAITED, Phase.QUEUED): 2, (AWAITED, Phase.RUNNING): 1, (Lane("converter", "cpu", "batch"), Phase.QUEUED): 1,
    }  # fmt: skip
    assert oldest == {AWAITED: 90, Lane("converter", "cpu", "batch"): 70}


async def test_a_lane_without_jobs_is_told_as_empty_and_not_left_out() -> None:
    index = JobIndex()
    index.put(job(1, 60))
    await tell_queue(index)
    for lane in lanes():
        labels = {"service": lane.service, "pool": lane.pool, "class": lane.job_class}
        waiting = REGISTRY.get_sample_value("immichvr_queue_jobs", {**labels, "state": "queued"})
        age = REGISTRY.get_sample_value("immichvr_queue_oldest_seconds", labels)
        assert waiting == (1 if lane == AWAITED else 0)
        assert age is not None and (age >= 60 if lane == AWAITED else age == 0)
