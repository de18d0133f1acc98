"""Long-lived tasks are missed when they fail, and come back; names are held by one at a time."""

from __future__ import annotations

import asyncio
import gc

import pytest
from immichvr_common.locks import KeyedLocks
from immichvr_common.supervision import Supervisor, spawn
from immichvr_common.testing.tasks import Deaths


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


async def test_a_task_that_dies_unseen_fails_its_test(no_task_dies_unseen: Deaths) -> None:
    async def die() -> None:
        raise KeyError("nobody looks")

    async def look(task: asyncio.Task[None]) -> None:
        with pytest.raises(KeyError):
            await task

    forgotten = asyncio.create_task(die())
    await look(asyncio.create_task(die()))
    await asyncio.wait({forgotten})
    [words] = no_task_dies_unseen.unseen()
    assert "nobody looks" in words


async def test_what_is_spawned_is_told_of_when_it_fails_and_lives_though_nobody_holds_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0.01)
        ended.set()
        raise ValueError("a bad errand")

    spawn("news", work())
    gc.collect()
    await asyncio.wait_for(ended.wait(), 5)
    await asyncio.sleep(0)
    assert "a bad errand" in "".join(capsys.readouterr())


async def test_a_task_that_loses_its_cancel_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("immichvr_common.supervision._CANCEL_AGAIN_S", 0.01)
    lost: list[str] = []

    async def deaf() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if lost:
                    raise
                lost.append("once")

    supervisor = Supervisor()
    supervisor.keep("deaf", deaf)
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await supervisor.stop()
    assert lost == ["once"]
