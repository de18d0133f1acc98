"""The process that does the work: reads tasks from a socket, runs one function, answers.

Run as `python -m immichvr_common.child <fd> <module:function> <memory_mb> [<module:function>]`; the last, if given,
is called once before the first task. It ends when its parent does.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import resource
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from immichvr_common.errors import ServiceError, disk_full
from immichvr_common.frames import receive, send
from immichvr_common.telling import tell_through

Send = Callable[[tuple[Any, ...]], None]

_PR_SET_PDEATHSIG = 1


def main() -> None:
    fd, target, memory_mb = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    _end_with_parent()
    # Ctrl-C in a terminal reaches the whole group; the parent decides what happens to this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=fd)
    tell = _one_at_a_time(connection)
    tell_through(lambda news: tell(("news", news)))
    function = _named(target)
    if len(sys.argv) > 4:
        _named(sys.argv[4])()
    if memory_mb:
        _limit_memory(memory_mb)
    tell(("ready",))
    with contextlib.suppress(EOFError, OSError):
        while True:
            task = receive(connection)
            tell(_answer(function, task, tell))


def _one_at_a_time(connection: socket.socket) -> Send:
    """Sending as any thread may."""
    lock = threading.Lock()

    def send_one(message: tuple[Any, ...]) -> None:
        with lock:
            send(connection, message)

    return send_one


def _named(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _answer(function: Any, task: Any, tell: Send) -> tuple[Any, ...]:
    last, last_stage = 0.0, ""

    def report(fraction: float, stage: str, message: str = "") -> None:
        nonlocal last, last_stage
        now = time.monotonic()
        # A loop may report every row; the parent gets each stage, and ten messages a second within one.
        if now - last > 0.1 or stage != last_stage:
            last, last_stage = now, stage
            tell(("progress", fraction, stage, message))

    try:
        return ("result", function(task, report))
    except MemoryError:
        return ("error", "out_of_memory", "the work needs more memory than it may take", True)
    except Exception as error:  # noqa: BLE001  # whatever a capability raises is told to the parent, none is lost
        return ("error", *described(error))


def described(error: Exception) -> tuple[str, str, bool]:
    """The code of an error, its message, and whether the task may be tried again."""
    if type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error):
        return "out_of_memory", f"the work needs more memory than there is: {error}", True
    error = disk_full(error) or error
    code = getattr(error, "code", None)
    if isinstance(error, ServiceError):
        return error.code, error.message, error.retriable
    if isinstance(code, str):
        remedy = getattr(error, "remedy", "")
        message = f"{error}; {remedy}" if remedy else str(error)
        return code, message, bool(getattr(error, "retriable", False))
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno}"
    return "internal", f"{type(error).__name__} in {where}: {error}", False


def _limit_memory(megabytes: int) -> None:
    """Caps the address space at what is mapped already plus `megabytes`."""
    mapped = 0
    with contextlib.suppress(OSError):
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    if mapped:
        limit = mapped + megabytes * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _end_with_parent() -> None:
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
