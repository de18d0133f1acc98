"""The queue holds a few jobs; the others wait in line with their records, whichever gateway feeds and whoever dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import JOB_STATE_CANCELLED, JOB_STATE_RUNNING, JOB_STATE_SUCCEEDED, Job, JobEvent
from immichvr_common.bus import Bus
from immichvr_common.bus.streams import JOBS
from immichvr_common.errors import Unavailable
from immichvr_common.testing.jobs import make_job
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.keeping import RecordKeeper
from immichvr_gateway.jobs.machine import Debt
from immichvr_gateway.jobs.records import JobRecord, State, new_record
from immichvr_gateway.jobs.service import JobService
from immichvr_gateway.jobs.store import JobStore

WINDOW = 2


class Gateway:
    """What a gateway knows of jobs, with a small queue."""

    def __init__(self, bus: Bus, settings, service_over) -> None:
        self.bus, self.records, self.index = bus, RecordKeeper(bus), JobIndex()
        self.store = JobStore(bus, self.index, settings, self.records)
        self.jobs: JobService = service_over(self.store, settings)
        self.feeding: asyncio.Task[None] | None = None

    async def start(self) -> Gateway:
        for record in await self.records.load():
            self.index.put(record)
        await self.store.others.follow()
        self.feeding = asyncio.create_task(self.store.feeder.run(self.store))
        return self

    def kill(self) -> None:
        assert self.feeding is not None
        self.feeding.cancel()

    async def ask(self, who: str, job_class: str = "interactive") -> Job:
        job = make_job()
        subject = self.store.subject(job.kind, job.id, job_class=job_class)
        await self.jobs.submit(new_record(job, subject, who, {"model": "auto"}), who, 0)
        return job

    async def line_is_empty(self) -> None:
        """Waits until nobody is in line here; who was let in may be at work before that is written down."""
        async with asyncio.timeout(20):
            while self.index.in_line():  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(0.005)

    def known(self, job: Job) -> JobRecord:
        record = self.index.get(job.id)
        assert record is not None
        return record


@pytest.fixture
async def make_gateway(empty_bus: Bus, settings, service_over):
    await empty_bus.js.purge_stream(JOBS)
    settings.limits.window = WINDOW
    made: list[Gateway] = []

    async def make() -> Gateway:
        made.append(await Gateway(empty_bus, settings, service_over).start())
        return made[-1]

    yield make
    for one in made:
        one.kill()
    await empty_bus.js.purge_stream(JOBS)


@pytest.fixture
def take(empty_bus: Bus) -> Callable[..., object]:
    """Takes the next job of a class, as a worker does, and does it."""

    async def take(job_class: str = "interactive") -> Job:
        async with empty_bus.pulling(JOBS, f"ai-cpu-{job_class}") as puller:
            async with asyncio.timeout(20):
                while (message := await puller.next(5)) is None:
                    pass
            await message.acknowledge()
        return json_format.Parse(message.data, Job())

    return take


def told(job: Job, state, seq: int = 1) -> JobEvent:
    event = JobEvent(job_id=job.id, kind=job.kind, photo_id=job.photo_id, run=1, attempt=1, seq=seq, state=state)
    event.at.GetCurrentTime()
    return event


async def test_whoever_asks_for_little_does_not_wait_for_all_of_whoever_asked_for_much(make_gateway, take) -> None:
    gateway = await make_gateway()
    anns = [(await gateway.ask("ann")).id for _ in range(6)]
    bobs = [(await gateway.ask("bob")).id for _ in range(2)]
    assert len(await gateway.bus.subjects(JOBS)) == WINDOW
    assert [(await take()).id for _ in range(8)] == [*anns[:2], bobs[0], anns[2], bobs[1], *anns[3:]]
    await gateway.line_is_empty()


async def test_what_waits_is_told_where_it_stands(make_gateway) -> None:
    gateway = await make_gateway()
    anns = [await gateway.ask("ann") for _ in range(4)]
    bob = await gateway.ask("bob")
    batch = await gateway.ask("cleo", "batch")
    await gateway.store.feeder.feed(gateway.store)
    places = [gateway.store.feeder.place_of(gateway.known(one)).ahead for one in (*anns, bob, batch)]
    assert places == [0, 1, 3, 4, 2, 5]
    await gateway.store.on_event(told(anns[0], JOB_STATE_RUNNING))
    assert gateway.store.feeder.place_of(gateway.known(anns[0])) is None
    assert gateway.store.feeder.place_of(gateway.known(bob)).ahead == 1


async def test_a_job_that_waits_is_cancelled_and_never_queued(make_gateway, take) -> None:
    gateway = await make_gateway()
    anns = [await gateway.ask("ann") for _ in range(4)]
    gone = gateway.known(anns[2])
    await gateway.jobs.cancel(gone, "ann")
    await gateway.store.on_event(told(anns[2], JOB_STATE_CANCELLED, seq=2**31 - 1))
    assert (gone.state, gone.in_line, gone.owed) == (State.CANCELLED, None, [])
    assert [(await take()).id for _ in range(3)] == [anns[0].id, anns[1].id, anns[3].id]


async def test_a_gateway_that_dies_leaves_its_line_to_the_next_one(make_gateway, take) -> None:
    first, second = await make_gateway(), await make_gateway()
    wanted = {(await first.ask("ann")).id for _ in range(6)}
    first.kill()
    assert {(await take()).id for _ in range(6)} == wanted
    await second.line_is_empty()


async def test_what_waits_goes_on_after_a_restart_and_with_the_release_before(make_gateway, empty_bus, take) -> None:
    first = await make_gateway()
    jobs = [await first.ask("ann") for _ in range(4)]
    first.kill()
    stored = (await (await empty_bus.js.key_value("jobs")).get(jobs[3].id)).value or b""
    assert '"owed":["queue"]' in stored.decode() and JobRecord.model_validate_json(stored).owed == [Debt.QUEUE]
    again = await make_gateway()
    asked_at = again.known(jobs[3]).created_at
    assert [(await take()).id for _ in range(4)] == [one.id for one in jobs]
    assert again.known(jobs[3]).created_at == asked_at


async def test_two_gateways_that_feed_at_once_double_nothing(make_gateway, empty_bus, take) -> None:
    one, other = await make_gateway(), await make_gateway()
    jobs = [await gateway.ask(who) for gateway, who in [(one, "ann"), (other, "bob")] * 4]
    await until(lambda: len(list(one.index)) == len(list(other.index)) == 8)
    waiting = [job.id for job in jobs if one.known(job).in_line is not None]
    await asyncio.gather(*(gateway.store.let_in(job_id) for job_id in waiting for gateway in (one, other)))
    assert len({(await take()).id for _ in range(8)}) == 8
    assert (await empty_bus.js.stream_info(JOBS)).state.messages == 0
    assert {one.known(job).run for job in jobs} == {other.known(job).run for job in jobs} == {1}


async def test_a_job_asked_for_at_one_gateway_is_known_at_the_other_with_all_who_want_it(make_gateway) -> None:
    one, other = await make_gateway(), await make_gateway()
    job = await one.ask("ann")
    await until(lambda: other.index.get(job.id) is not None)
    await other.jobs.join(job.id, "bob")
    await until(lambda: one.known(job).requesters == ["ann", "bob"])
    await one.store.on_event(told(job, JOB_STATE_SUCCEEDED))
    assert other.known(job).state is State.QUEUED  # until its event is read there too
    await one.store.forget(one.known(job))


async def test_whoever_asks_for_what_waits_in_a_batch_has_it_overtake(make_gateway, take) -> None:
    gateway = await make_gateway()
    batch = [await gateway.ask("ann", "batch") for _ in range(WINDOW + 1)]
    last = batch[-1]
    await gateway.jobs.join(last.id, "bob")
    assert (await take("interactive")).id == last.id


async def test_what_somebody_waits_for_overtakes_at_every_gateway(make_gateway) -> None:
    one, other = await make_gateway(), await make_gateway()
    batch = [await one.ask("ann", "batch") for _ in range(WINDOW + 1)]
    last = batch[-1]
    await until(lambda: other.index.get(last.id) is not None and other.known(last).in_line is not None)
    assert ".batch." in other.known(last).subject
    one.kill()  # who is in line stays there
    other.kill()
    await one.jobs.join(last.id, "bob")
    await until(lambda: other.known(last).requesters == ["ann", "bob"])
    assert ".interactive." in other.known(last).subject


async def test_what_somebody_put_first_goes_first_at_every_gateway_and_after_a_restart(make_gateway, take) -> None:
    one, other = await make_gateway(), await make_gateway()
    lying = [await one.ask("ann") for _ in range(WINDOW)]
    waiting = [await one.ask("ann") for _ in range(2)]
    batch = [await one.ask("ann", "batch") for _ in range(WINDOW + 1)][-1]
    for moved in (waiting[1], batch, lying[0]):
        await one.jobs.put_first(one.known(moved), "ann")
    await until(lambda: [ahead(gateway, batch) for gateway in (one, other)] == [WINDOW, WINDOW])
    assert one.known(lying[0]).first_for == {}, "it lies in the queue, before all that wait in line"
    one.kill()
    other.kill()
    again = await make_gateway()
    wanted = [*lying, batch, waiting[1], waiting[0]]
    assert [(await take()).id for _ in wanted] == [job.id for job in wanted]
    await again.store.on_event(told(waiting[0], JOB_STATE_CANCELLED))
    with pytest.raises(Problem, match="already"):
        await again.jobs.put_first(again.known(waiting[0]), "ann")


@pytest.mark.parametrize("is_remembered", [True, False], ids=["just now", "long ago"])
@pytest.mark.parametrize("move", ["put first", "asked for"])
async def test_a_job_moved_after_a_crash_between_queueing_and_noting_lies_in_the_queue_once(
    make_gateway, empty_bus, take, monkeypatch, move, is_remembered
) -> None:
    class Crash(Exception):
        pass

    async def crash(*_: object) -> None:
        raise Crash

    first = await make_gateway()
    batch = [await first.ask("ann", "batch") for _ in range(WINDOW + 1)]
    last, lane = batch[-1], first.known(batch[-1]).subject
    first.kill()
    with monkeypatch.context() as crashing, pytest.raises(Crash):
        crashing.setattr(first.records, "write", crash)
        if not is_remembered:
            publish = empty_bus.publish
            crashing.setattr(empty_bus, "publish", lambda subject, data, _: publish(subject, data))
        await first.store.let_in(last.id)
    again = await make_gateway()
    moved = again.known(last)
    assert moved.in_line is not None
    if not is_remembered:
        moved.in_line -= timedelta(hours=1)
    await (again.jobs.put_first(moved, "ann") if move == "put first" else again.jobs.join(last.id, "bob"))
    await again.line_is_empty()
    assert [one for one in await empty_bus.subjects(JOBS) if one.endswith(last.id)] == [lane]
    assert (moved.subject, moved.run) == (lane, 1)
    assert [(await take("batch")).id for _ in batch] == [job.id for job in batch]


async def test_whoever_withdraws_and_asks_again_has_it_first_no_more(make_gateway) -> None:
    gateway = await make_gateway()
    job = [await gateway.ask("ann") for _ in range(WINDOW + 1)][-1]
    waiting = gateway.known(job)
    await gateway.jobs.join(job.id, "bob")
    for who in ("ann", "bob"):
        await gateway.jobs.put_first(waiting, who)
    await gateway.jobs.cancel(waiting, "ann")
    await gateway.jobs.join(job.id, "ann")
    assert (waiting.requesters, list(waiting.first_for)) == (["bob", "ann"], ["bob"])
    written = await gateway.records.read(job.id)
    assert written is not None and list(written.first_for) == ["bob"]


async def test_nothing_is_accepted_that_can_be_written_down_nowhere(make_gateway, empty_bus, monkeypatch) -> None:
    gateway = await make_gateway()
    for _ in range(WINDOW):
        await gateway.ask("ann")

    async def away(*_: object, **__: object) -> int:
        raise Unavailable("NATS is away", down="nats")

    with monkeypatch.context() as outage:
        outage.setattr(empty_bus.kv("jobs"), "update", away)
        with pytest.raises(Unavailable):
            await gateway.ask("ann")
    assert len(list(gateway.index)) == WINDOW and gateway.store.all_written


def ahead(gateway: Gateway, job: Job) -> int | None:
    """How many jobs are before one, as far as a gateway knows of it."""
    record = gateway.index.get(job.id)
    place = gateway.store.feeder.place_of(record) if record is not None else None
    return place.ahead if place is not None else None


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.01)
