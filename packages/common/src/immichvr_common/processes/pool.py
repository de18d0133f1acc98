"""Runs capabilities in child processes that can be watched, killed and forgotten.

A child keeps what it loaded (models) between tasks and goes when it has been idle, so that memory is really
given back; a crash or a lack of memory costs one task.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from immichvr.events.v1.events_pb2 import ModelEvent

from immichvr_common import metrics
from immichvr_common.errors import DeadlineExceeded, OutOfMemory, TaskFailed, WorkerCrashed
from immichvr_common.logs import get_log
from immichvr_common.processes.child import Child, ChildEventSink, ProgressSink, unheard
from immichvr_common.supervision import Supervisor
from immichvr_common.tasks import Batch, Made, Task, TaskResult
from immichvr_common.telling import ChildEvent, DeviceMemory, LoadedModels

log = get_log(__name__)

Begun = Callable[[], Awaitable[None]]

_ASIDE = 2
"""Tasks that may run beside those that the children do."""
_REMEMBERED = 256
"""ChildEvent that wait for somebody to listen, at most."""


async def unnoticed() -> None:
    """For whoever need not know when a task begins."""


class Pool(Protocol):
    """What does tasks in processes of their own. background: kinds of tasks that hold nobody up."""

    background: frozenset[str]

    def listen(self, listener: ChildEventSink) -> None:
        """Has somebody told what happens to models there."""

    def let_go(self, model: str) -> None:
        """Has a model leave memory."""

    async def run(
        self, task: Task, progress: ProgressSink, deadline_s: float, news: ChildEventSink = unheard,
        begun: Begun = unnoticed, fresh: bool = False,
    ) -> list[Made]:  # fmt: skip
        """Runs one task. As `ChildPool.run`."""


class ChildPool:
    """Up to `size` children that run one function `module:function`.

    idle_s: a child with nothing to do for so long is ended. memory_mb: what a child may take beyond its start.
    warm: a function `module:function` whose steps each child takes while no task waits. background: kinds of tasks that
    wait rather than compute (downloads): each has a process of its own, so that they hold nobody up. supervisor: keeps
    what goes on beside the tasks.
    """

    def __init__(
        self,
        target: str,
        size: int = 1,
        idle_s: float = 300,
        memory_mb: int | None = None,
        warm: str = "",
        background: frozenset[str] = frozenset(),
        supervisor: Supervisor | None = None,
    ) -> None:
        self._target, self._idle_s, self._memory_mb, self._warm = target, idle_s, memory_mb, warm
        self._slots, self._background_slots = asyncio.Semaphore(size), asyncio.Semaphore(_ASIDE)
        self.background = background
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._supervisor = supervisor or Supervisor()
        self._is_swept = False
        self._unheard = deque[ChildEvent](maxlen=_REMEMBERED)
        self._listener: ChildEventSink = self._unheard.append
        self._residents: frozenset[str] = frozenset()

    @property
    def residents(self) -> frozenset[str]:
        """The models that any of the children holds in memory."""
        return frozenset[str]().union(*(child.residents for child in (*self._idle, *self._busy)))

    def listen(self, listener: ChildEventSink) -> None:
        """Has somebody told what children tell about models, and `residents` of the whole pool as they change.

        What was told before anybody listened is told now.
        """
        self._listener = listener
        while self._unheard:
            listener(self._unheard.popleft())

    def adopt(self, child: Child) -> None:
        """Takes in a child that was started before the pool was, for the first task."""
        child.always = self._hear
        child.when_dead(self._bury)
        self._idle.append(child)

    async def warm(self) -> None:
        """Starts one child ahead of the first task."""
        async with self._slots:
            if self._idle or self._busy:
                return
            child = self._start()
            try:
                await child.until_ready()
            except (WorkerCrashed, OutOfMemory) as error:
                log.error("a child did not start", error=error.message)
                self._end(child)
            else:
                self._rest(child)
            finally:
                if child in self._busy:
                    self._end(child)

    async def run(
        self,
        task: Task,
        progress: ProgressSink,
        deadline_s: float,
        news: ChildEventSink = unheard,
        begun: Begun = unnoticed,
        fresh: bool = False,
    ) -> list[Made]:
        """Runs one task; by another child where the first died before it had taken it.

        news: told what the child tells beside progress, before the task's result is known. begun: awaited when there
        is a child for the task, before it gets it. fresh: the child has done nothing before. Raises TaskFailed with
        the capability's own code, DeadlineExceeded, OutOfMemory or WorkerCrashed. Cancelling the call kills the child.
        """
        made = await self._run(task, progress, deadline_s, news, begun, fresh, task.kind in self.background)
        return [one for one in made if isinstance(one, Made)]

    async def run_batch(
        self, batch: Batch, progress: ProgressSink, deadline_s: float, news: ChildEventSink = unheard,
        begun: Begun = unnoticed,
    ) -> list[TaskResult]:  # fmt: skip
        """Runs several tasks in one child at once. As `run`; of which one fails, the others' results say nothing."""
        results = await self._run(batch, progress, deadline_s, news, begun, fresh=False, in_background=False)
        return [one for one in results if isinstance(one, TaskResult)]

    async def _run(
        self, work: Task | Batch, progress: ProgressSink, deadline_s: float, news: ChildEventSink, begun: Begun,
        fresh: bool, in_background: bool,
    ) -> list[Made] | list[TaskResult]:  # fmt: skip
        async with self._background_slots if in_background else self._slots:
            if not self._is_swept:
                self._supervisor.keep("idle children", self._sweep)
                self._is_swept = True
            child = self._start("") if in_background else self._start() if fresh else self._take()
            child.news = news
            healthy = False
            try:
                await begun()
                async with asyncio.timeout(deadline_s):
                    try:
                        result = await child.perform(work, progress)
                    except (WorkerCrashed, OutOfMemory) as error:
                        if child.has_taken:
                            raise
                        log.error("a child died before it took its task", error=error.message)
                        self._end(child)
                        # Without what is made ready ahead, of which it may have died.
                        child = self._start("")
                        child.news = news
                        result = await child.perform(work, progress)
                healthy = True
                return result
            except TimeoutError as error:
                raise DeadlineExceeded(f"the work took longer than the {deadline_s:.0f} s it may take") from error
            except TaskFailed as error:
                healthy = error.code not in ("out_of_memory", "worker_crashed")
                raise
            finally:
                child.news = unheard
                if healthy and not in_background:
                    self._rest(child)
                else:
                    self._end(child)

    def let_go(self, model: str) -> None:
        """Ends each child that holds this model, one that is busy after its task: so memory is surely given back."""
        for child in [one for one in self._idle if model in one.residents]:
            self._end(child)
        for child in self._busy:
            child.is_unwanted = child.is_unwanted or model in child.residents

    def close(self) -> None:
        """Kills every child."""
        self._supervisor.cancel()
        self._listener = unheard
        for child in [*self._idle, *self._busy]:
            self._end(child)

    def _take(self) -> Child:
        while self._idle:
            child = self._idle[-1]
            if child.death is None:
                self._idle.pop()
                self._busy.add(child)
                return child
            self._bury(child)
        return self._start()

    def _start(self, warm: str | None = None) -> Child:
        child = Child(self._target, self._memory_mb, self._warm if warm is None else warm, self._hear)
        child.when_dead(self._bury)
        self._busy.add(child)
        return child

    def _rest(self, child: Child) -> None:
        if child.is_unwanted:
            self._end(child)
            return
        self._busy.discard(child)
        child.idle_since = time.monotonic()
        self._idle.append(child)

    def _bury(self, child: Child) -> None:
        """Tells of a child that died while it waited; of one at work its task tells."""
        if child in self._idle and (death := child.death) is not None:
            log.error("a child died while no task was on it", error=death.message)
            self._end(child)

    def _end(self, child: Child) -> None:
        self._busy.discard(child)
        if child in self._idle:
            self._idle.remove(child)
        child.kill()
        self._tell_residents()

    def _hear(self, news: ChildEvent) -> None:
        if isinstance(news, LoadedModels):
            self._tell_residents()
        elif isinstance(news, DeviceMemory):
            metrics.DEVICE_MEMORY.labels(news.device, "used").set(news.used)
            metrics.DEVICE_MEMORY.labels(news.device, "total").set(news.total)
        elif isinstance(news, ModelEvent):
            self._listener(news)

    def _tell_residents(self) -> None:
        held = Counter[tuple[str, str]]()
        for child in (*self._idle, *self._busy):
            held.update(child.memory)
        metrics.MODEL_MEMORY.clear()
        for (model, device), size in held.items():
            metrics.MODEL_MEMORY.labels(model, device).set(size)
        if self._residents != (now := self.residents):
            self._residents = now
            self._listener(LoadedModels(now))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(self._idle_s, 5))
            now = time.monotonic()
            for child in list(self._idle):
                if now - child.idle_since < self._idle_s:
                    continue
                log.info("ending an idle child", pid=child.process.pid)
                self._end(child)
