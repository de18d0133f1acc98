"""What children tell beside progress: where they serve, which models they hold, how a download goes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import JOB_STATE_CANCELLED, JOB_STATE_RUNNING, JOB_STATE_SUCCEEDED, ModelEvent
from immichvr_common.bus import connect
from immichvr_common.processes.pool import ChildPool
from immichvr_common.reporting import ModelReporter
from immichvr_common.settings import WorkSettings
from immichvr_common.tasks import Task
from immichvr_common.telling import ChildEvent, LoadedModels
from immichvr_common.testing.jobs import Events, make_job, submit
from immichvr_common.worker import Worker
from prometheus_client import REGISTRY

TRIAL = "immichvr_common.testing.trial:perform"


class Models:
    """What was told about models."""

    def __init__(self) -> None:
        self.seen: list[ModelEvent] = []
        self._arrived = asyncio.Event()

    async def hear(self, message) -> None:
        self.seen.append(json_format.Parse(message.data, ModelEvent()))
        self._arrived.set()

    async def until(self, key: str, state: str, worker: str = "") -> ModelEvent:
        async with asyncio.timeout(20):
            while True:
                for event in self.seen:
                    if (event.key, event.state) == (key, state) and worker in ("", event.worker):
                        return event
                self._arrived.clear()
                await self._arrived.wait()


@pytest.fixture
async def models(gateway_bus) -> Models:
    models = Models()
    await gateway_bus.client.subscribe("events.ai.model.*", cb=models.hear)
    return models


@pytest.fixture
async def second(nats_server, store, gateway_bus) -> AsyncIterator[Worker]:
    """Another worker, of the gpu pool, taking jobs."""
    bus, pool = await connect(nats_server.settings("ai"), "ai"), ChildPool(TRIAL, background=frozenset({"download"}))
    worker = Worker("ai", bus, store, pool, WorkSettings(name="second", pool="gpu", stop_grace_s=0.5))
    running = asyncio.create_task(worker.run())
    yield worker
    await worker.stop()
    pool.close()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await bus.close()


async def done(bus, pool: str = "cpu", **params: str | float) -> None:
    job = make_job(**params)
    events = await Events(bus, job.id).open()
    await bus.publish(f"jobs.ai.{pool}.interactive.depth.{job.id}", json_format.MessageToJson(job).encode())
    assert (await events.end()).state == JOB_STATE_SUCCEEDED


async def test_where_a_job_serves_is_told_while_it_runs_and_stays_told(worker, gateway_bus) -> None:
    job = make_job(do="serve")
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    end = await events.end()
    assert end.address == "127.0.0.1:4711"
    assert events.seen[0].state == JOB_STATE_RUNNING
    assert events.seen[0].address == ""


async def test_a_model_in_memory_is_told_and_so_is_its_end_with_the_worker(worker, models, gateway_bus) -> None:
    await done(gateway_bus, do="load", model="tiny")
    assert (await models.until("tiny", "loaded")).worker == "first"
    await worker.stop()
    assert (await models.until("tiny", "unloaded")).worker == "first"


async def test_unloading_on_one_worker_ends_the_processes_that_hold_the_model_on_all(
    worker, second, models, gateway_bus, tmp_path: Path
) -> None:
    await done(gateway_bus, do="load", model="tiny", marker=str(tmp_path / "cpu"))
    await done(gateway_bus, "gpu", do="load", model="tiny", marker=str(tmp_path / "gpu"))
    await models.until("tiny", "loaded", "first")
    await models.until("tiny", "loaded", "second")
    holders = [psutil.Process(int((tmp_path / pool).read_text())) for pool in ("cpu", "gpu")]
    await done(gateway_bus, do="release", model="other")
    assert all(holder.is_running() for holder in holders)
    await done(gateway_bus, "gpu", do="release", model="tiny")
    await models.until("tiny", "unloaded", "first")
    await models.until("tiny", "unloaded", "second")
    _, alive = await asyncio.to_thread(psutil.wait_procs, holders, 5)
    assert not alive


async def test_a_download_is_told_a_few_times_a_second_and_its_end_always(worker, models, gateway_bus) -> None:
    await done(gateway_bus, do="download", model="tiny")
    await models.until("tiny", "ready")
    told = [event for event in models.seen if event.state == "downloading"]
    assert [event.done_bytes for event in told] == sorted(event.done_bytes for event in told)
    assert 0 < len(told) < 500
    assert models.seen[-1].state == "ready"


class Board:
    """A bus that keeps what is published on it."""

    def __init__(self) -> None:
        self.told: list[ModelEvent] = []

    async def publish_until_stored(self, subject: str, payload: bytes, message_id: str) -> None:
        self.told.append(json_format.Parse(payload, ModelEvent()))


class Pause:
    """A wait that the test ends."""

    def __init__(self) -> None:
        self.begun, self.over = asyncio.Event(), asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.begun.set()
        await self.over.wait()
        self.over.clear()

    async def until_next(self) -> None:
        await asyncio.wait_for(self.begun.wait(), 5)
        self.begun.clear()


async def test_of_progress_that_comes_faster_than_it_is_told_the_newest_is_told() -> None:
    board, pause = Board(), Pause()
    reporter = ModelReporter(board, "ai", "first", pause)  # type: ignore[arg-type]  # all that it asks of a bus
    for begin in (0, 100):
        for done_bytes in range(begin, begin + 100):
            reporter.hear(ModelEvent(key="tiny", state="downloading", done_bytes=done_bytes))
        await pause.until_next()
        pause.over.set()
    reporter.hear(ModelEvent(key="tiny", state="ready"))
    await reporter.flush()
    assert [(one.state, one.done_bytes) for one in board.told] == [
        ("downloading", 99), ("downloading", 199), ("ready", 0),
    ]  # fmt: skip
    await reporter.close()


async def test_nothing_is_told_of_a_download_after_the_end_of_its_job(worker, gateway_bus, models) -> None:
    subjects: list[str] = []

    async def hear(message) -> None:
        subjects.append(message.subject)

    await gateway_bus.client.subscribe("events.>", cb=hear)
    job = make_job(do="download", model="tiny")
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    await models.until("tiny", "downloading")
    await gateway_bus.client.publish(f"control.cancel.{job.id}", b"1")
    assert (await events.end()).state == JOB_STATE_CANCELLED
    # Two periods of another job, in which what was left behind would have been told.
    await done(gateway_bus, do="sleep", seconds=0.6)
    last = max(number for number, subject in enumerate(subjects) if subject.endswith(job.id))
    assert not [subject for subject in subjects[last:] if subject.startswith("events.ai.model.")]


async def test_what_a_child_told_before_anybody_listened_is_told_then(tmp_path) -> None:
    pool, heard = ChildPool(TRIAL), list[ChildEvent]()
    await pool.run(Task("depth", {"do": "load", "model": "tiny"}, {}, tmp_path), lambda *_: None, 60)
    pool.listen(heard.append)
    assert heard == [LoadedModels(frozenset({"tiny"}))]
    pool.close()


async def test_what_models_take_of_memory_is_in_the_metrics_until_they_leave_it(tmp_path) -> None:
    def bytes_of(model: str) -> float | None:
        return REGISTRY.get_sample_value("immichvr_model_memory_bytes", {"model": model, "device": "cpu"})

    pool = ChildPool(TRIAL)
    await pool.run(Task("depth", {"do": "load", "model": "weighed"}, {}, tmp_path), lambda *_: None, 60)
    assert bytes_of("weighed") == 1000
    pool.let_go("weighed")
    assert bytes_of("weighed") is None
    pool.close()


async def test_what_waits_runs_beside_what_computes(tmp_path) -> None:
    def task(kind: str, **params: object) -> Task:
        folder = tmp_path / kind
        folder.mkdir()
        return Task(kind, params, {}, folder)

    pool, heard = ChildPool(TRIAL, 1, background=frozenset({"download"})), list[ChildEvent]()
    pool.listen(heard.append)
    computing = asyncio.create_task(pool.run(task("depth", do="hang"), lambda *_: None, 60))
    await asyncio.wait_for(pool.run(task("download", do="load", model="tiny"), lambda *_: None, 60), 20)
    assert not computing.done()
    assert heard == [LoadedModels(frozenset({"tiny"})), LoadedModels(frozenset())]
    computing.cancel()
    await asyncio.gather(computing, return_exceptions=True)
    pool.close()


async def test_a_busy_process_lets_go_of_a_model_after_its_task(tmp_path) -> None:
    def task(name: str, **params: object) -> Task:
        folder = tmp_path / name
        folder.mkdir()
        return Task("depth", {**params, "model": "tiny"}, {}, folder)

    pool = ChildPool(TRIAL)
    await pool.run(task("load", do="load"), lambda *_: None, 60)
    begun = asyncio.Event()
    working = asyncio.create_task(pool.run(task("sleep", do="sleep", seconds=0.5), lambda *progress: begun.set(), 60))
    await begun.wait()
    pool.let_go("tiny")
    assert pool.residents == {"tiny"}
    assert len(await working) == 1
    assert pool.residents == frozenset()
    pool.close()
