"""Processes that tests of faults fork: their ends are told by another process, a moment later or never."""

import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from .conftest import Process
from .forks import Forked, Forks


@pytest.fixture
async def own_queue() -> None:
    """Nothing here puts a job on a queue."""


def test_to_end_what_has_ended_already_is_no_fault_though_its_end_is_not_told_yet(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    ended: Future[int] = Future()
    forked = Forked(gone.pid, ended)
    forked.terminate()
    assert forked.poll() is None
    with ThreadPoolExecutor() as threads:
        stopping = threads.submit(Process(forked, tmp_path / "log").stop)
        ended.set_result(0)
        stopping.result(20)


def test_nobody_waits_for_the_end_of_a_process_that_nobody_tells_of_any_more(tmp_path: Path) -> None:
    (tmp_path / "sleep.py").write_text("import time; time.sleep(600)")
    forks = Forks()
    process = Process(forks.start([str(tmp_path / "sleep.py")], os.environ, tmp_path / "log"), tmp_path / "log")
    forks._script.kill()
    with pytest.raises(RuntimeError, match="has ended"):
        process.popen.wait(20)
    with pytest.raises(RuntimeError, match="has ended"):
        process.stop()
