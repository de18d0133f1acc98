"""Calls as they arrive: what strangers cost, and what a step asks for and cannot be had yet."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from immichvr_common.errors import ServiceError, Unavailable
from immichvr_gateway.automation import intake as intake_module
from immichvr_gateway.automation.asks import Ask, Wish
from immichvr_gateway.automation.intake import Intake, hash_of
from immichvr_gateway.automation.making import NotNow
from immichvr_gateway.automation.records import Integration
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library import LibraryUnavailable, PhotoNotFound

SECRET = "Bearer secret"


class Kept:
    """What is set up, for Ada alone; counts how often it is read."""

    def __init__(self) -> None:
        self.reads = 0

    async def integration(self, user: str) -> Integration | None:
        self.reads += 1
        return Integration(secret_hash=hash_of("secret"), since=datetime.now(UTC)) if user == "ada" else None

    async def change_integration(self, user: str, **changes: object) -> None:
        pass


class Wishes:
    """Where wishes are kept. down: why they cannot be just now."""

    def __init__(self) -> None:
        self.there: dict[Wish, int] = {}
        self.down: ServiceError | None = None

    def _reach(self) -> None:
        if self.down is not None:
            raise self.down

    async def keep(self, wish: Wish, tries: int = 0) -> None:
        self._reach()
        self.there[wish] = tries

    async def is_kept(self, wish: Wish) -> bool:
        self._reach()
        return wish in self.there

    async def drop(self, wish: Wish) -> None:
        self._reach()
        self.there.pop(wish, None)

    async def all(self) -> list[tuple[Wish, int]]:
        return list(self.there.items())


class Harness:
    """An intake by a clock of the test's own. answers: what comes of each try of the work, None for done."""

    def __init__(self, answers: Sequence[Exception | None] = (), pauses_s: Sequence[float] = (0, 0, 0)) -> None:
        self.kept: Any = Kept()
        self.answers, self.now = list(answers), 0.0
        self.tries: list[tuple[str, Ask | None]] = []
        self.through = asyncio.Event()
        self.wishes: Any = Wishes()
        self.intake = Intake(self.kept, self.wishes, self._work, lambda ask: None, lambda: self.now, pauses_s)

    async def _work(self, user: str, asset_id: str, ask: Ask | None) -> None:
        self.tries.append((asset_id, ask))
        answer = self.answers.pop(0)
        if not self.answers:
            self.through.set()
        if answer is not None:
            raise answer

    async def call(
        self, user: str = "ada", secret: str = SECRET, address: str = "192.0.2.1", ask: object = None
    ) -> int:
        body = json.dumps({"data": {"asset": {"id": str(uuid.uuid4())}}, "ask": ask}).encode()
        try:
            await self.intake.call(user, secret, address, body)
        except Problem as problem:
            return problem.status
        return 202


async def test_strangers_are_refused_before_anything_is_read_and_known_people_are_heard_from_the_same_place() -> None:
    harness = Harness()
    assert await harness.call() == 202
    told = [await harness.call(f"stranger-{number}", "Bearer x") for number in range(40)]
    assert told == [401] * 20 + [429] * 20
    assert harness.kept.reads == 21, "one for Ada, and one for each that was not refused at once"
    assert await harness.call() == 202
    assert await harness.call(secret="Bearer x") == 429
    harness.now += 1000
    assert await harness.call("stranger-50", "Bearer x") == 401


async def test_addresses_of_one_household_are_one_stranger() -> None:
    harness = Harness()
    told = [await harness.call("stranger", "Bearer x", f"2001:db8:0:1::{number:x}") for number in range(30)]
    assert told == [401] * 20 + [429] * 10
    assert await harness.call("stranger", "Bearer x", "2001:db8:0:2::1") == 401


async def work(harness: Harness) -> None:
    """Works until the harness is through with all answers, and a little longer, in which nothing more comes."""
    task = asyncio.create_task(harness.intake.run())
    await asyncio.wait_for(harness.through.wait(), 20)
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_what_a_step_asks_for_is_tried_until_it_can_be_had() -> None:
    harness = Harness(
        [NotNow("2000 jobs are waiting already"), LibraryUnavailable("it does not answer", "immich"), None]
    )
    assert await harness.call(ask={"kind": "depth"}) == 202
    await work(harness)
    assert len(harness.tries) == 3 and len(set(harness.tries)) == 1 and harness.tries[0][1] == Ask("depth")
    assert not harness.intake._put_off and not harness.wishes.there


async def test_a_wish_that_cannot_be_kept_is_granted_all_the_same() -> None:
    harness = Harness([NotNow("2000 jobs are waiting already"), None])
    harness.wishes.down = Unavailable("NATS does not answer", down="nats")
    assert await harness.call(ask={"kind": "depth"}) == 202
    await work(harness)
    assert len(harness.tries) == 2


async def test_a_wish_that_another_gateway_has_granted_is_not_tried_again() -> None:
    harness = Harness([NotNow("not yet")], pauses_s=[0.1])
    await harness.call(ask={"kind": "depth"})
    task = asyncio.create_task(harness.intake.run())
    await asyncio.wait_for(harness.through.wait(), 20)
    harness.wishes.there.clear()
    async with asyncio.timeout(20):
        while harness.intake._put_off:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert len(harness.tries) == 1 and not harness.wishes.there


async def test_what_can_never_be_had_and_what_rules_want_is_not_tried_again() -> None:
    for ask, problem in (({"kind": "depth"}, PhotoNotFound("x")), (None, NotNow("no"))):
        harness = Harness([problem])
        await harness.call(ask=ask)
        await work(harness)
        assert len(harness.tries) == 1


async def test_what_a_step_asks_for_is_given_up_in_the_end_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(intake_module.log, "warning", lambda text, **more: said.append((text, more)))
    harness = Harness([NotNow("no")] * 4)
    await harness.call(ask={"kind": "depth"})
    await work(harness)
    [(text, more)] = said
    assert text == "what a step asked for is given up" and (more["tries"], more["error"]) == (4, "no")
    assert not harness.intake._put_off and not harness.wishes.there


async def test_so_many_wishes_wait_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "_PUT_OFF", 2)
    problem: ServiceError = LibraryUnavailable("it does not answer", "immich")
    harness = Harness([problem] * 3, pauses_s=[1000])
    for _ in range(3):
        await harness.call(ask={"kind": "depth"})
    task = asyncio.create_task(harness.intake.run())
    await asyncio.wait_for(harness.through.wait(), 20)
    while len(harness.intake._put_off) < 2:  # noqa: ASYNC110  # as the last is put off
        await asyncio.sleep(0)
    timers = [one.timer for one in harness.intake._put_off.values()]
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert len(timers) == 2 and all(timer is not None and timer.cancelled() for timer in timers)
