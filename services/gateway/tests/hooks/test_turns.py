"""Webhooks do not keep each other waiting, and what fails at the same time is one failure."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from immichvr_common.bus import Bus
from immichvr_gateway.hooks import delivering, records
from immichvr_gateway.hooks.delivering import HookDelivery
from immichvr_gateway.hooks.messages import Told
from immichvr_gateway.hooks.records import Hook, HookAnswer, HookBook
from immichvr_gateway.library import Identity
from nats.js.api import AckPolicy, ConsumerConfig


def answered(error: str | None = None) -> HookAnswer:
    return HookAnswer(event_id="evt_1", event="job.failed", at=datetime.now(UTC), status=204, error=error, seconds=0)


class Receivers:
    """Answer at once; those that are `held`, once `free` is set. most: posts of each at the same time, and of all."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.free = asyncio.Event()
        self.told: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self._now: Counter[str] = Counter()
        self._news = asyncio.Condition()

    async def of(self, _: str) -> Identity:
        return Identity.local()

    async def may_see(self, *_: object) -> bool:
        return True

    async def post(self, hook: Hook, _: str, __: Told) -> HookAnswer:
        await self._changed(hook.id, 1)
        try:
            if hook.id in self.held:
                await self.free.wait()
        finally:
            await self._changed(hook.id, -1)
        self.told[hook.id] += 1
        await self._changed(hook.id, 0)
        return answered()

    async def until(self, holds: Callable[[Receivers], bool]) -> None:
        """Waits for something to hold."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: holds(self))

    def now(self) -> int:
        return self._now["all"]

    async def _changed(self, hook_id: str, by: int) -> None:
        for one in (hook_id, "all"):
            self._now[one] += by
            self.most[one] = max(self.most[one], self._now[one])
        async with self._news:
            self._news.notify_all()


@pytest.fixture
async def book(empty_bus: Bus, monkeypatch: pytest.MonkeyPatch) -> HookBook:
    """No webhooks yet, and nothing on its way."""
    monkeypatch.setattr(delivering, "_BUSY_S", 0.02)
    await empty_bus.purge("HOOKS", "hooks.>")
    return HookBook(empty_bus, "a key of tests")


@asynccontextmanager
async def delivery(bus: Bus, book: HookBook, receivers: Receivers) -> AsyncIterator[None]:
    """A gateway that delivers."""
    running = asyncio.create_task(HookDelivery(bus, book, receivers, receivers, receivers).run())  # type: ignore[arg-type]
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def added(book: HookBook, count: int, who: str = "ann") -> list[Hook]:
    return [(await book.add(who, f"https://{one}.example/", ["job.failed"]))[0] for one in range(count)]


async def put(bus: Bus, hook: Hook, count: int = 1) -> None:
    for one in range(count):
        told = Told(id=f"evt_{one}", type="job.failed", user_id=hook.user_id, hook_id=hook.id, source=None, body={})
        await bus.publish(f"hooks.{hook.user_id}.{hook.id}", told.model_dump_json().encode())


async def test_one_that_does_not_answer_is_told_one_thing_at_a_time_and_the_others_go_on(
    empty_bus: Bus, book: HookBook
) -> None:
    receivers = Receivers()
    slow, *others = await added(book, 4)
    receivers.held = {slow.id}
    await put(empty_bus, slow, 12)
    for other in others:
        await put(empty_bus, other, 3)
    async with delivery(empty_bus, book, receivers):
        await receivers.until(lambda now: all(now.told[other.id] == 3 for other in others))
        assert receivers.told[slow.id] == 0
        receivers.free.set()
        await receivers.until(lambda now: now.told[slow.id] == 12)
    assert {receivers.most[hook.id] for hook in (slow, *others)} == {1}


async def test_eight_are_told_at_the_same_time_and_the_next_as_one_of_them_is_done(
    empty_bus: Bus, book: HookBook
) -> None:
    receivers = Receivers()
    hooks = [hook for who in ("ann", "bob", "cleo", "dan") for hook in await added(book, 3, who)][:10]
    receivers.held = {hook.id for hook in hooks}
    for hook in hooks:
        await put(empty_bus, hook)
    async with delivery(empty_bus, book, receivers):
        await receivers.until(lambda now: now.now() == 8)
        receivers.free.set()
        await receivers.until(lambda now: now.told.total() == 10)
    assert receivers.most["all"] == 8


async def test_ten_slow_webhooks_of_one_person_leave_places_for_the_others(empty_bus: Bus, book: HookBook) -> None:
    receivers = Receivers()
    slow, [other] = await added(book, 10), await added(book, 1, "bob")
    receivers.held = {hook.id for hook in slow}
    for hook in slow:
        await put(empty_bus, hook)
    async with delivery(empty_bus, book, receivers):
        await receivers.until(lambda now: now.now() == 3)
        await put(empty_bus, other)
        await receivers.until(lambda now: now.told[other.id] == 1)
        assert receivers.most["all"] <= 4
        receivers.free.set()
        await receivers.until(lambda now: now.told.total() == 11)


async def test_what_a_gateway_leaves_is_told_by_the_next_at_once(empty_bus: Bus, book: HookBook) -> None:
    receivers = Receivers()
    [hook] = await added(book, 1)
    receivers.held = {hook.id}
    await put(empty_bus, hook)
    async with delivery(empty_bus, book, receivers):
        await receivers.until(lambda now: now.now() == 1)
    receivers.free.set()
    async with delivery(empty_bus, book, receivers):
        await receivers.until(lambda now: now.told[hook.id] == 1)


async def test_what_waits_for_one_that_fails_stops_nobody_also_after_an_older_release(
    empty_bus: Bus, book: HookBook
) -> None:
    bound = ConsumerConfig(durable_name="gateways", ack_policy=AckPolicy.EXPLICIT, ack_wait=60, max_ack_pending=2)
    await empty_bus.add_consumer("HOOKS", bound)
    receivers = Receivers()
    dead, well = await added(book, 2)
    for _ in range(5):
        [now] = [hook for hook in await book.of("ann") if hook.id == dead.id]
        await book.note(now.model_copy(update={"retry_at": 0.0}), answered("answered 500"))
    await put(empty_bus, dead, 4)
    await put(empty_bus, well)
    async with delivery(empty_bus, book, receivers):
        await receivers.until(lambda now: now.told[well.id] == 1)
        assert receivers.told[dead.id] == 0
        assert (await empty_bus.consumer("HOOKS", "gateways")).config.max_ack_pending == -1
    await empty_bus.purge("HOOKS", "hooks.>")


async def test_what_fails_at_the_same_time_is_listed_each_and_counted_once(
    book: HookBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    [hook] = await added(book, 1)
    await asyncio.gather(*(book.note(hook, answered(f"answered {status}")) for status in (500, 502, 503)))
    [noted] = await book.of("ann")
    assert noted.failures == 1 and {one.error for one in noted.answers} == {
        "answered 500", "answered 502", "answered 503",
    }  # fmt: skip
    # A try after the pause is another failure; an answer that is well ends them all.
    monkeypatch.setattr(records.time, "time", lambda: noted.retry_at + 1)
    await book.note(noted, answered("answered 500"))
    [again] = await book.of("ann")
    assert again.failures == 2 and again.retry_at > noted.retry_at
    await book.note(noted, answered())
    [well] = await book.of("ann")
    assert (well.failures, well.retry_at) == (0, 0)
