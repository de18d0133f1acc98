"""Clocks that are off are named, with how far and which way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from immichvr.events.v1.events_pb2 import JOB_STATE_RUNNING, JobEvent
from immichvr_common.bus import Bus
from immichvr_common.bus.subjects import event_subject
from immichvr_common.reporting import encode
from immichvr_common.storage import ObjectStore
from immichvr_gateway.upkeep.skew import Clocks

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_clock_that_is_right_is_not_spoken_of(store: ObjectStore, gateway_bus: Bus) -> None:
    clocks = Clocks(store)
    await clocks.look(gateway_bus)
    assert clocks.problems() == []


@pytest.mark.parametrize(("off", "words"), [(-10, "10 minutes behind"), (61, "61 minutes ahead of")])
async def test_this_machines_clock_is_held_against_those_of_nats_and_the_storage(
    store: ObjectStore, gateway_bus: Bus, capsys: pytest.CaptureFixture[str], off: int, words: str
) -> None:
    clocks = Clocks(store, lambda: datetime.now(UTC) + timedelta(minutes=off))
    await clocks.look(gateway_bus)
    assert clocks.problems() == [f"this machine's clock is {words} that of {of}" for of in ("NATS", "the storage")]
    told = capsys.readouterr()
    assert words in told.out + told.err


def test_a_worker_whose_clock_is_ahead_is_named_at_once_and_one_behind_after_some_words(store: ObjectStore) -> None:
    clocks = Clocks(store)
    clocks.heard("fast", NOW + timedelta(minutes=10), NOW)
    clocks.heard("right", NOW, NOW + timedelta(seconds=1))
    for _ in range(8):
        clocks.heard("slow", NOW - timedelta(minutes=2), NOW)
    assert clocks.problems() == [
        "the clock of worker fast is 10 minutes ahead of that of NATS",
        "the clock of worker slow is 2 minutes behind that of NATS",
    ]


async def test_readiness_names_a_clock_that_is_off_and_goes_on(gateway, live, empty_bus: Bus) -> None:
    job = (await gateway.post("beach.jpg", "depth")).json()["job"]
    event = JobEvent(
        job_id=job["id"], kind="depth", photo_id=job["photo_id"], run=1, attempt=1, seq=1, state=JOB_STATE_RUNNING,
        worker="early",
    )  # fmt: skip
    event.at.FromDatetime(datetime.now(UTC) + timedelta(minutes=30))
    await empty_bus.publish(event_subject("ai", "job", job["id"]), encode(event))
    await live.job(job["id"], "running")
    ready = await gateway.get("/api/ready")
    assert ready.status_code == 200
    assert "the clock of worker early is 30 minutes ahead of that of NATS" in ready.json()["problems"]


def test_words_that_waited_for_nats_make_no_clock_slow(store: ObjectStore) -> None:
    clocks = Clocks(store)
    for waited in (600, 500, 400, 300, 200, 100, 2, 1, 1):
        clocks.heard("patient", NOW - timedelta(seconds=waited), NOW)
    assert clocks.problems() == []
