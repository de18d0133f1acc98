"""One child process as its parent sees it."""

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

from immichvr_common.errors import OutOfMemory, WorkerCrashed
from immichvr_common.tasks import Task
from immichvr_common.telling import News, Residents

NewsSink = Callable[[News], None]


def unheard(news: News) -> None:
    """A sink for news that nobody wants."""


class Child:
    """One child process and the connection to it.

    always: told at once what the child tells, between tasks too; news: likewise, for as long as somebody sets it.
    residents: the models it holds in memory. is_unwanted: it shall be ended after its task.
    """

    def __init__(self, target: str, memory_mb: int | None, warm: str = "", always: NewsSink = unheard) -> None:
        ours, theirs = socket.socketpair()
        arguments = [str(theirs.fileno()), target, str(memory_mb or 0), *([warm] if warm else [])]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "immichvr_common.child", *arguments],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self.residents: frozenset[str] = frozenset()
        self.is_unwanted = False
        self.idle_since = time.monotonic()
        self.news: NewsSink = unheard
        self.always = always
        self._connection = Connection(ours.detach())
        self._messages: asyncio.Queue[tuple[Any, ...] | None] = asyncio.Queue()
        self._ready = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._connection.fileno(), self._read)

    def _read(self) -> None:
        try:
            message = self._connection.recv()
        except (EOFError, OSError):
            self._loop.remove_reader(self._connection.fileno())
            self._messages.put_nowait(None)
            return
        except Exception as error:  # noqa: BLE001  # anything may be wrong with what a pickle names
            words = f"the working process said what cannot be read: {error}"
            self._messages.put_nowait(("error", "internal", words, False))
            return
        if message[0] != "news":
            self._messages.put_nowait(message)
            return
        if isinstance(message[1], Residents):
            self.residents = message[1].keys
        self.always(message[1])
        self.news(message[1])

    async def receive(self) -> tuple[Any, ...]:
        """The child's next message. Raises WorkerCrashed or OutOfMemory when it is gone."""
        message = await self._messages.get()
        if message is None:
            raise self._death()
        return message

    async def until_ready(self) -> None:
        """Waits until it can be given a task. Raises as `receive` does."""
        if not self._ready:
            await self.receive()
            self._ready = True

    def give(self, task: Task) -> None:
        """Has it begin a task. Raises as `receive` does."""
        try:
            self._connection.send(task)
        except OSError as error:
            raise self._death() from error

    def kill(self) -> None:
        """Ends the child and everything it started, now."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if not self._connection.closed:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._connection.fileno())
            self._connection.close()

    def _death(self) -> WorkerCrashed | OutOfMemory:
        try:
            status = self.process.wait(5)
        except subprocess.TimeoutExpired:
            return WorkerCrashed("the working process closed its connection without an answer")
        if status == -signal.SIGKILL:
            return OutOfMemory("the working process was killed, most likely because the machine ran out of memory")
        if status < 0:
            return WorkerCrashed(f"the working process died of {signal.Signals(-status).name}")
        return WorkerCrashed(f"the working process ended with status {status}; see the service's log")
