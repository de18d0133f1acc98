"""What a job keeps while it works: watched meanwhile, gone on from by whoever tries it next, made anew when asked."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    Job,
    JobEvent,
)
from immichvr_common.aftermath import Aftermath
from immichvr_common.bus import connect, job_subject
from immichvr_common.keeping import keep
from immichvr_common.parts import PartKeeper, asked_at, prefix_of, read_parts
from immichvr_common.processes.pool import ChildPool
from immichvr_common.reporting import encode
from immichvr_common.settings import WorkSettings
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_common.supervision import Supervisor
from immichvr_common.telling import Kept, tell_through
from immichvr_common.testing.jobs import Events, queue_is_empty
from immichvr_common.worker import Worker

Do = Callable[..., Awaitable[JobEvent]]


def a_job(log: Path, **params: object) -> Job:
    video = uuid.uuid4().hex[:12]
    job = Job(id=f"video-depth-{video}-r0", kind="video-depth", run=1, bucket="immichvr", source_version="v1")
    Source("video", video).put(job)
    job.recipes["depth-video"] = "r0"
    job.params.update({"steps": 9, "log": str(log), **params})
    job.created_at.GetCurrentTime()
    return job


@pytest.fixture
async def do(nats_server, weed, gateway_bus, store: ObjectStore) -> AsyncIterator[Do]:
    """Has a job done by a worker of the service, with the rights of the service."""
    bus = await connect(nats_server.settings("video-depth"), "video-depth")
    own = ObjectStore(weed.settings(service="video-depth"))
    pool, supervisor = ChildPool("immichvr_common.testing.stepwise:perform"), Supervisor()
    worker = Worker("video-depth", bus, own, pool, WorkSettings(name="one", stop_grace_s=0.5), supervisor)
    supervisor.keep("jobs", worker.run)

    async def done(job: Job) -> JobEvent:
        events = await Events(gateway_bus, job.id).open()
        await gateway_bus.publish(job_subject("video-depth", "cpu", "interactive", job.kind, job.id), encode(job))
        end = await events.end()
        assert await queue_is_empty(gateway_bus)
        return end

    yield done
    await worker.stop()
    await supervisor.stop()
    pool.close()
    await bus.close()
    own.close()


async def test_a_job_whose_process_dies_goes_on_from_the_last_step_it_kept(do: Do, store, tmp_path: Path) -> None:
    log = tmp_path / "log"
    job = a_job(log, dies_in=5)
    end = await do(job)
    assert end.state == JOB_STATE_SUCCEEDED, end.error
    assert log.read_text().split() == ["1", "2", "3", "4", "5", "5", "6", "7", "8", "9"]


async def test_the_next_run_goes_on_and_who_asks_anew_gets_all_of_it_anew(do: Do, store, tmp_path: Path) -> None:
    log = tmp_path / "log"
    job = a_job(log, steps=5, fails_in=4)
    assert (await do(job)).state == JOB_STATE_FAILED
    job.run, job.params["fails_in"] = 2, 0
    job.asked_at.CopyFrom(job.created_at)
    job.created_at.FromMilliseconds(job.created_at.ToMilliseconds() + 1)
    assert (await do(job)).state == JOB_STATE_SUCCEEDED
    assert log.read_text().split() == ["1", "2", "3", "4", "4", "5"]
    job.run = 3
    job.asked_at.FromMilliseconds(job.asked_at.ToMilliseconds() + 1)
    assert (await do(job)).state == JOB_STATE_SUCCEEDED
    assert log.read_text().split()[6:] == ["1", "2", "3", "4", "5"]


async def test_a_worker_that_is_told_to_stop_stores_the_last_step_that_was_kept(
    nats_server, weed, gateway_bus, store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus, own = await connect(nats_server.settings("video-depth"), "video-depth"), store
    held, put_file = asyncio.Event(), own.put_file

    async def put_once_released(*given: Any) -> Any:
        await held.wait()
        return await put_file(*given)

    monkeypatch.setattr(own, "put_file", put_once_released)
    pool, supervisor = ChildPool("immichvr_common.testing.stepwise:perform"), Supervisor()
    worker = Worker("video-depth", bus, own, pool, WorkSettings(name="two", stop_grace_s=0), supervisor)
    supervisor.keep("jobs", worker.run)
    log = tmp_path / "log"
    job = a_job(log, steps=5, waits_in=3)
    events = await Events(gateway_bus, job.id).open()
    await gateway_bus.publish(job_subject("video-depth", "cpu", "interactive", job.kind, job.id), encode(job))
    while not log.exists() or log.read_text().split() != ["1", "2", "3"]:  # noqa: ASYNC110  # another process writes it
        await asyncio.sleep(0.05)
    asyncio.get_running_loop().call_later(0.5, held.set)
    await worker.stop()
    assert (await events.end()).error.code == "returned"
    [state] = [part for part in await read_parts(store, prefix_of(job)) if part.resumes]
    assert (await store.get_bytes(state.key)).data == b"2"
    await supervisor.stop()
    pool.close()
    await bus.close()


async def test_what_is_to_be_watched_is_listed_in_order_with_what_is_told_of_it(store, tmp_path: Path) -> None:
    job = a_job(tmp_path / "log")
    keeper = PartKeeper(store, job)
    for name in ("init.mp4", "00001.m4s", "00002.m4s"):
        keeper.hear(kept(tmp_path, name, name, from_s=1))
    keeper.hear(kept(tmp_path, "state.npz", "state", resumes=True))
    await keeper.settle()
    parts = await read_parts(store, prefix_of(job))
    assert [(part.name, part.media_type, part.resumes) for part in parts] == [
        ("init.mp4", "video/mp4", False),
        ("00001.m4s", "video/mp4", False),
        ("00002.m4s", "video/mp4", False),
        ("state.npz", "application/octet-stream", True),
    ]
    assert parts[1].facts == {"from_s": 1}
    assert (await store.get_bytes(parts[1].key)).data == b"00001.m4s"
    assert list((tmp_path / "links").iterdir()) == []


async def test_a_name_that_is_kept_again_is_replaced_and_never_half_written(store, tmp_path: Path) -> None:
    job = a_job(tmp_path / "log")
    keeper = PartKeeper(store, job)
    for text in ("first", "second", "third"):
        keeper.hear(kept(tmp_path, "state.npz", text, resumes=True))
        await keeper.settle()
        [part] = await read_parts(store, prefix_of(job))
        assert (await store.get_bytes(part.key)).data == text.encode()
    assert len(await store.list_keys(prefix_of(job))) == 3
    again = await PartKeeper(store, job).recall(tmp_path / "kept")
    assert {name: path.read_text() for name, path in again.items()} == {"state.npz": "third"}


async def test_of_an_attempt_that_begins_anew_nothing_is_mixed_with_what_was_kept_before(store, tmp_path: Path) -> None:
    job = a_job(tmp_path / "log")
    first = PartKeeper(store, job)
    for name in ("init.mp4", "00001.m4s", "00002.m4s"):
        first.hear(kept(tmp_path, name, f"old {name}"))
    first.hear(kept(tmp_path, "state.npz", "old", resumes=True))
    await first.settle()
    before = {part.name: part.key for part in await read_parts(store, prefix_of(job))}
    second = PartKeeper(store, job)
    assert await second.recall(tmp_path / "kept")
    second.begin_anew()
    second.hear(kept(tmp_path, "00001.m4s", "new"))
    await second.settle()
    [part] = await read_parts(store, prefix_of(job))
    assert (part.name, (await store.get_bytes(part.key)).data) == ("00001.m4s", b"new")
    assert part.key != before["00001.m4s"]


async def test_what_is_damaged_is_not_gone_on_from(store, tmp_path: Path) -> None:
    job = a_job(tmp_path / "log")
    keeper = PartKeeper(store, job)
    keeper.hear(kept(tmp_path, "state.npz", "whole", resumes=True))
    await keeper.settle()
    [part] = await read_parts(store, prefix_of(job))
    await store.put_bytes(part.key, b"other", "x/y")
    assert await PartKeeper(store, job).recall(tmp_path / "kept") == {}


def kept(folder: Path, name: str, text: str, resumes: bool = False, **facts: object) -> Kept:
    """A file as a child's news tells of it."""
    (folder / "links").mkdir(exist_ok=True)
    path = folder / "links" / f"{uuid.uuid4().hex}-{name}"
    path.write_text(text)
    return Kept(name, path, resumes, facts)


