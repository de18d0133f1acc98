"""Jobs at the edges: cancelled or given back at the last moment, held or begun when a worker died, a child killed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    Job,
    JobEvent,
)
from immichvr_common import outages
from immichvr_common.bus import Bus, Puller, connect
from immichvr_common.errors import DeadlineExceeded, Unavailable
from immichvr_common.lease import Lease
from immichvr_common.manifests import read_manifest
from immichvr_common.outages import WorkingTime
from immichvr_common.past import Past, told_by
from immichvr_common.processes.pool import ChildPool
from immichvr_common.reporting import Active
from immichvr_common.settings import WorkSettings
from immichvr_common.storage import ObjectStore
from immichvr_common.tasks import Made
from immichvr_common.testing.fixtures import ACK_WAIT_S
from immichvr_common.testing.jobs import TERMINAL, Events, make_job, queue_is_empty, submit
from immichvr_common.worker import Worker
from nats.js.errors import NotFoundError

TRIAL = "immichvr_common.testing.trial:perform"
GPU_QUEUE = "jobs.ai.gpu.interactive.depth"


class Held:
    """Stands before a call and lets it through when it is told to."""

    def __init__(self, call: Callable[..., Awaitable[Any]]) -> None:
        self._call, self.reached, self.open = call, asyncio.Event(), asyncio.Event()

    async def __call__(self, *arguments: Any) -> Any:
        self.reached.set()
        await self.open.wait()
        return await self._call(*arguments)


@pytest.fixture
async def gpu_worker(nats_server, ai_store: ObjectStore, gateway_bus: Bus) -> AsyncIterator[Worker]:
    """A worker for the other pool, with two children, not started yet."""
    bus, pool = await connect(nats_server.settings("ai"), "ai"), ChildPool(TRIAL, 2)
    worker = Worker("ai", bus, ai_store, pool, WorkSettings(name="gpu", pool="gpu", children=2, prefetch=0))
    yield worker
    await worker.stop()
    pool.close()
    await bus.close()


async def wish_away(bus: Bus, job: Job) -> None:
    await bus.client.publish(f"control.cancel.{job.id}", b"1")
    await bus.client.flush()


async def pending(bus: Bus, durable: str = "ai-cpu-interactive") -> int:
    return int((await bus.js.consumer_info("JOBS", durable)).num_ack_pending or 0)


def ends(events: Events) -> list[tuple[int, int]]:
    return [(event.state, event.run) for event in events.seen if event.state in TERMINAL]


@pytest.mark.parametrize("way", ["cancel", "stop"])
async def test_a_job_whose_asset_exists_has_succeeded_whatever_comes_before_it_is_told(
    worker, gateway_bus, store, monkeypatch, way
) -> None:
    telling = Held(worker._tell_asset)
    monkeypatch.setattr(worker, "_tell_asset", telling)
    job = make_job()
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    await telling.reached.wait()
    stopping = None
    if way == "cancel":
        await wish_away(gateway_bus, job)
    else:
        stopping = asyncio.create_task(worker.stop())
        # Beyond the grace: the worker would give back what it has not done.
        await asyncio.sleep(worker._settings.stop_grace_s + 0.2)
    telling.open.set()
    end = await events.end()
    assert await queue_is_empty(gateway_bus)
    assert ends(events) == [(JOB_STATE_SUCCEEDED, 1)]
    assert (await read_manifest(store, end.outputs[0].manifest.key))[0].run == 1
    if stopping is not None:
        await stopping


@pytest.mark.parametrize(("succeeds", "state"), [(True, JOB_STATE_SUCCEEDED), (False, JOB_STATE_CANCELLED)])
async def test_a_cancel_while_the_manifest_is_written_is_decided_by_whether_it_is(
    worker, gateway_bus, ai_store, monkeypatch, succeeds, state
) -> None:
    async def unanswered(*_: object) -> str:
        raise Unavailable("away", down="s3")

    writing = Held(ai_store.put_if if succeeds else unanswered)
    monkeypatch.setattr(ai_store, "put_if", writing)
    job = make_job()
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    await writing.reached.wait()
    await wish_away(gateway_bus, job)
    await asyncio.sleep(0.1)
    writing.open.set()
    assert (await events.end(within_s=2)).state == state
    assert await queue_is_empty(gateway_bus)
    assert ends(events) == [(state, 1)]


@pytest.mark.parametrize(("way", "heard"), [("one fails", Unavailable), ("cancelled twice", asyncio.CancelledError)])
async def test_no_asset_begins_to_exist_after_its_job_has_heard_that_it_does_not(
    worker, ai_store, monkeypatch, way: str, heard: type[BaseException]
) -> None:
    writing, under_way = Held(ai_store.put_if), list[str]()

    async def put_if(key: str, *more: Any) -> str:
        under_way.append(key)
        try:
            if way == "one fails" and "trial-0" in key:
                await asyncio.sleep(0)
                raise Unavailable("away", down="s3")
            return str(await writing(key, *more))
        finally:
            under_way.remove(key)

    monkeypatch.setattr(ai_store, "put_if", put_if)
    made = [Made("depth", f"trial-{number}", []) for number in range(2)]
    active = Active(make_job(), 1, Lease.__new__(Lease))
    committing = asyncio.create_task(worker._maker._commit(active, made, [[], []]))
    if way == "cancelled twice":
        await writing.reached.wait()
        committing.cancel()
        await asyncio.sleep(0)
        committing.cancel()
    with pytest.raises(heard):
        await committing
    await asyncio.sleep(0)
    assert not under_way


async def test_a_job_that_is_cancelled_while_its_worker_gives_it_back_is_not_queued_anew(
    worker, gateway_bus, monkeypatch
) -> None:
    flushing = Held(worker._models.flush)
    monkeypatch.setattr(worker._models, "flush", flushing)
    job = make_job(do="sleep", seconds=20)
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    await events.until_progress("inferred")
    stopping = asyncio.create_task(worker.stop())
    await asyncio.wait_for(flushing.reached.wait(), 10)
    active = worker._active[job.id]
    assert active.work.cancelled()
    await wish_away(gateway_bus, job)
    await asyncio.sleep(0.1)
    flushing.open.set()
    await stopping
    assert ends(events) == [(JOB_STATE_CANCELLED, 1)]


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.long)])
async def test_no_job_that_comes_while_its_worker_stops_waits_for_a_lease_to_end(
    nats_server, ai_store, gateway_bus, step: int
) -> None:
    next_worker = await gateway_bus.js.pull_subscribe_bind(durable="ai-cpu-interactive", stream="JOBS")
    for number in range(0, 25, step):
        bus, pool = await connect(nats_server.settings("ai"), "ai"), ChildPool(TRIAL)
        worker = Worker("ai", bus, ai_store, pool, WorkSettings(stop_grace_s=0, prefetch=2))
        running = asyncio.create_task(worker.run())
        await _asks(bus)
        await asyncio.gather(submit(gateway_bus, make_job()), _a_moment_later(number, worker.stop))
        await asyncio.wait_for(running, 5)
        pool.close()
        await bus.close()
        if (await gateway_bus.js.stream_info("JOBS")).state.messages:
            [message] = await next_worker.fetch(1, timeout=ACK_WAIT_S / 3)
            await message.ack()


async def _asks(bus: Bus) -> None:
    """Waits until a worker has asked the server for jobs."""
    async with asyncio.timeout(10):
        while bus.client.stats["out_msgs"] < 4:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.005)


async def _a_moment_later(number: int, stop: Callable[[], Awaitable[None]]) -> None:
    await asyncio.sleep(number * 0.0005)
    await stop()


async def test_jobs_that_a_stopping_worker_holds_go_to_another_at_once_and_stay_of_their_run(
    nats_server, ai_store, gateway_bus
) -> None:
    jobs = [make_job(do="sleep", seconds=30), make_job(), make_job()]
    events = [await Events(gateway_bus, job.id).open() for job in jobs]
    buses = [await connect(nats_server.settings("ai"), "ai") for _ in range(2)]
    pools = [ChildPool(TRIAL), ChildPool(TRIAL)]
    first, second = [
        Worker("ai", bus, ai_store, pool, WorkSettings(stop_grace_s=0.2))
        for bus, pool in zip(buses, pools, strict=True)
    ]
    running = [asyncio.create_task(first.run())]
    await submit(gateway_bus, jobs[0])
    await events[0].until_progress("inferred")
    for job in jobs[1:]:
        await submit(gateway_bus, job)
    async with asyncio.timeout(10):
        while await pending(gateway_bus) < 3:  # noqa: ASYNC110  # the server tells nobody
            await asyncio.sleep(0.02)
    assert events[1].seen == events[2].seen == []
    await first.stop()
    assert ends(events[0]) == [(JOB_STATE_FAILED, 1)]
    running.append(asyncio.create_task(second.run()))
    for one in events[1:]:
        end = await one.end(within_s=ACK_WAIT_S)
        assert (end.state, end.run, end.begun) == (JOB_STATE_SUCCEEDED, 1, 1)
    await second.stop()
    for pool, bus in zip(pools, buses, strict=True):
        pool.close()
        await bus.close()


async def test_a_worker_that_waits_for_its_gateway_listens_once(ai_bus, ai_store, monkeypatch) -> None:
    asked = 0
    enough = asyncio.Event()

    async def missing(*_: object) -> None:
        nonlocal asked
        asked += 1
        if asked == 4:
            enough.set()
        raise NotFoundError

    monkeypatch.setattr(ai_bus.js, "consumer_info", missing)
    worker = Worker("ai", ai_bus, ai_store, ChildPool(TRIAL), WorkSettings())
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(enough.wait(), 10)
    subjects = [one.subject for one in ai_bus.client._subs.values() if not one.subject.startswith("_INBOX")]
    assert sorted(subjects) == ["control.cancel.*", "control.model.*", "events.ai.model.*"]
    await worker.stop()
    await asyncio.wait_for(running, 5)


async def tell_past(bus: Bus, job: Job, attempt: int, begun: int, state: int = JOB_STATE_RUNNING) -> None:
    event = JobEvent(job_id=job.id, kind=job.kind, run=job.run, attempt=attempt, seq=9, state=state, begun=begun)
    await bus.publish(f"events.ai.job.{job.id}", json_format.MessageToJson(event).encode())


async def die_with(bus: Bus, job: Job, times: int) -> None:
    """Has a job delivered and left so many times, as by workers that died."""
    await bus.publish(f"{GPU_QUEUE}.{job.id}", json_format.MessageToJson(job).encode())
    puller = await bus.js.pull_subscribe_bind(durable="ai-gpu-interactive", stream="JOBS")
    for _ in range(times):
        [message] = await puller.fetch(1, timeout=3)
        await message.nak()
    await puller.unsubscribe()


async def test_a_job_at_which_three_workers_died_is_poison_and_may_be_tried_again(gpu_worker, gateway_bus) -> None:
    job = make_job()
    await die_with(gateway_bus, job, 3)
    await tell_past(gateway_bus, job, attempt=3, begun=3)
    events = await Events(gateway_bus, job.id).open()
    running = asyncio.create_task(gpu_worker.run())
    end = await events.end()
    assert (end.state, end.error.code, end.error.retriable) == (JOB_STATE_FAILED, "poison", True)
    assert end.error.message.startswith("3 workers ended")
    assert await queue_is_empty(gateway_bus)
    await gpu_worker.stop()
    await running


async def test_a_job_that_workers_merely_held_when_they_died_is_no_poison(gpu_worker, gateway_bus) -> None:
    job = make_job()
    await die_with(gateway_bus, job, 7)
    events = await Events(gateway_bus, job.id).open()
    running = asyncio.create_task(gpu_worker.run())
    end = await events.end()
    assert (end.state, end.attempt, end.begun) == (JOB_STATE_SUCCEEDED, 8, 1)
    await gpu_worker.stop()
    await running


async def test_a_job_at_which_two_workers_died_is_done_alone(gpu_worker, gateway_bus, tmp_path: Path) -> None:
    suspect, other = make_job(do="sleep", seconds=0.4, ends=str(tmp_path / "end")), make_job()
    await die_with(gateway_bus, suspect, 2)
    await tell_past(gateway_bus, suspect, attempt=2, begun=2)
    suspects, others = [await Events(gateway_bus, job.id).open() for job in (suspect, other)]
    running = asyncio.create_task(gpu_worker.run())
    await suspects.until(JOB_STATE_RUNNING)
    await gateway_bus.publish(f"{GPU_QUEUE}.{other.id}", json_format.MessageToJson(other).encode())
    ended, began = await suspects.end(), await others.until(JOB_STATE_RUNNING)
    assert (ended.state, ended.begun) == (JOB_STATE_SUCCEEDED, 3)
    assert began.at.ToNanoseconds() >= int((tmp_path / "end").read_text())
    assert (await others.end()).state == JOB_STATE_SUCCEEDED
    await gpu_worker.stop()
    await running


async def test_a_job_whose_end_was_told_by_a_worker_that_died_then_is_not_done_again(gpu_worker, gateway_bus) -> None:
    job = make_job()
    await die_with(gateway_bus, job, 1)
    await tell_past(gateway_bus, job, attempt=1, begun=1, state=JOB_STATE_SUCCEEDED)
    events = await Events(gateway_bus, job.id).open()
    running = asyncio.create_task(gpu_worker.run())
    assert await queue_is_empty(gateway_bus)
    assert events.seen == []
    await gpu_worker.stop()
    await running


async def test_of_two_attempts_that_come_to_their_end_the_first_to_tell_is_kept(
    worker, nats_server, ai_store, gateway_bus, monkeypatch
) -> None:
    tell, late = worker._tell, Held(worker._tell)

    async def tell_the_end_late(event: JobEvent, name: str = "") -> None:
        await (late if name else tell)(event, name)

    async def unheard(_: Lease) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(worker, "_tell", tell_the_end_late)
    # Renewals that never reach the server: it gives the job to another, and the first does not know.
    monkeypatch.setattr(Lease, "keep", unheard)
    monkeypatch.setattr(Lease, "held", True)
    job = make_job()
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    await late.reached.wait()
    bus, pool = await connect(nats_server.settings("ai"), "ai"), ChildPool(TRIAL, 1)
    second = Worker("ai", bus, ai_store, pool, WorkSettings(name="second", prefetch=0))
    running = asyncio.create_task(second.run())
    assert (await events.end()).worker == "second"
    late.open.set()
    assert await queue_is_empty(gateway_bus)
    await second.stop()
    await running
    pool.close()
    await bus.close()
    told = await gateway_bus.js.subscribe(f"events.ai.job.{job.id}", ordered_consumer=True)
    ended, left = [], 1
    while left:
        message = await told.next_msg(timeout=5)
        event, left = json_format.Parse(message.data, JobEvent()), message.metadata.num_pending
        ended += [event.worker] if event.state in TERMINAL else []
    assert ended == ["second"]


def test_what_was_told_of_another_run_says_nothing_of_this_one() -> None:
    assert told_by(JobEvent(run=1, begun=3, state=JOB_STATE_FAILED), run=2) == Past()


async def test_a_job_whose_child_is_killed_once_succeeds_within_the_same_attempt(
    worker, gateway_bus, tmp_path: Path
) -> None:
    job = make_job(do="killed-once", marker=str(tmp_path / "pids"))
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    end = await events.end()
    assert (end.state, end.run, end.attempt, end.begun) == (JOB_STATE_SUCCEEDED, 1, 1, 1)
    assert len(set((tmp_path / "pids").read_text().split())) == 2


async def test_a_job_whose_child_is_killed_twice_says_so(worker, gateway_bus) -> None:
    job = make_job(do="killed")
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    error = (await events.end()).error
    assert (error.code, error.retriable) == ("worker_crashed", True)
    assert "killed from outside" in error.message
    assert "tried twice" in error.message


@pytest.mark.parametrize("step", ["get_file", "put_file"])
async def test_the_deadline_holds_while_files_are_brought_and_stored_too(
    worker, gateway_bus, store, ai_store, monkeypatch, step
) -> None:
    job = make_job()
    job.inputs["source"].CopyFrom(await store.put_bytes("sources/deadline", b"abc", "image/jpeg"))
    job.deadline_s = 3
    monkeypatch.setattr(ai_store, step, Held(getattr(ai_store, step)))
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    error = (await events.end()).error
    assert error.code == "deadline_exceeded"
    assert error.message.startswith("fetching, working and storing")


async def test_time_without_storage_is_not_counted(monkeypatch) -> None:
    now = 0.0

    def clock() -> float:
        return now

    async def away() -> None:
        nonlocal now
        now += 60
        raise Unavailable("away", down="s3")

    async def there() -> None:
        nonlocal now
        now += 4

    monkeypatch.setattr(outages.time, "monotonic", clock)
    left = WorkingTime(10)
    with pytest.raises(Unavailable):
        await left.spent_on(away)
    assert left.left_s == 10
    await left.spent_on(there)
    assert left.left_s == 6
    left.spend(6)
    with pytest.raises(DeadlineExceeded):
        await left.spent_on(there)


async def test_a_drained_inbox_leaves_no_message_behind(ai_bus, gateway_bus) -> None:
    job = make_job()
    puller = Puller(ai_bus.client, ai_bus.link, "JOBS", "ai-cpu-interactive")
    await puller.open()
    asking = asyncio.create_task(puller.next(1))
    await asyncio.sleep(0.05)
    asking.cancel()
    await submit(gateway_bus, job)
    [message] = await puller.drain()
    assert message.subject.endswith(job.id)
