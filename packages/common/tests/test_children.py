"""Children that die or stop in the middle: what is said of it, and that nobody else is held up."""

import asyncio
import signal
from pathlib import Path

import psutil
import pytest
from immichvr_common.errors import DeadlineExceeded, WorkerCrashed
from immichvr_common.processes.deaths import Death, memory_kills_so_far
from immichvr_common.processes.pool import ChildPool
from immichvr_common.tasks import Task
from prometheus_client import REGISTRY

TRIAL = "immichvr_common.testing.trial:perform"


def task(folder: Path, **params: object) -> Task:
    return Task("depth", params, {}, folder)


@pytest.mark.parametrize(
    ("death", "code", "words"),
    [
        (Death(-signal.SIGKILL, 3_200_000_000, 1), "out_of_memory", "for lack of memory; it had taken 3,200 MB"),
        (
            Death(-signal.SIGKILL, 40_000_000, 0),
            "worker_crashed",
            "the kernel reports no lack of memory",
        ),
        (Death(-signal.SIGKILL, 40_000_000, None), "worker_crashed", "why is not known"),
        (Death(-signal.SIGSEGV, 40_000_000, 1), "worker_crashed", "died of SIGSEGV"),
        (Death(-63, 0, 0), "worker_crashed", "died of signal 63"),
        (Death(3, 40_000_000, 0), "worker_crashed", "ended with status 3"),
    ],
)
def test_a_death_is_called_a_lack_of_memory_only_where_the_kernel_says_so(death: Death, code: str, words: str) -> None:
    error = death.error()
    assert (error.code, error.retriable) == (code, True)
    assert words in error.message


def test_the_kernels_count_can_be_read_here() -> None:
    if not Path("/proc/vmstat").exists():
        pytest.skip("only Linux counts")
    assert (memory_kills_so_far() or 0) >= 0


async def test_a_child_that_dies_is_counted_and_one_that_is_ended_is_not(tmp_path: Path) -> None:
    def deaths() -> float:
        return REGISTRY.get_sample_value("immichvr_child_deaths_total", {"why": "worker_crashed"}) or 0.0

    before, pool = deaths(), ChildPool(TRIAL)
    with pytest.raises(WorkerCrashed):
        await pool.run(task(tmp_path, do="killed"), lambda *_: None, 60)
    assert deaths() == before + 1
    with pytest.raises(DeadlineExceeded):
        await pool.run(task(tmp_path, do="hang"), lambda *_: None, 0.5)
    pool.close()
    assert deaths() == before + 1


async def test_a_killed_child_is_told_with_its_memory_and_without_a_guess(tmp_path: Path) -> None:
    pool = ChildPool(TRIAL)
    with pytest.raises(WorkerCrashed, match=r"killed from outside \(it had taken [\d,]+ MB at most; "):
        await pool.run(task(tmp_path, do="killed"), lambda *_: None, 60)
    pool.close()


async def test_a_child_that_stops_in_the_middle_of_its_answer_holds_up_nobody_but_its_task(tmp_path: Path) -> None:
    pool = ChildPool(TRIAL, 2)
    begun = asyncio.Event()
    stalling = asyncio.create_task(pool.run(task(tmp_path, do="stall"), lambda *_: begun.set(), 2))
    await begun.wait()
    [child] = [psutil.Process(one.process.pid) for one in pool._busy]
    async with asyncio.timeout(5):
        while child.status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110  # the kernel tells nobody else
            await asyncio.sleep(0.01)
    assert len(await asyncio.wait_for(pool.run(task(tmp_path), lambda *_: None, 60), 20)) == 1
    with pytest.raises(DeadlineExceeded):
        await stalling
    pool.close()