def test_a_kept_file_may_be_removed_or_replaced_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Kept] = []
    monkeypatch.setattr("immichvr_common.telling._Channel.send", None)
    path = tmp_path / "state"
    path.write_text("one")
    keep("state", path)
    assert not (tmp_path / ".kept").exists()
    tell_through(told.append)  # type: ignore[arg-type]
    keep("state", path)
    path.unlink()
    path.write_text("two")
    assert [one.path.read_text() for one in told] == ["one"]
    with pytest.raises(ValueError, match="letters, digits"):
        keep("../state", path)


async def test_what_a_cancelled_job_began_elsewhere_is_ended_and_tried_again_where_that_fails(
    nats_server, gateway_bus, store, tmp_path: Path
) -> None:
    ended: list[tuple[Any, bytes]] = []
    over = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end(params: Any, kept: bytes) -> None:
        ended.append((params["log"], kept))
        if len(ended) == 1:
            raise OSError("no way there")
        loop.call_soon_threadsafe(over.set)

    bus = await connect(nats_server.settings("video-depth"), "video-depth")
    pool, supervisor = ChildPool("immichvr_common.testing.stepwise:perform"), Supervisor()
    settings = WorkSettings(name="three", stop_grace_s=0.5)
    aftermath = Aftermath("checkpoint.txt", end, bytes.decode, (0.0, 0.0))
    worker = Worker("video-depth", bus, store, pool, settings, supervisor, aftermath)
    supervisor.keep("jobs", worker.run)
    log = tmp_path / "log"
    job = a_job(log, steps=5, waits_in=3)
    events = await Events(gateway_bus, job.id).open()
    await gateway_bus.publish(job_subject("video-depth", "cpu", "interactive", job.kind, job.id), encode(job))
    while not await kept_so_far(store, job):  # noqa: ASYNC110  # another process keeps it
        await asyncio.sleep(0.05)
    await gateway_bus.client.publish(f"control.cancel.{job.id}", b"1")
    assert (await events.end()).state == JOB_STATE_CANCELLED
    async with asyncio.timeout(10):
        await over.wait()
    assert ended == [(str(log), b"2")] * 2
    assert await queue_is_empty(gateway_bus)
    job.run, job.withdrawn = 2, True
    events = await Events(gateway_bus, job.id).open()
    await gateway_bus.publish(job_subject("video-depth", "cpu", "interactive", job.kind, job.id), encode(job))
    assert (await events.end()).state == JOB_STATE_CANCELLED
    assert ended == [(str(log), b"2")] * 3, "of a job that is withdrawn nothing else is done"
    assert await queue_is_empty(gateway_bus)
    job.run, job.withdrawn = 3, False
    job.superseded.append(asked_at(job))
    job.asked_at.FromMilliseconds(job.created_at.ToMilliseconds() + 60_000)
    events = await Events(gateway_bus, job.id).open()
    await gateway_bus.publish(job_subject("video-depth", "cpu", "interactive", job.kind, job.id), encode(job))
    await events.until(JOB_STATE_RUNNING)
    assert ended == [(str(log), b"2")] * 4, "what a wish before it began is ended before it begins"
    await worker.stop()
    await supervisor.stop()
    pool.close()
    await bus.close()


async def kept_so_far(store: ObjectStore, job: Job) -> bool:
    """Whether the second step of a job is in storage."""
    states = [part for part in await read_parts(store, prefix_of(job)) if part.resumes]
    return [(await store.get_bytes(one.key)).data for one in states] == [b"2"]
