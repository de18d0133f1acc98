"""What a worker does with jobs, good and bad, against a real nats-server and a real SeaweedFS."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import nats.errors
import pytest
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    JobEvent,
)
from immichvr_common.bus import Bus, connect
from immichvr_common.manifests import read_manifest
from immichvr_common.processes import ChildPool
from immichvr_common.settings import WorkSettings
from immichvr_common.storage import ObjectStore
from immichvr_common.testing.fixtures import ACK_WAIT_S
from immichvr_common.testing.jobs import TERMINAL, Events, make_job, queue_is_empty, submit
from immichvr_common.worker import Worker

TRIAL = "immichvr_common.testing.trial:perform"


@pytest.fixture
async def second(nats_server, store: ObjectStore, gateway_bus: Bus) -> AsyncIterator[Worker]:
    """Another worker of the same service, not started yet."""
    bus = await connect(nats_server.settings("ai"), "ai")
    worker = Worker("ai", bus, store, ChildPool(TRIAL), WorkSettings(name="second", stop_grace_s=0.5))
    yield worker
    await worker.stop()
    await bus.close()


async def test_a_job_leads_to_a_stored_asset_its_event_and_an_empty_queue(worker, gateway_bus, store) -> None:
    job = make_job(model="auto")
    job.params.update({"accepted": ["da2-large"]})
    ref = await store.put_bytes("sources/x", b"abc", "image/jpeg")
    job.inputs["source"].CopyFrom(ref)
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    end = await events.end()
    assert end.state == JOB_STATE_SUCCEEDED
    assert [phase.stage for phase in end.timeline] == ["staged", "decoded", "stored"]
    manifest, _ = await read_manifest(store, end.outputs[0].manifest.key)
    assert manifest.asset_key == "depth-trial"
    assert manifest.params == {"model": "auto"}
    assert (await store.get_bytes(manifest.files[0].key)).data == b"cba"
    assert await queue_is_empty(gateway_bus)


async def test_what_a_capability_reports_as_bad_input_fails_the_job_with_its_code(worker, gateway_bus) -> None:
    job = make_job(do="fail")
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    end = await events.end()
    assert (end.state, end.error.code) == (JOB_STATE_FAILED, "invalid_image")
    assert "not an image" in end.error.message
    assert await queue_is_empty(gateway_bus)


@pytest.mark.parametrize(
    ("do", "code"), [("crash", "worker_crashed"), ("exhaust", "out_of_memory"), ("killed", "worker_crashed")]
)
async def test_a_child_that_dies_costs_one_job_and_the_next_one_succeeds(worker, gateway_bus, do, code) -> None:
    bad, good = make_job(do=do), make_job()
    bad_events = await Events(gateway_bus, bad.id).open()
    good_events = await Events(gateway_bus, good.id).open()
    await submit(gateway_bus, bad)
    await submit(gateway_bus, good)
    failed = await bad_events.end()
    assert (failed.state, failed.error.code, failed.error.retriable) == (JOB_STATE_FAILED, code, True)
    assert (await good_events.end()).state == JOB_STATE_SUCCEEDED


async def test_a_job_that_hangs_is_ended_at_its_deadline(worker, gateway_bus) -> None:
    job = make_job(do="hang")
    job.deadline_s = 1
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    end = await events.end()
    assert (end.state, end.error.code) == (JOB_STATE_FAILED, "deadline_exceeded")


async def test_a_job_may_say_that_it_takes_longer_than_others(worker, gateway_bus) -> None:
    worker._settings.deadline_s = 0.3
    short, long = make_job(do="sleep", seconds=1), make_job(do="sleep", seconds=1)
    long.deadline_s = 20
    for job, code in ((short, "deadline_exceeded"), (long, "")):
        events = await Events(gateway_bus, job.id).open()
        await submit(gateway_bus, job)
        assert (await events.end()).error.code == code


async def test_cancelling_ends_a_running_job_within_two_seconds(worker, gateway_bus) -> None:
    job = make_job(do="hang")
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    await events.until(JOB_STATE_RUNNING)
    await gateway_bus.client.publish(f"control.cancel.{job.id}", b"1")
    assert (await events.end(within_s=2)).state == JOB_STATE_CANCELLED
    assert await queue_is_empty(gateway_bus)


async def test_a_job_cancelled_before_it_starts_is_not_started(worker, gateway_bus) -> None:
    job = make_job()
    events = await Events(gateway_bus, job.id).open()
    await (await gateway_bus.js.key_value("cancels")).put(job.id, b"1")
    await submit(gateway_bus, job)
    assert (await events.end()).state == JOB_STATE_CANCELLED
    assert not any(event.state == JOB_STATE_RUNNING for event in events.seen)


async def test_interactive_jobs_go_before_batch_jobs_that_waited_longer(ai_bus, gateway_bus, store) -> None:
    jobs = [make_job() for _ in range(3)]
    order: list[str] = []

    async def on_event(message) -> None:
        event = json_format.Parse(message.data, JobEvent())
        if event.state == JOB_STATE_SUCCEEDED:
            order.append(event.job_id)

    await gateway_bus.client.subscribe("events.ai.job.*", cb=on_event)
    await submit(gateway_bus, jobs[0], "batch")
    await submit(gateway_bus, jobs[1], "batch")
    await submit(gateway_bus, jobs[2], "interactive")
    worker = Worker("ai", ai_bus, store, ChildPool(TRIAL), WorkSettings(prefetch=0))
    running = asyncio.create_task(worker.run())
    assert await queue_is_empty(gateway_bus, 20)
    await worker.stop()
    running.cancel()
    assert order[0] == jobs[2].id


async def test_a_long_job_keeps_its_lease_and_is_delivered_once(worker, gateway_bus, tmp_path: Path) -> None:
    job = make_job(do="sleep", seconds=2.5 * ACK_WAIT_S, marker=str(tmp_path / "starts"))
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    end = await events.end()
    assert (end.state, end.attempt) == (JOB_STATE_SUCCEEDED, 1)
    assert len((tmp_path / "starts").read_text().split()) == 1
    assert any(0 < event.progress.fraction < 1 for event in events.seen)


async def test_a_stopping_worker_gives_its_job_back_and_leaves_the_queue_empty(worker, gateway_bus) -> None:
    job = make_job(do="sleep", seconds=20)
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    await events.until_progress("inferred")
    await worker.stop()
    end = await events.end()
    assert (end.state, end.error.code, end.error.retriable) == (JOB_STATE_FAILED, "returned", True)
    assert await queue_is_empty(gateway_bus)


async def test_a_worker_whose_lease_ran_out_changes_nothing_when_it_wakes(
    worker, second, gateway_bus, store, tmp_path: Path
) -> None:
    job = make_job(do="sleep", seconds=1, marker=str(tmp_path / "pids"))
    events = await Events(gateway_bus, job.id).open()
    # The whole first worker sleeps, as under SIGSTOP: no renewal leaves it, and its child stands still.
    await submit(gateway_bus, job)
    await events.until(JOB_STATE_RUNNING)
    active = next(iter(worker._active.values()))
    await events.until_progress("inferred")
    child = int((tmp_path / "pids").read_text().split()[0])
    os.kill(child, signal.SIGSTOP)
    active.lease._lost = True
    running = asyncio.create_task(second.run())
    end = await events.end()
    assert (end.state, end.worker, end.attempt) == (JOB_STATE_SUCCEEDED, "second", 2)
    before, _ = await read_manifest(store, end.outputs[0].manifest.key)
    os.kill(child, signal.SIGCONT)
    await asyncio.wait_for(active.task, 10)
    after, _ = await read_manifest(store, end.outputs[0].manifest.key)
    assert after == before
    assert [event.worker for event in events.seen if event.state in TERMINAL] == ["second"]
    running.cancel()


async def test_a_worker_cannot_read_the_gateways_state_or_make_jobs(ai_bus, gateway_bus) -> None:
    await (await gateway_bus.js.key_value("state")).put("secret", b"sealed")
    with pytest.raises((nats.errors.Error, TimeoutError)):
        await ai_bus.client.request("$JS.API.DIRECT.GET.KV_state.$KV.state.secret", b"", timeout=0.5)
    with pytest.raises((nats.errors.Error, TimeoutError)):
        await ai_bus.client.request("jobs.ai.cpu.interactive.depth.x", b"{}", timeout=0.5)
