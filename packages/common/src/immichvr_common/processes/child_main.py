"""The process that does the work: reads tasks from a socket, runs one function, answers.

Run as `python -m immichvr_common.processes.child_main <fd> <module:function> <memory_mb> <logs> <spans>
[<module:function>]`; logs: how the parent writes its log, or empty; spans: empty where the parent records none; the
last, if given, makes ready ahead what tasks need, in steps: they are taken while no task waits, so that a task waits
for one of them at most. It ends when its parent does.
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from immichvr_common.imports import service_imports
from immichvr_common.processes.failures import failure_of
from immichvr_common.processes.frames import receive, send
from immichvr_common.processes.messages import Message, Progress, Ready, Result, Taken, Told, packed
from immichvr_common.tasks import Batch, Capability, Failure, Task
from immichvr_common.telling import tell_through
from immichvr_common.tracing import send_spans_to, span

Send = Callable[[Message], None]

_PR_SET_PDEATHSIG = 1


def main() -> None:
    fd, target, memory_mb = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    _end_with_parent()
    # Ctrl-C in a terminal reaches the whole group; the parent decides what happens to this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=fd)
    tell = _one_at_a_time(connection)
    tell_through(lambda news: tell(Told(news)))
    if sys.argv[5]:
        send_spans_to(lambda done: tell(Told(done)))
    with service_imports():
        if sys.argv[4]:
            # Takes as long to import as all else here, and a parent that writes no log asks for none.
            from immichvr_common.logs import configure_logs_as

            configure_logs_as(sys.argv[4])
        capability: Capability = _named(target)
        begin = _named(sys.argv[6]) if len(sys.argv) > 6 else None
    ahead = begin() if begin is not None else iter(())
    if memory_mb:
        # What compiling takes, say, is not to count as a task's.
        _take(ahead, lambda: True)
        _limit_memory(memory_mb)
    tell(Ready())
    with contextlib.suppress(EOFError, OSError):
        while True:
            _take(ahead, lambda: not _is_spoken_to(connection))
            task = receive(connection)
            tell(Taken())
            tell(_answer(capability, task, tell))


def _take(steps: Iterator[None], may_go_on: Callable[[], bool]) -> None:
    """Takes what is left of the steps. Where one fails, tasks do without it and those after it."""
    while may_go_on():
        try:
            next(steps)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001  # whatever it is, a task that needs the same tells of it
            from immichvr_common.logs import get_log

            get_log(__name__).error("a child is not ready for all tasks ahead", exc_info=error)
            return


def _is_spoken_to(connection: socket.socket) -> bool:
    """Whether the parent has said something, or has gone."""
    try:
        connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:  # it left something unread
        return True
    return True


def _one_at_a_time(connection: socket.socket) -> Send:
    """Sending as any thread may."""
    lock = threading.Lock()

    def send_one(message: Message) -> None:
        with lock:
            send(connection, packed(message))

    return send_one


def _named(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _answer(capability: Capability, task: Task | Batch, tell: Send) -> Result | Failure:
    last, last_stage = 0.0, ""

    def report(fraction: float, stage: str, message: str = "") -> None:
        nonlocal last, last_stage
        now = time.monotonic()
        # A loop may report every row; the parent gets each stage, and ten messages a second within one.
        if now - last > 0.1 or stage != last_stage:
            last, last_stage = now, stage
            tell(Progress(fraction, stage, message))

    try:
        with _recorded(task):
            return Result(capability(task, report))
    except MemoryError:
        return Failure("out_of_memory", "the work needs more memory than it may take", True)
    except Exception as error:  # noqa: BLE001  # whatever a capability raises is told to the parent, none is lost
        return failure_of(error)


@contextlib.contextmanager
def _recorded(work: Task | Batch) -> Iterator[None]:
    """A span around the work, for each task whose way is followed."""
    with contextlib.ExitStack() as stack:
        for task in work.tasks if isinstance(work, Batch) else (work,):
            stack.enter_context(span(f"{task.kind} in a child", task.traceparent, pid=os.getpid()))
        yield


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
