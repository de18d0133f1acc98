"""What counts as work to do, and for whom."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from immichvr_gateway.jobs.records import JobError, JobRecord, State
from immichvr_gateway.scaling.demand import Demand, weight

AI = ("ai", "cpu")


def job(number: int = 0, where: str = "ai.cpu.interactive", kind: str = "splat", **more) -> JobRecord:
    at = datetime(2026, 11, 29, tzinfo=UTC)
    name = f"{kind}-{number}"
    return JobRecord(id=name, kind=kind, created_at=at, updated_at=at, subject=f"jobs.{where}.{kind}.{name}", **more)


@pytest.mark.parametrize(
    ("record", "counts"),
    [
        (job(), 2),
        (job(state=State.RUNNING), 2),
        (job(where="ai.cpu.batch"), 1),
        (job(where="ai.cpu.batch", in_line=datetime(2026, 11, 29, tzinfo=UTC)), 1),
        (job(kind="live", state=State.RUNNING), 2),
        (job(state=State.RUNNING, made=True), 0),
        (job(state=State.SUCCEEDED), 0),
        (job(state=State.CANCELLED), 0),
        (job(state=State.FAILED, error=JobError(code="lost", message="")), 0),
        (job(where="elsewhere"), 0),
    ],
)
def test_who_is_waited_for_counts_twice_and_who_is_done_not_at_all(record: JobRecord, counts: int) -> None:
    assert weight(record) == counts


def test_the_sums_are_those_of_all_jobs_whatever_became_of_them_in_which_order() -> None:
    chance, demand, jobs = random.Random(7), Demand(), {}
    demand.begin([])
    for _ in range(2000):
        number = chance.randrange(50)
        record = job(
            number,
            chance.choice(["ai.cpu.interactive", "ai.gpu.batch", "ai.cpu.batch", "converter.cpu.interactive"]),
            state=chance.choice(list(State)),
            made=chance.random() < 0.2,
        )
        jobs[record.id] = record
        demand.on_change(record)
    for workers in (AI, ("ai", "gpu"), ("converter", "cpu"), ("video-depth", "gpu")):
        told = sum(weight(one) for one in jobs.values() if one.subject.split(".")[1:3] == [*workers])
        assert demand.of(workers) == told
    again = Demand()
    again.begin(jobs.values())
    assert again.of(AI) == demand.of(AI) > 0


async def test_a_change_is_told_once_and_what_is_others_not_at_all() -> None:
    demand = Demand()
    demand.begin([])
    activity = demand.activity(AI)
    assert await anext(activity) is False
    demand.on_change(job(1, "converter.cpu.batch"))
    demand.on_change(job(2))
    assert await anext(activity) is True
    demand.on_change(job(3))
    demand.on_change(job(2, state=State.SUCCEEDED))
    demand.on_change(job(3, state=State.FAILED))
    assert await anext(activity) is False
    demand.close()
    assert [one async for one in activity] == []
