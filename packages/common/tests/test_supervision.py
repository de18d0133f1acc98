"""Long-lived tasks are missed when they fail, and come back; names are held by one at a time."""

from __future__ import annotations

import asyncio

import pytest
from immichvr_common.locks import KeyedLocks
from immichvr_common.supervision import Supervisor


async def test_a_task_that_fails_is_down_told_of_and_started_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("immichvr_common.supervision._FIRST_DELAY_S", 0.01)
    monkeypatch.setattr("immichvr_common.supervision._HEALTHY_S", 0.05)
    supervisor, starts, again = Supervisor(), list[int](), asyncio.Event()

    async def work() -> None:
        starts.append(1)
        if len(starts) == 1:
            raise KeyError("nobody foresaw this")
        again.set()
        await asyncio.Event().wait()

    supervisor.keep("reader", work)
    async with asyncio.timeout(5):
        await again.wait()
        assert supervisor.down == ["reader"]
        while supervisor.down:  # noqa: ASYNC110  # it recovers by itself, after a while
            await asyncio.sleep(0.01)
    await supervisor.stop()
    told = capsys.readouterr()
    assert "nobody foresaw this" in told.out + told.err and "reader" in told.out + told.err


async def test_an_errand_that_fails_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    supervisor, done = Supervisor(), asyncio.Event()

    async def work() -> None:
        done.set()
        raise ValueError("a bad errand")

    supervisor.errand("news", work())
    await done.wait()
    await asyncio.sleep(0)
    told = capsys.readouterr()
    assert "a bad errand" in told.out + told.err
    await supervisor.stop()


async def test_nobody_holds_a_name_beside_another_however_many_names_there_are() -> None:
    locks, inside, most = KeyedLocks(), 0, 0

    async def enter() -> None:
        nonlocal inside, most
        async with locks.hold("job"):
            inside += 1
            most = max(most, inside)
            for _ in range(3):
                await asyncio.sleep(0)
            inside -= 1

    async def touch(name: str) -> None:
        async with locks.hold(name):
            await asyncio.sleep(0)

    waves = [task for wave in range(5) for task in (enter(), *(touch(f"{wave}-{one}") for one in range(1100)))]
    await asyncio.gather(*waves)
    assert most == 1
    assert len(locks) == 0
