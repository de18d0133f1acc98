"""Runs capabilities in child processes that can be watched, killed and forgotten.

A child keeps what it loaded (models) between tasks and goes when it has been idle, so that memory is really
given back; a crash or a lack of memory costs one task.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from immichvr_common.errors import DeadlineExceeded, OutOfMemory, TaskFailed, WorkerCrashed
from immichvr_common.logs import get_log
from immichvr_common.tasks import Made, Task

log = get_log(__name__)

ProgressSink = Callable[[float, str, str], None]


class Child:
    """One child process and the connection to it."""

    def __init__(self, target: str, memory_mb: int | None, warm: str = "") -> None:
        ours, theirs = socket.socketpair()
        arguments = [str(theirs.fileno()), target, str(memory_mb or 0), *([warm] if warm else [])]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "immichvr_common.child", *arguments],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self.connection = Connection(ours.detach())
        self.ready = False
        self.idle_since = time.monotonic()

    async def receive(self) -> Any:
        """The child's next message. Raises EOFError when it is gone."""
        loop = asyncio.get_running_loop()
        fd = self.connection.fileno()
        readable = asyncio.Event()
        loop.add_reader(fd, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(fd)
        try:
            return self.connection.recv()
        except OSError as error:
            raise EOFError from error

    def kill(self) -> None:
        """Ends the child and everything it started, now."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.connection.close()


class ChildPool:
    """Up to `size` children that run one function `module:function`.

    idle_s: a child with nothing to do for so long is ended. memory_mb: what a child may take beyond its start.
    warm: a function `module:function` that each child calls before its first task.
    """

    def __init__(
        self, target: str, size: int = 1, idle_s: float = 300, memory_mb: int | None = None, warm: str = ""
    ) -> None:
        self._target, self._idle_s, self._memory_mb, self._warm = target, idle_s, memory_mb, warm
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._sweeper: asyncio.Task[None] | None = None

    async def warm(self) -> None:
        """Starts one child ahead of the first task."""
        async with self._slots:
            if self._idle or self._busy:
                return
            child = Child(self._target, self._memory_mb, self._warm)
            self._busy.add(child)
            try:
                await self._await_ready(child)
            except (WorkerCrashed, OutOfMemory) as error:
                log.error("a child did not start", error=error.message)
                child.kill()
            else:
                child.idle_since = time.monotonic()
                self._idle.append(child)
            finally:
                self._busy.discard(child)

    async def run(self, task: Task, progress: ProgressSink, deadline_s: float) -> list[Made]:
        """Runs one task.

        Raises TaskFailed with the capability's own code, DeadlineExceeded, OutOfMemory or WorkerCrashed.
        Cancelling the call kills the child.
        """
        async with self._slots:
            self._sweeper = self._sweeper or asyncio.create_task(self._sweep())
            child = self._take()
            self._busy.add(child)
            healthy = False
            try:
                async with asyncio.timeout(deadline_s):
                    result = await self._converse(child, task, progress)
                healthy = True
                return result
            except TimeoutError as error:
                raise DeadlineExceeded(f"the work took longer than the {deadline_s:.0f} s it may take") from error
            except TaskFailed as error:
                healthy = error.code != "out_of_memory"
                raise
            finally:
                self._busy.discard(child)
                if healthy:
                    child.idle_since = time.monotonic()
                    self._idle.append(child)
                else:
                    child.kill()

    def _take(self) -> Child:
        while self._idle:
            child = self._idle.pop()
            if child.process.poll() is None:
                return child
            child.kill()
        return Child(self._target, self._memory_mb, self._warm)

    async def _converse(self, child: Child, task: Task, progress: ProgressSink) -> list[Made]:
        try:
            await self._await_ready(child)
            child.connection.send(task)
            while True:
                message = await child.receive()
                if message[0] == "progress":
                    progress(*message[1:])
                elif message[0] == "result":
                    return list(message[1])
                else:
                    raise TaskFailed(*message[1:])
        except (EOFError, BrokenPipeError, ConnectionResetError) as error:
            raise _death(child) from error

    async def _await_ready(self, child: Child) -> None:
        if not child.ready:
            try:
                await child.receive()
            except EOFError as error:
                raise _death(child) from error
            child.ready = True

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(self._idle_s, 5))
            now = time.monotonic()
            for child in [one for one in self._idle if now - one.idle_since >= self._idle_s]:
                self._idle.remove(child)
                log.info("ending an idle child", pid=child.process.pid)
                child.kill()

    def close(self) -> None:
        """Kills every child."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for child in [*self._idle, *self._busy]:
            child.kill()
        self._idle.clear()


def _death(child: Child) -> WorkerCrashed | OutOfMemory:
    try:
        status = child.process.wait(5)
    except subprocess.TimeoutExpired:
        return WorkerCrashed("the working process closed its connection without an answer")
    if status == -signal.SIGKILL:
        return OutOfMemory("the working process was killed, most likely because the machine ran out of memory")
    if status < 0:
        return WorkerCrashed(f"the working process died of {signal.Signals(-status).name}")
    return WorkerCrashed(f"the working process ended with status {status}; see the service's log")
