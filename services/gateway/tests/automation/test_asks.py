"""What a step of a workflow asks for outlives the gateway that was asked."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from immichvr_common.bus import Bus
from immichvr_common.bus.streams import KV_STATE
from immichvr_gateway.automation.asks import Ask, Asks, Wish
from immichvr_gateway.automation.intake import Intake, hash_of
from immichvr_gateway.automation.making import NotNow
from immichvr_gateway.automation.records import AutomationRecords, Integration

PHOTO = "0c9b2b0e-2a3c-4d59-9a51-7a1c6f1e0c11"
BODY = json.dumps({"data": {"asset": {"id": PHOTO}}, "ask": {"kind": "depth"}}).encode()


class Gateway:
    """What a gateway does with wishes. answer: what comes of each try."""

    def __init__(self, bus: Bus, answer: Exception | None = None) -> None:
        self.answer, self.tried = answer, asyncio.Queue[tuple[str, str, Ask | None]]()
        self.records = AutomationRecords(bus)
        self.intake = Intake(self.records, Asks(bus), self._work, lambda ask: None, pauses_s=(3600,) * 3)
        self._running: asyncio.Task[None] | None = None

    async def _work(self, *call: Any) -> None:
        self.tried.put_nowait(call)
        if self.answer is not None:
            raise self.answer

    async def __aenter__(self) -> Gateway:
        await self.records.put_integration("ada", Integration(secret_hash=hash_of("secret"), since=datetime.now(UTC)))
        self._running = asyncio.create_task(self.intake.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._running is not None
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running


async def _until(asks: Asks, tries: list[int]) -> None:
    async with asyncio.timeout(20):
        while [one for _, one in await asks.all()] != tries:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)


async def test_what_could_not_be_had_yet_is_tried_again_after_a_restart_and_once(empty_bus: Bus) -> None:
    asks = Asks(empty_bus)
    async with Gateway(empty_bus, NotNow("2000 jobs are waiting already")) as before:
        for tries in (1, 2):  # Immich tells of a photo twice
            await before.intake.call("ada", "Bearer secret", "192.0.2.1", BODY)
            await _until(asks, [tries])
    async with Gateway(empty_bus) as after:
        assert await asyncio.wait_for(after.tried.get(), 20) == ("ada", PHOTO, Ask("depth"))
        await _until(asks, [])
        assert after.tried.empty()
    async with Gateway(empty_bus) as later:
        await _until(asks, [])
        assert later.tried.empty()


async def test_wishes_of_somebody_who_switches_everything_off_are_forgotten_and_nobody_else_s(empty_bus: Bus) -> None:
    asks, records = Asks(empty_bus), AutomationRecords(empty_bus)
    hers, his = Wish("ada", PHOTO, Ask("depth")), Wish("ben", PHOTO, Ask("splat", "da2-small", "light"))
    await asks.keep(hers)
    await asks.keep(his, 2)
    await records.forget("ada", undone=True)
    assert await asks.all() == [(his, 2)] and not await asks.is_kept(hers)


async def test_what_another_release_wrote_is_read_past(empty_bus: Bus) -> None:
    asks, wish = Asks(empty_bus), Wish("ada", PHOTO, Ask("depth"))
    state = empty_bus.kv(KV_STATE)
    await state.put("ask.ada.0", b"not JSON")
    await state.put("ask.ada.1", json.dumps({"asset_id": PHOTO}).encode())
    await state.put(wish.key, json.dumps({"asset_id": PHOTO, "kind": "depth", "newer": [1]}).encode())
    assert await asks.all() == [(wish, 0)]
