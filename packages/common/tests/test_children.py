"""Children that die or stop in the middle: what is said of it, and that nobody else is held up."""

import asyncio
import signal
import socket
from pathlib import Path

import psutil
import pytest
from immichvr_common.errors import DeadlineExceeded, WorkerCrashed
from immichvr_common.processes import child_main
from immichvr_common.processes.child import Child
from immichvr_common.processes.deaths import Death, memory_kills_so_far
from immichvr_common.processes.pool import ChildPool
from immichvr_common.tasks import Task
from immichvr_common.testing.trial import ahead as steps_ahead
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

TRIAL, AHEAD = "immichvr_common.testing.trial:perform", "immichvr_common.testing.trial:ahead"


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


@pytest.fixture
def ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a child's steps say that they have begun, and learn that they may end."""
    (folder := tmp_path / "ahead").mkdir()
    monkeypatch.setenv("AHEAD", str(folder))
    return folder


async def there(path: Path) -> None:
    async with asyncio.timeout(30):
        while not path.exists():  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.01)


async def test_a_task_waits_for_one_step_of_what_is_made_ready_ahead_and_the_next_one_for_the_task(
    tmp_path: Path, ahead: Path
) -> None:
    pool, ends = ChildPool(TRIAL, warm=AHEAD), tmp_path / "ends"
    await pool.warm()
    await there(ahead / "begun-0")
    given = asyncio.Event()

    async def begun() -> None:
        given.set()  # whoever waits for it goes on when the child has its task

    work = task(tmp_path, do="sleep", seconds=0.2, ends=str(ends))
    doing = asyncio.create_task(pool.run(work, lambda *_: None, 60, begun=begun))
    await given.wait()
    (ahead / "may-end-0").touch()
    await asyncio.wait_for(doing, 30)
    await there(ahead / "begun-1")
    assert (ahead / "begun-1").stat().st_mtime_ns >= ends.stat().st_mtime_ns
    pool.close()


async def test_with_a_limit_of_memory_all_is_ready_before_the_first_task(tmp_path: Path, ahead: Path) -> None:
    for number in range(3):
        (ahead / f"may-end-{number}").touch()
    pool = ChildPool(TRIAL, memory_mb=512, warm=AHEAD)
    await pool.warm()
    assert (ahead / "begun-2").exists()
    pool.close()


async def test_a_step_that_fails_costs_no_task(tmp_path: Path, ahead: Path) -> None:
    for name in ("fails", "may-end-0"):
        (ahead / name).touch()
    pool, pids = ChildPool(TRIAL, warm=AHEAD), tmp_path / "pids"
    for _ in range(2):
        await pool.run(task(tmp_path, do="sleep", seconds=0, marker=str(pids)), lambda *_: None, 60)
        await there(ahead / "begun-0")
    first, second = pids.read_text().split()
    assert first == second and not (ahead / "begun-1").exists()
    pool.close()


async def gone(child: Child) -> None:
    told = asyncio.Event()
    child.when_dead(lambda _: told.set())
    await asyncio.wait_for(told.wait(), 30)


async def test_a_child_that_dies_while_no_task_is_on_it_is_told_of(ahead: Path) -> None:
    pool = ChildPool(TRIAL, warm=AHEAD)
    await pool.warm()
    [child] = pool._idle
    with capture_logs() as logs:
        for name in ("dies", "may-end-0"):
            (ahead / name).touch()
        await gone(child)
    [told] = logs
    assert told["event"] == "a child died while no task was on it" and "died of SIGSEGV" in told["error"]
    assert not pool._idle
    pool.close()


async def test_a_child_that_is_ended_or_dies_at_work_is_not_told_of(tmp_path: Path) -> None:
    pool = ChildPool(TRIAL)
    with capture_logs() as logs:
        with pytest.raises(WorkerCrashed):
            await pool.run(task(tmp_path, do="killed"), lambda *_: None, 60)
        await pool.warm()
        [child] = pool._idle
        pool.close()
        await gone(child)
    assert logs == []


async def test_a_task_that_the_child_never_took_is_done_by_another(tmp_path: Path, ahead: Path) -> None:
    pool, pids = ChildPool(TRIAL, warm=AHEAD), tmp_path / "pids"
    await pool.warm()
    await there(ahead / "begun-0")
    [first] = pool._idle
    begins = 0

    async def begun() -> None:
        nonlocal begins
        begins += 1
        for name in ("dies", "may-end-0"):
            (ahead / name).touch()

    work = task(tmp_path, do="sleep", seconds=0, marker=str(pids))
    with capture_logs() as logs:
        assert len(await pool.run(work, lambda *_: None, 60, begun=begun)) == 1
    [second] = pool._idle
    assert second.process.pid == int(pids.read_text()) != first.process.pid and begins == 1
    assert [one["event"] for one in logs] == ["a child died before it took its task"]
    pool.close()


async def test_a_task_that_its_child_died_of_is_not_given_to_another_unasked(tmp_path: Path) -> None:
    pool, marker = ChildPool(TRIAL), tmp_path / "marker"
    with pytest.raises(WorkerCrashed):
        await pool.run(task(tmp_path, do="killed-once", marker=str(marker)), lambda *_: None, 60)
    assert len(marker.read_text().split()) == 1
    pool.close()


def test_a_parent_that_went_and_left_something_unread_is_no_step_that_failed(ahead: Path) -> None:
    parents, ours = socket.socketpair()
    ours.send(b"ready")
    parents.close()
    with capture_logs() as logs:
        child_main._take(steps_ahead(), lambda: not child_main._is_spoken_to(ours))
    assert logs == [] and not list(ahead.iterdir())
    ours.close()
