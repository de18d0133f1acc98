"""A pool that does tasks in a thread of its own process: no test waits for a child that it does not look at."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable

from immichvr_common.errors import DeadlineExceeded, TaskFailed
from immichvr_common.processes.child import ChildEventSink, ProgressSink, unheard
from immichvr_common.processes.failures import failure_of
from immichvr_common.processes.pool import Begun, ChildPool, unnoticed
from immichvr_common.tasks import Capability, Made, Report, Task


class PoolAtHand(ChildPool):
    """Does one task after the other, in a child where it needs one: what may crash, has to be ended, or tells of more
    than its progress.

    A thread cannot be ended: whoever cancels a task that is done in one, or gave it a deadline, hears of it once that
    has come to its end. target: a function `module:function`, run here and there. needs_child: which tasks need one.
    """

    def __init__(self, target: str, needs_child: Callable[[Task], bool]) -> None:
        super().__init__(target)
        module, _, name = target.partition(":")
        self._capability: Capability = getattr(importlib.import_module(module), name)
        self._needs_child = needs_child
        self._one_at_a_time = asyncio.Lock()

    async def run(
        self, task: Task, progress: ProgressSink, deadline_s: float, news: ChildEventSink = unheard,
        begun: Begun = unnoticed, fresh: bool = False,
    ) -> list[Made]:  # fmt: skip
        async with self._one_at_a_time:
            if self._needs_child(task):
                return await super().run(task, progress, deadline_s, news, begun, fresh)
            await begun()
            working = asyncio.create_task(asyncio.to_thread(self._capability, task, _telling(progress)))
            try:
                async with asyncio.timeout(deadline_s):
                    made = await asyncio.shield(working)
            except TimeoutError as error:
                raise DeadlineExceeded(f"the work took longer than the {deadline_s:.0f} s it may take") from error
            except Exception as error:
                failure = failure_of(error)
                raise TaskFailed(failure.code, failure.message, failure.retriable, failure.inputs) from error
            finally:
                await asyncio.wait({working})
            return [one for one in made if isinstance(one, Made)]


def _telling(progress: ProgressSink) -> Report:
    """Tells from a thread what is told in this loop."""
    loop = asyncio.get_running_loop()

    def report(fraction: float, stage: str, message: str = "") -> None:
        loop.call_soon_threadsafe(lambda: progress(fraction, stage, message))

    return report
