"""What becomes of jobs whose storage is full, damaged or away, with one place for a job at a time."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from immichvr.events.v1.events_pb2 import JOB_STATE_FAILED, JOB_STATE_RUNNING, JOB_STATE_SUCCEEDED, Job
from immichvr_common import outages, storage_verdicts
from immichvr_common.bus import Bus
from immichvr_common.storage import ObjectStore
from immichvr_common.testing.jobs import Events, make_job, queue_is_empty, submit
from immichvr_common.testing.obstinate import INTERNAL, ObstinateS3, obstinate_s3


@pytest.fixture
def s3() -> Iterator[ObstinateS3]:
    with obstinate_s3() as server:
        yield server


@pytest.fixture
async def store(s3: ObstinateS3, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ObjectStore]:
    monkeypatch.setattr(storage_verdicts, "_WRITE_AGAIN_S", (0.05, 0.05))
    monkeypatch.setattr(outages, "_FIRST_PAUSE_S", 0.2)
    store = ObjectStore(s3.settings())
    await store.ensure_bucket()
    yield store
    store.close()


@pytest.fixture
async def ai_store(store: ObjectStore) -> ObjectStore:
    return store


async def submitted(bus: Bus, store: ObjectStore, **params: str | float) -> tuple[Job, Events]:
    job = make_job(**params)
    job.inputs["source"].CopyFrom(await store.put_bytes(f"sources/{job.source.id}", b"abc", "image/jpeg"))
    events = await Events(bus, job.id).open()
    await submit(bus, job)
    return job, events


async def test_damaged_objects_cost_their_own_jobs_and_hold_up_no_other(
    s3: ObstinateS3, store: ObjectStore, worker, gateway_bus: Bus
) -> None:
    damaged = [make_job() for _ in range(4)]
    told = []
    for job in damaged:
        job.inputs["source"].CopyFrom(await store.put_bytes(f"splats/{job.source.id}.ply", b"abc", "x/ply"))
        s3.broken.add(job.inputs["source"].key)
        told.append(await Events(gateway_bus, job.id).open())
        await submit(gateway_bus, job)
    _, honest = await submitted(gateway_bus, store)
    for job, events in zip(damaged, told, strict=True):
        end = await events.end()
        assert (end.state, end.error.code, end.error.retriable) == (JOB_STATE_FAILED, "corrupt_object", False)
        assert job.inputs["source"].key in end.error.message
        assert "anew" in end.error.message
    assert (await honest.end()).state == JOB_STATE_SUCCEEDED
    assert await queue_is_empty(gateway_bus)


async def test_a_full_store_ends_the_job_in_words_and_the_next_one_goes_on_when_there_is_room(
    s3: ObstinateS3, store: ObjectStore, worker, gateway_bus: Bus
) -> None:
    job, events = await submitted(gateway_bus, store)
    s3.writes = INTERNAL
    _, second = await submitted_without_source(gateway_bus)
    for one in (events, second):
        end = await one.end()
        assert (end.state, end.error.code, end.error.retriable) == (JOB_STATE_FAILED, "storage_full", True)
        assert "make room" in end.error.message
    s3.writes = None
    job.run = 2
    again = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    assert (await again.end()).state == JOB_STATE_SUCCEEDED


async def submitted_without_source(bus: Bus) -> tuple[Job, Events]:
    job = make_job()
    events = await Events(bus, job.id).open()
    await submit(bus, job)
    return job, events


@pytest.mark.parametrize("refusal", [(403, "AccessDenied", "no"), (404, "NoSuchBucket", "no")])
async def test_a_refusal_that_lasts_ends_the_job(
    s3: ObstinateS3, store: ObjectStore, worker, gateway_bus: Bus, refusal
) -> None:
    s3.writes = refusal
    _, events = await submitted_without_source(gateway_bus)
    end = await events.end()
    assert (end.error.code, end.error.retriable) == ("storage_refused", True)


async def test_a_full_disk_under_the_work_is_told_as_one(worker, gateway_bus: Bus) -> None:
    job = make_job(do="fill")
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    end = await events.end()
    assert (end.error.code, end.error.retriable) == ("storage_full", True)
    assert "make room on the disk" in end.error.message


async def test_a_job_waits_for_storage_without_holding_a_place(
    s3: ObstinateS3, store: ObjectStore, worker, gateway_bus: Bus
) -> None:
    job = make_job(do="sleep", seconds=0.5)
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    await events.until(JOB_STATE_RUNNING)
    s3.everything = (503, "ServiceUnavailable", "starting")
    async with asyncio.timeout(10):
        while worker._slots.locked():  # noqa: ASYNC110  # nobody is told of it
            await asyncio.sleep(0.02)
    assert not events.seen[-1].HasField("error")
    s3.everything = None
    assert (await events.end()).state == JOB_STATE_SUCCEEDED


async def test_storage_that_answers_for_ever_is_ended_by_the_deadline(
    s3: ObstinateS3, store: ObjectStore, worker, gateway_bus: Bus
) -> None:
    job = make_job()
    job.inputs["source"].CopyFrom(await store.put_bytes("sources/slow", b"abc", "image/jpeg"))
    job.deadline_s = 1
    s3.slow.add("sources/slow")
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    assert (await events.end()).error.code == "deadline_exceeded"
    s3.slow.clear()
