"""Tests' pool that waits for no child: it does, says and fails as one whose children do everything."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from immichvr_common.errors import DeadlineExceeded, TaskFailed, WorkerCrashed
from immichvr_common.processes.pool import ChildPool
from immichvr_common.sources import Source
from immichvr_common.tasks import Made, Task
from immichvr_common.testing.at_hand import PoolAtHand
from immichvr_common.testing.studio import needs_child

STUDIO = "immichvr_common.testing.studio:perform"


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    monkeypatch.setenv("STUDIO", str(tmp_path))
    photo, folder = tmp_path / "photo", tmp_path / "made"
    photo.write_bytes(b"light")
    folder.mkdir()
    return Task("splat", {"model": "auto"}, {"source": photo}, folder, Source.photo("one"), "beach.jpg")


async def told(pool: ChildPool, task: Task) -> tuple[list[Made] | tuple[str, str, bool], list[tuple[float, str, str]]]:
    """What a pool makes of a task, or why it does not, and what is told meanwhile."""
    heard: list[tuple[float, str, str]] = []
    try:
        made = await pool.run(task, lambda *step: heard.append(step), 20)
    except TaskFailed as error:
        return (error.code, error.message, error.retriable), heard
    finally:
        pool.close()
    return made, heard


@pytest.mark.parametrize("name", ["beach.jpg", "fail-fog.jpg"])
async def test_it_makes_and_says_what_a_child_does(task: Task, name: str) -> None:
    named = Task(task.kind, task.params, task.inputs, task.folder, task.source, name)
    here, there = await told(PoolAtHand(STUDIO, needs_child), named), await told(ChildPool(STUDIO), named)
    assert here == there
    assert here[1] == [(0.1, "decoded", "looking")]


@pytest.mark.parametrize(("deadline_s", "heard"), [(0.1, DeadlineExceeded), (20, asyncio.CancelledError)])
async def test_what_is_given_up_has_ended_before_the_next_begins(
    task: Task, tmp_path: Path, deadline_s: float, heard: type[BaseException]
) -> None:
    pool, ends = PoolAtHand("immichvr_common.testing.trial:perform", lambda _: False), tmp_path / "ends"
    slow = replace(task, params={"do": "sleep", "seconds": 0.5, "ends": str(ends)})
    thinking = asyncio.Event()
    running = asyncio.create_task(pool.run(slow, lambda *_: thinking.set(), deadline_s))
    await thinking.wait()
    if heard is asyncio.CancelledError:
        running.cancel()
    with pytest.raises(heard):
        await running
    assert ends.exists()
    pool.close()


async def test_what_crashes_does_so_in_a_child(task: Task) -> None:
    pool = PoolAtHand(STUDIO, needs_child)
    with pytest.raises(WorkerCrashed):
        await pool.run(
            Task(task.kind, task.params, task.inputs, task.folder, task.source, "crash-car.jpg"), lambda *_: None, 20
        )
    pool.close()
