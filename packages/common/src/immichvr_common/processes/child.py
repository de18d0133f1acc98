"""One child process as its parent sees it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping

from immichvr_common.errors import OutOfMemory, TaskFailed, WorkerCrashed
from immichvr_common.logs import manner_of_logs
from immichvr_common.metrics import CHILD_DEATHS
from immichvr_common.processes.deaths import Death, memory_kills_so_far, peak_bytes
from immichvr_common.processes.frames import receive_in_loop, send_from_loop
from immichvr_common.processes.messages import Message, Progress, Result, Taken, Told, unpacked
from immichvr_common.supervision import spawn
from immichvr_common.tasks import Batch, Failure, Made, Task, TaskResult
from immichvr_common.telling import ChildEvent, LoadedModels
from immichvr_common.tracing import Done, is_tracing, pass_on

ChildEventSink = Callable[[ChildEvent], None]
ProgressSink = Callable[[float, str, str], None]
_TO_DIE_S = 5.0


def unheard(news: ChildEvent) -> None:
    """A sink for news that nobody wants."""


class Child:
    """One child process and the connection to it. Nothing it does or leaves undone holds up the parent's loop.

    always: told at once what the child tells, between tasks too; news: likewise, for as long as somebody sets it.
    traced: whether it records spans; by default where this process does. residents, memory: the models it holds in
    memory, as LoadedModels has them. is_unwanted: it shall be ended after its task. has_taken: whether it has read the
    task it was last given.
    """

    def __init__(
        self, target: str, memory_mb: int | None, warm: str = "", always: ChildEventSink = unheard,
        traced: bool | None = None,
    ) -> None:  # fmt: skip
        self._connection, theirs = socket.socketpair()
        self._connection.setblocking(False)
        spans = "spans" if (is_tracing() if traced is None else traced) else ""
        arguments = [str(theirs.fileno()), target, str(memory_mb or 0), manner_of_logs(), spans]
        if warm:
            arguments.append(warm)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "immichvr_common.processes.child_main", *arguments],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self.residents: frozenset[str] = frozenset()
        self.memory: Mapping[tuple[str, str], int] = {}
        self.is_unwanted = self.has_taken = False
        self.idle_since = time.monotonic()
        self.news: ChildEventSink = unheard
        self.always = always
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue()
        self._ready = self._is_ended = False
        self._loop = asyncio.get_running_loop()
        self._memory_kills = memory_kills_so_far()
        self._death: asyncio.Future[Death] = self._loop.create_future()
        self._listening = spawn(f"words of child {self.process.pid}", self._listen())
        threading.Thread(target=self._wait, name="child-waits", daemon=True).start()

    @property
    def death(self) -> WorkerCrashed | OutOfMemory | None:
        """What it died of; None while it runs, as far as is known."""
        return self._death.result().error() if self._death.done() else None

    def when_dead(self, told: Callable[[Child], None]) -> None:
        """Has somebody told when it is gone, ended or not."""
        self._death.add_done_callback(lambda _: told(self))

    async def until_ready(self) -> None:
        """Waits until it can be given a task. Raises WorkerCrashed or OutOfMemory when it is gone."""
        if not self._ready:
            await self._receive()
            self._ready = True

    async def perform(self, work: Task | Batch, progress: ProgressSink) -> list[Made] | list[TaskResult]:
        """Has it do a task, or a batch of them. Raises as `until_ready` does, and TaskFailed with what it says."""
        self.has_taken = False
        await self.until_ready()
        self._memory_kills = memory_kills_so_far()
        try:
            await send_from_loop(self._connection, work)
        except OSError as error:
            raise await self._why_gone() from error
        while True:
            match await self._receive():
                case Taken():
                    self.has_taken = True
                case Progress() as step:
                    progress(step.fraction, step.stage, step.message)
                case Result(made=made):
                    return made
                case Failure() as failure:
                    raise TaskFailed(failure.code, failure.message, failure.retriable, failure.inputs)

    def kill(self) -> None:
        """Ends the child and everything it started, now."""
        self._is_ended = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        if not self._loop.is_closed():
            self._listening.cancel()
            if (descriptor := self._connection.fileno()) >= 0:
                # At once: what the cancelled task does later might meet another socket of the same number.
                self._loop.remove_reader(descriptor)
                self._loop.remove_writer(descriptor)
        self._connection.close()

    async def _receive(self) -> Message:
        message = await self._messages.get()
        if message is None:
            raise await self._why_gone()
        return message

    async def _listen(self) -> None:
        while True:
            try:
                message = unpacked(await receive_in_loop(self._connection))
            except (EOFError, OSError):
                self._messages.put_nowait(None)
                return
            except Exception as error:  # noqa: BLE001  # anything may be wrong with what a pickle names
                words = f"the working process said what cannot be read: {error}"
                self._messages.put_nowait(Failure("internal", words, False))
                if isinstance(error, ValueError):
                    return
                continue
            self._take_in(message)

    def _take_in(self, message: Message) -> None:
        if not isinstance(message, Told):
            self._messages.put_nowait(message)
            return
        if isinstance(message.news, Done):
            pass_on(message.news)
            return
        if isinstance(message.news, LoadedModels):
            self.residents, self.memory = message.news.keys, message.news.memory
        self.always(message.news)
        self.news(message.news)

    def _wait(self) -> None:
        """Waits for the process's end, in a thread of its own, and learns what the kernel knows of it."""
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        before, after = self._memory_kills, memory_kills_so_far()
        kills = None if before is None or after is None else after - before
        death = Death(self.process.returncode, peak_bytes(usage.ru_maxrss), kills)
        if not self._is_ended:
            CHILD_DEATHS.labels(death.error().code).inc()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know
            self._loop.call_soon_threadsafe(self._death.set_result, death)

    async def _why_gone(self) -> WorkerCrashed | OutOfMemory:
        try:
            death = await asyncio.wait_for(asyncio.shield(self._death), _TO_DIE_S)
        except TimeoutError:
            return WorkerCrashed("the working process closed its connection without an answer")
        return death.error()
