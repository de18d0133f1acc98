"""What a worker does with jobs, good and bad, against a real nats-server and a real SeaweedFS."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats.errors
import pytest
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    AssetEvent,
    JobEvent,
)
from immichvr_common.bus import Bus, Puller, connect, ensure_streams
from immichvr_common.bus.connection import OnMessage
from immichvr_common.bus.reading import read_message
from immichvr_common.embedded import NatsServer
from immichvr_common.lease import Lease
from immichvr_common.manifests import read_manifest
from immichvr_common.processes.pool import ChildPool
from immichvr_common.reporting import Active
from immichvr_common.settings import WorkSettings
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_common.supervision import Supervisor
from immichvr_common.testing.fixtures import ACK_WAIT_S
from immichvr_common.testing.jobs import TERMINAL, Events, make_job, queue_is_empty, submit
from immichvr_common.worker import Worker
from nats.aio.msg import Msg
from prometheus_client import REGISTRY

TRIAL = "immichvr_common.testing.trial:perform"


@asynccontextmanager
async def working(bus: Bus, store: ObjectStore, **settings: float) -> AsyncIterator[Worker]:
    """A worker with settings of its own."""
    pool, supervisor = ChildPool(TRIAL), Supervisor()
    worker = Worker("ai", bus, store, pool, WorkSettings(stop_grace_s=0.5, **settings), supervisor)
    supervisor.keep("jobs", worker.run)
    yield worker
    await worker.stop()
    await supervisor.stop()
    pool.close()


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


async def test_a_job_may_say_that_it_takes_longer_than_others(ai_bus, gateway_bus, store) -> None:
    short, long = make_job(do="sleep", seconds=1), make_job(do="sleep", seconds=1)
    long.deadline_s = 20
    async with working(ai_bus, store, deadline_s=0.3):
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
    async with working(ai_bus, store, prefetch=0):
        assert await queue_is_empty(gateway_bus, 20)
    assert order == [jobs[2].id, jobs[0].id, jobs[1].id]


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
    worker, second, gateway_bus, store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unheard(_: Lease) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Lease, "keep", unheard)
    job = make_job(do="sleep", seconds=1, marker=str(tmp_path / "pids"))
    events = await Events(gateway_bus, job.id).open()
    # As if the whole first worker slept: no renewal leaves it, and its child stands still until the lease is over.
    await submit(gateway_bus, job)
    await events.until(JOB_STATE_RUNNING)
    active = next(iter(worker._active.values()))
    await events.until_progress("inferred")
    child = int((tmp_path / "pids").read_text().split()[0])
    os.kill(child, signal.SIGSTOP)
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


async def test_every_word_of_a_job_bears_the_trace_it_was_asked_for_with(worker, gateway_bus) -> None:
    job = make_job(do="sleep", seconds=0.4)
    job.traceparent = f"00-{'ab' * 16}-{'cd' * 8}-01"
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    await events.end()
    assert {event.traceparent for event in events.seen} == {job.traceparent}


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"service": "ai", **labels}) or 0.0


async def test_a_job_is_seen_in_the_metrics(worker, gateway_bus) -> None:
    def counts() -> list[float]:
        return [
            sample("immichvr_jobs_total", pool="cpu", kind="depth", outcome="succeeded"),
            sample("immichvr_job_queue_seconds_count", pool="cpu", kind="depth"),
            sample("immichvr_phase_seconds_count", kind="depth", phase="stored"),
        ]

    job, before = make_job(do="sleep", seconds=0.4), counts()
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    await events.until_progress("inferred")
    assert sample("immichvr_jobs_in_flight", pool="cpu") == 1
    await events.end()
    assert await queue_is_empty(gateway_bus)
    assert [after - one for after, one in zip(counts(), before, strict=True)] == [1, 1, 1]
    assert sample("immichvr_jobs_in_flight", pool="cpu") == 0


async def test_a_worker_that_is_there_before_its_gateway_listens_once_and_takes_jobs_when_there_are_streams(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = NatsServer(tmp_path).start()
    bus, gateway = [await connect(server.settings(name), name) for name in ("ai", "gateway")]
    heard, looked = list[str](), asyncio.Semaphore(0)
    subscribe, look = bus.subscribe, bus.consumer

    async def subscribe_once(subject: str, on_message: OnMessage) -> None:
        heard.append(subject)
        await subscribe(subject, on_message)

    async def look_in_vain(stream: str, name: str) -> object:
        looked.release()
        return await look(stream, name)

    monkeypatch.setattr(bus, "subscribe", subscribe_once)
    monkeypatch.setattr(bus, "consumer", look_in_vain)
    async with working(bus, store):
        for _ in range(3):
            await asyncio.wait_for(looked.acquire(), 20)
        await ensure_streams(gateway)
        job = make_job()
        events = await Events(gateway, job.id).open()
        await submit(gateway, job)
        assert (await events.end()).state == JOB_STATE_SUCCEEDED
    assert sorted(heard) == ["control.cancel.*", "control.model.*", "events.ai.model.*"]
    await asyncio.gather(bus.close(), gateway.close())
    server.kill()


async def test_a_worker_that_failed_goes_on_when_it_is_begun_anew_and_is_not_ready_meanwhile(
    ai_bus, gateway_bus, store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    take, failed = Worker._take_one, asyncio.Event()

    async def fail_once(self: Worker, pullers: list[Puller], ack_wait_s: float) -> None:
        if not failed.is_set():
            failed.set()
            raise KeyError("nobody foresaw this")
        await take(self, pullers, ack_wait_s)

    monkeypatch.setattr(Worker, "_take_one", fail_once)
    supervisor, pool = Supervisor(), ChildPool(TRIAL)
    worker = Worker("ai", ai_bus, store, pool, WorkSettings(stop_grace_s=0.5), supervisor)
    supervisor.keep("jobs", worker.run)
    job = make_job()
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    assert (await events.end()).state == JOB_STATE_SUCCEEDED
    # Until it has gone well for a while.
    assert supervisor.down == ["jobs"]
    assert "nobody foresaw this" in "".join(capsys.readouterr())
    await worker.stop()
    await supervisor.stop()
    pool.close()


async def test_what_goes_wrong_when_one_job_is_concluded_is_told_and_the_next_is_done(
    worker, gateway_bus, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    conclude, bad, good = worker._conclude, make_job(), make_job()

    async def fail_once(active: Active) -> None:
        if active.job.id == bad.id and active.attempt == 1:
            raise KeyError("nobody foresaw this")
        await conclude(active)

    monkeypatch.setattr(worker, "_conclude", fail_once)
    events = {job.id: await Events(gateway_bus, job.id).open() for job in (bad, good)}
    for job in (bad, good):
        await submit(gateway_bus, job)
    assert (await events[good.id].end()).state == JOB_STATE_SUCCEEDED
    # Its lease ends, and it is done again.
    assert (await events[bad.id].end()).state == JOB_STATE_SUCCEEDED
    assert "nobody foresaw this" in "".join(capsys.readouterr())


@pytest.mark.parametrize("kind", ["photo", "video", "set", "scene"])
async def test_what_a_job_makes_of_a_source_says_of_which(worker, gateway_bus, ai_store, kind: str) -> None:
    job = make_job()
    source = Source(kind, job.source.id)
    source.put(job)
    events = await Events(gateway_bus, job.id).open()
    assets: asyncio.Queue[AssetEvent] = asyncio.Queue()

    async def hear(message: Msg) -> None:
        assets.put_nowait(read_message(message.data, AssetEvent()))

    await gateway_bus.client.subscribe(f"events.ai.asset.{source.id}", cb=hear)
    await submit(gateway_bus, job)
    end = await events.end()
    told = await asyncio.wait_for(assets.get(), 5)
    [output] = end.outputs
    manifest, _ = await read_manifest(ai_store, output.manifest.key)
    assert Source.of(end) == Source.of(told) == manifest.source == source
    assert manifest.key == f"depth/{source.id}_trial/r0/manifest.json"
    # As the release before spells it, which knows photos alone.
    spelled = source.id if kind == "photo" else ""
    assert {end.photo_id, told.photo_id, manifest.photo_id} == {spelled}
