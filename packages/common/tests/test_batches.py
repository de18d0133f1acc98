"""Tasks that wait for a child go to it together, and each has an outcome of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from immichvr_common.errors import TaskFailed, WorkerCrashed
from immichvr_common.processes.batching import BatchingPool
from immichvr_common.processes.pool import Begun, ChildPool, unnoticed
from immichvr_common.sources import Source
from immichvr_common.tasks import Made, Task
from immichvr_common.testing.together import key

TOGETHER = "immichvr_common.testing.together:perform"


class Bench:
    """A pool with one child whose tasks begin when the gate is opened."""

    def __init__(self, folder: Path, most: int = 3) -> None:
        self.pool = BatchingPool(ChildPool(TOGETHER), key, most)
        self.folder, self.log, self.gate = folder, folder / "log", folder / "gate"
        self.stages: dict[str, list[str]] = {}

    def start(self, name: str, colour: str = "red", do: str = "", begun: Begun = unnoticed) -> asyncio.Task[list[Made]]:
        params = {"log": str(self.log), "gate": str(self.gate), "do": do, **({"colour": colour} if colour else {})}
        told = self.stages.setdefault(name, [])
        task = Task("depth", params, {}, self.folder, source=Source.photo(name))
        running = self.pool.run(
            task, lambda fraction, stage, message: told.append(f"{stage} {message}"), 30, begun=begun
        )
        return asyncio.create_task(running)

    async def begun(self, *lines: str) -> None:
        """Waits until the child has begun this, and nothing else."""
        async with asyncio.timeout(20):
            # Another process writes the file.
            while not self.log.exists() or self.log.read_text().splitlines() != list(lines):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def queued(self, count: int) -> None:
        """Waits until so many tasks wait for the child: their keys are looked up beside the loop."""
        async with asyncio.timeout(20):
            while sum(map(len, self.pool._waiting.values())) != count:  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(0.005)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.pool.close()


def beside(made: list[Made]) -> Any:
    return made[0].details["beside"]


async def test_the_first_is_done_at_once_and_what_waits_meanwhile_goes_together(bench: Bench) -> None:
    first = bench.start("first")
    await bench.begun("first 1")
    later = [bench.start(name) for name in ("b", "c", "d", "e")]
    await bench.queued(4)
    bench.gate.touch()
    assert beside(await first) == 1
    assert [beside(await one) for one in later] == [3, 3, 3, 1]
    assert bench.stages["c"][0] == "begun 3"


async def test_nobody_waits_while_a_key_is_looked_up_on_a_slow_disk(tmp_path: Path) -> None:
    looked_up = threading.Event()

    def slow_key(task: Task) -> str:
        assert looked_up.wait(20)
        return key(task)

    bench = Bench(tmp_path)
    bench.pool.close()
    bench.pool = BatchingPool(ChildPool(TOGETHER), slow_key, 3)
    bench.gate.touch()
    running = bench.start("a")
    await asyncio.sleep(0.05)  # the loop goes round while the key is looked up
    looked_up.set()
    assert beside(await running) == 1
    bench.pool.close()


async def test_other_tasks_do_not_go_with_them(bench: Bench) -> None:
    first = bench.start("first")
    await bench.begun("first 1")
    red, blue, plain = bench.start("b"), bench.start("c", "blue"), bench.start("d", colour="")
    also_red = bench.start("e")
    await bench.queued(3)
    bench.gate.touch()
    assert [beside(await one) for one in (first, red, also_red, blue, plain)] == [1, 2, 2, 1, 1]


async def test_one_that_fails_fails_alone(bench: Bench) -> None:
    first = bench.start("first")
    await bench.begun("first 1")
    good, bad = bench.start("good"), bench.start("bad", do="fail")
    await bench.queued(2)
    bench.gate.touch()
    await first
    with pytest.raises(TaskFailed, match="no such colour"):
        await bad
    assert beside(await good) == 2


@pytest.mark.parametrize("do", ["spoil", "break"])
async def test_one_that_spoils_a_whole_batch_fails_alone_too(bench: Bench, do: str) -> None:
    first = bench.start("first")
    await bench.begun("first 1")
    bad, good = bench.start("bad", do=do), bench.start("good")
    await bench.queued(2)
    bench.gate.touch()
    await first
    with pytest.raises(TaskFailed):
        await bad
    assert beside(await good) == 1


async def test_a_crash_costs_only_the_task_that_did_it(bench: Bench) -> None:
    first = bench.start("first")
    await bench.begun("first 1")
    bad, good = bench.start("bad", do="crash"), bench.start("good")
    await bench.queued(2)
    bench.gate.touch()
    await first
    with pytest.raises(WorkerCrashed):
        await bad
    assert beside(await good) == 1


async def test_cancelling_one_leaves_the_others_of_its_batch(bench: Bench) -> None:
    first = bench.start("first")
    await bench.begun("first 1")
    unwanted, wanted, late = bench.start("b"), bench.start("c"), bench.start("d")
    await asyncio.sleep(0)
    late.cancel()  # before its batch begins
    bench.gate.touch()
    await first
    unwanted.cancel()
    assert beside(await wanted) == 2
    with pytest.raises(asyncio.CancelledError):
        await unwanted
    with pytest.raises(asyncio.CancelledError):
        await late


async def test_one_that_is_cancelled_as_its_batch_begins_leaves_the_others(bench: Bench) -> None:
    async def cancelled() -> None:
        raise asyncio.CancelledError

    first = bench.start("first")
    await bench.begun("first 1")
    bench.start("b", begun=cancelled)
    wanted = bench.start("c")
    await bench.queued(2)
    bench.gate.touch()
    await first
    assert beside(await wanted) == 2


async def test_when_nobody_waits_for_a_batch_its_child_goes(bench: Bench) -> None:
    alone = bench.start("alone")
    await bench.begun("alone 1")
    alone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await alone
    bench.gate.touch()
    assert beside(await bench.start("next")) == 1
    assert bench.log.read_text().splitlines() == ["alone 1", "next 1"]


async def test_nothing_goes_together_where_one_at_a_time_is_asked_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path, most=1)
    bench.gate.touch()
    running = [bench.start(name) for name in ("a", "b", "c")]
    assert [beside(await one) for one in running] == [1, 1, 1]
    bench.pool.close()
