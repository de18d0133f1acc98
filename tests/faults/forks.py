"""Processes of services that begin where their imports end.

To import what a gateway is made of takes it longer than to start, and these tests start dozens of them. Run as a
script, this imports that once and becomes, fork by fork, what it is asked for: a process with a session, an environment
and a log of its own, which any signal ends and whose children are programs of their own, as everywhere. How a service
starts from nothing is for the tests of the whole stack.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from immichvr_common.imports import service_imports

GATEWAY = ("-m", "immichvr_gateway")
_IMPORTED = (
    "immichvr_gateway.running", "immichvr_common.service", "immichvr_ai.settings", "immichvr_video_depth.settings",
)  # fmt: skip


class Forked:
    """A process that was forked: as much of `subprocess.Popen` as tests ask of one."""

    def __init__(self, pid: int, ended: Future[int]) -> None:
        self.pid, self._ended = pid, ended

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs, as far as has been told."""
        return self._ended.result() if self._ended.done() and self._ended.exception() is None else None

    def wait(self, timeout: float | None = None) -> int:
        """The same, once it has ended. Raises TimeoutError, and RuntimeError where nobody tells any more."""
        return self._ended.result(timeout)

    def send_signal(self, number: int) -> None:
        """Sends it a signal; one that has ended gets none."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # its end is told a moment after it
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Asks it to end."""
        self.send_signal(signal.SIGTERM)


class Forks:
    """Starts processes by asking the script below; to be closed."""

    def __init__(self) -> None:
        self._script = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._asking, self._started = threading.Lock(), Future[int]()
        self._ends: dict[int, Future[int]] = {}
        threading.Thread(target=self._hear, daemon=True).start()

    def start(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Forked:
        """Starts `python command…`: `-m` and a module, or a script, and its arguments. What it says goes to the log."""
        assert self._script.stdin is not None
        with self._asking:
            self._started = Future()
            json.dump([[*command], dict(environment), str(log)], self._script.stdin)
            self._script.stdin.write("\n")
            self._script.stdin.flush()
            pid = self._started.result(60)
            return Forked(pid, self._ends[pid])

    def close(self) -> None:
        """Starts none any more."""
        assert self._script.stdin is not None
        self._script.stdin.close()
        self._script.wait()

    def _hear(self) -> None:
        assert self._script.stdout is not None
        for line in self._script.stdout:
            pid, code = json.loads(line)
            if code is None:
                self._ends[pid] = Future()
                self._started.set_result(pid)
            else:
                self._ends[pid].set_result(code)
        for one in (self._started, *self._ends.values()):
            if not one.done():
                one.set_exception(RuntimeError("what forks the tests' processes has ended"))


def _serve() -> Callable[[], Any] | None:
    """Forks as it is asked to: in a process that was forked, what that is to run; None once nobody asks any more."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    asked = os.fdopen(os.dup(0), "rb", buffering=0)
    while True:
        ready, _, _ = select.select([asked, woken], [], [])
        if woken in ready:
            os.read(woken, 1000)
            _tell_of_ends()
        if asked in ready:
            line = asked.readline()
            if not line:
                return None
            command, environment, log = json.loads(line)
            if (pid := os.fork()) == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for one in (woken, wake, asked.fileno()):
                    os.close(one)
                return _become(command, environment, Path(log))
            _tell(pid, None)


def _tell_of_ends() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _tell(pid, os.waitstatus_to_exitcode(status))


def _tell(pid: int, code: int | None) -> None:
    os.write(1, f"{json.dumps([pid, code])}\n".encode())


def _become(command: list[str], environment: dict[str, str], log: Path) -> Callable[[], Any]:
    os.setsid()
    null, out = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for standard, to in enumerate((null, out, out)):
        os.dup2(to, standard)
    os.close(null)
    os.close(out)
    os.environ.clear()
    os.environ.update(environment)
    if command[0] == "-m":
        sys.argv = command[1:]
        return lambda: runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    sys.argv = [*command]
    return lambda: runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    with service_imports():
        for name in _IMPORTED:
            importlib.import_module(name)
    gc.freeze()
    run = _serve()
    if run is not None:
        run()
