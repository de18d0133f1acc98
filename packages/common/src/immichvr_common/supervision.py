"""Work beside everything else: it goes on for as long as its process lives, and none of it ends unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from immichvr_common.logs import get_log
from immichvr_common.retrying import delays

log = get_log(__name__)

_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0
_HEALTHY_S = 10.0
_CANCEL_AGAIN_S = 1.0
_spawned: set[asyncio.Task[None]] = set()


def spawn(name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Has something done once, which nobody need wait for; a failure is told in the log with its trace."""
    task = asyncio.create_task(_told(name, work), name=name)
    # The loop itself keeps no task alive.
    _spawned.add(task)
    task.add_done_callback(_spawned.discard)
    # Where it is cancelled before it has begun, nobody awaits the work.
    task.add_done_callback(lambda _: work.close())
    return task


async def _told(name: str, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception as error:  # nobody waits for it; the log is the only place to tell
        log.error("an errand failed", task=name, exc_info=error)


class Supervisor:
    """Keeps tasks alive: one that fails is told in the log with its trace, counted as down, and started again.

    What a task expects, outages say, it handles itself; here arrives what nobody foresaw.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self._down: set[str] = set()

    @property
    def down(self) -> list[str]:
        """The tasks that failed and have not run well since. A process that has some is not ready."""
        return sorted(self._down)

    def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Has `work` run until it returns, or `stop`; begun anew after each failure, and in place of one so named."""
        if (before := self._tasks.get(name)) is not None:
            before.cancel()
        self._tasks[name] = spawn(name, self._kept(name, work))

    def errand(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """As `spawn`, until `stop`."""
        task = spawn(name, work)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def cancel(self) -> None:
        """Has everything end, soon."""
        for task in (*self._tasks.values(), *self._errands):
            task.cancel()

    async def stop(self) -> None:
        """Ends everything."""
        tasks = {*self._tasks.values(), *self._errands}
        while tasks:
            for task in tasks:
                task.cancel()
            # Before Python 3.12 `asyncio.wait_for` loses a cancel that comes as what it waits for is done.
            _, tasks = await asyncio.wait(tasks, timeout=_CANCEL_AGAIN_S)

    async def _kept(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        for delay in delays(_FIRST_DELAY_S, _LONGEST_DELAY_S):
            recovery = asyncio.get_running_loop().call_later(_HEALTHY_S, self._down.discard, name)
            try:
                await work()
                self._down.discard(name)
                return
            except Exception as error:  # whatever it is, the task must not end in silence
                self._down.add(name)
                log.error("a task failed and is started again", task=name, in_s=delay, exc_info=error)
            finally:
                recovery.cancel()
            await asyncio.sleep(delay)
