"""Work that shall go on for as long as its process lives, and is missed when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from immichvr_common.logs import get_log

log = get_log(__name__)

_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0
_HEALTHY_S = 10.0


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
        """The tasks that failed and have not run well since."""
        return sorted(self._down)

    def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Has `work` run until it returns, or `stop`; begun anew after each failure, and in place of one so named."""
        if (before := self._tasks.get(name)) is not None:
            before.cancel()
        self._tasks[name] = asyncio.create_task(self._kept(name, work), name=name)

    def errand(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Has something done once, beside everything else; a failure is told in the log."""
        task = asyncio.create_task(self._told(name, work), name=name)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def stop(self) -> None:
        """Ends everything."""
        tasks = [*self._tasks.values(), *self._errands]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _kept(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        delay = _FIRST_DELAY_S
        while True:
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
            delay = min(delay * 2, _LONGEST_DELAY_S)

    async def _told(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # nobody waits for it; the log is the only place to tell
            log.error("an errand failed", task=name, exc_info=error)
