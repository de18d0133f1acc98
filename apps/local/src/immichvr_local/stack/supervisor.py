"""Keeps processes running: starts them together, starts again what dies, and ends them in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from immichvr_common.supervision import Supervisor as TaskSupervisor
from immichvr_common.supervision import spawn

from immichvr_local.errors import CommandError
from immichvr_local.stack.part import Part
from immichvr_local.stack.patience import Patience
from immichvr_local.stack.watch import Watch

_LAUNCHER = Path(__file__).with_name("launch.py")
_ASKED_EVERY_S = 0.05
_LOG_LINES = 5


@dataclass(frozen=True)
class Event:
    """Something that happened to a part: it is ready after `seconds`, or it died and starts again after them."""

    part: Part
    kind: Literal["ready", "died"]
    seconds: float
    why: str = ""


class StartFailed(CommandError):
    """A part of the stack did not come up; the message says which and shows the end of its log."""

    def __init__(self, part: Part, what: str) -> None:
        super().__init__(f"{part.name} {what}; its log is {part.log}{_last_lines(part.log)}", exit_code=1)


class Supervisor:
    """Runs parts in process groups of their own until it is stopped.

    tell: called for every event, in the event loop.
    """

    def __init__(self, parts: Sequence[Part], tell: Callable[[Event], None], patience: Patience | None = None) -> None:
        self._parts = parts
        self._tell = tell
        self._patience = patience or Patience()
        self._stopping = asyncio.Event()
        self._ready = {part.name: asyncio.Event() for part in parts}
        self._processes: dict[str, Process] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._beside = TaskSupervisor()
        self._started: dict[str, float] = {}
        self._up: set[str] = set()
        self._hung: dict[str, str] = {}

    def pid(self, name: str) -> int | None:
        """The process that a part runs as now."""
        process = self._processes.get(name)
        return process.pid if process else None

    def restart(self, name: str, why: str) -> None:
        """Ends a part's process, of which `why` is told; its keeper starts another."""
        for part in self._parts:
            if part.name == name:
                self._end_hung(part, why)

    async def start(self) -> None:
        """Starts all parts and waits until every one was ready. Raises StartFailed; then everything is stopped."""
        self._keepers = {part.name: asyncio.create_task(self._keep(part)) for part in self._parts}
        all_ready = asyncio.create_task(self._all_ready())
        done, _ = await asyncio.wait(
            {all_ready, *self._keepers.values()},
            timeout=self._patience.start_s,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if all_ready in done or self._stopping.is_set():
            all_ready.cancel()
            watch = Watch(self._parts, self._patience, self._should_answer, self._end_hung)
            self._beside.keep("watch", watch.run)
            return
        all_ready.cancel()
        late = [part for part in self._parts if not self._ready[part.name].is_set()]
        await self.stop()
        for task in done:
            task.result()
        raise StartFailed(late[0], f"was not ready after {self._patience.start_s:.0f} s")

    async def stop(self, hurry: asyncio.Event | None = None) -> None:
        """Ends all parts, those of the highest tier first; without any grace once `hurry` is set."""
        self._stopping.set()
        await self._beside.stop()
        for tier in sorted({part.tier for part in self._parts}, reverse=True):
            parts = [part for part in self._parts if part.tier == tier]
            await asyncio.gather(*(self._end(part, hurry) for part in parts))

    async def _all_ready(self) -> None:
        for ready in self._ready.values():
            await ready.wait()

    async def _keep(self, part: Part) -> None:
        deaths = 0
        while not self._stopping.is_set():
            started = self._started[part.name] = time.monotonic()
            self._up.discard(part.name)
            try:
                ending = await self._run(part, started)
            except OSError as error:
                ending = f"could not be started ({error.strerror or error})"
            if self._stopping.is_set():
                return
            deaths = 1 if time.monotonic() - started >= self._patience.healthy_s else deaths + 1
            why = self._hung.pop(part.name, ending)
            if deaths >= self._patience.tries and not self._ready[part.name].is_set():
                raise StartFailed(part, f"{why} {deaths} times before it was ready")
            delay = self._patience.delay(deaths)
            self._tell(Event(part, "died", delay, why))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)

    async def _run(self, part: Part, started: float) -> str:
        """Runs a part's process once; how it ended. Raises OSError where the system lets none begin."""
        process = await _spawn(part)
        self._processes[part.name] = process
        if self._stopping.is_set():
            _signal_group(process.pid, signal.SIGKILL)
        asking = spawn(f"readiness of {part.name}", self._ask_until_ready(part, started))
        status = await process.wait()
        asking.cancel()
        del self._processes[part.name]
        # What it started itself must not outlive it and hold its ports.
        _signal_group(process.pid, signal.SIGKILL)
        return _ending(status)

    async def _ask_until_ready(self, part: Part, started: float) -> None:
        while not await part.ready():  # noqa: ASYNC110  # another process has no event to wait for
            await asyncio.sleep(_ASKED_EVERY_S)
        self._ready[part.name].set()
        self._up.add(part.name)
        self._tell(Event(part, "ready", time.monotonic() - started))

    def _should_answer(self, part: Part) -> bool:
        """Whether its process was ready, or has had the time in which all parts get ready."""
        if part.name not in self._processes:
            return False
        return part.name in self._up or time.monotonic() - self._started[part.name] > self._patience.start_s

    def _end_hung(self, part: Part, why: str) -> None:
        """Ends a process that does not answer, which a stopped one could not do itself; its keeper starts another."""
        if (process := self._processes.get(part.name)) and not self._stopping.is_set():
            self._hung[part.name] = why
            _signal_group(process.pid, signal.SIGKILL)

    async def _end(self, part: Part, hurry: asyncio.Event | None) -> None:
        keeper = self._keepers.get(part.name)
        if keeper is None:
            return
        if process := self._processes.get(part.name):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        hurried = asyncio.create_task(_set(hurry or asyncio.Event()))
        await asyncio.wait({keeper, hurried}, timeout=part.grace_s, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if process := self._processes.get(part.name):
            _signal_group(process.pid, signal.SIGKILL)
        await asyncio.gather(keeper, return_exceptions=True)


async def _set(event: asyncio.Event) -> None:
    await event.wait()


async def _spawn(part: Part) -> Process:
    with part.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), *part.command,
            stdin=DEVNULL, stdout=log, stderr=log, env=part.environment, cwd=part.directory or part.log.parent,
            start_new_session=True,
        )  # fmt: skip


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _ending(status: int) -> str:
    if status < 0:
        return f"was ended by signal {-status} ({signal.strsignal(-status)})"
    return f"ended with status {status}"


def _last_lines(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    except OSError:
        return ""
    return "".join(f"\n  {line}" for line in lines)
