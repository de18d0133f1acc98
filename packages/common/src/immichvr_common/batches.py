"""Tasks of one kind that wait for a child go to it together, where it does several at once in less time.

The child gets a `Together` instead of a task and answers with an outcome for each. One that fails there fails alone;
when the batch itself fails, or the child dies of it, its tasks are done one by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from immichvr_common.child import described
from immichvr_common.children import NewsSink, unheard
from immichvr_common.errors import ServiceError, TaskFailed, WorkerCrashed
from immichvr_common.processes import Begun, ChildPool, ProgressSink, unnoticed
from immichvr_common.tasks import Made, Task
from immichvr_common.telling import News

TOGETHER = "together"


@dataclass(frozen=True)
class Together(Task):
    """Several tasks with the same key, for one child at once. What a task has of its own is in `tasks`."""

    tasks: tuple[Task, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of one of them: what it made, or code, message and whether it may be tried again."""

    made: list[Made] = field(default_factory=list)
    failure: tuple[str, str, bool] | None = None


def outcome_of(work: Callable[[], list[Made]]) -> Outcome:
    """The outcome of a task of a batch, whatever it raises but the end of the whole process. For capabilities."""
    try:
        return Outcome(made=work())
    except MemoryError:
        raise
    except Exception as error:
        failure = described(error)
        if failure[0] == WorkerCrashed.code:
            raise  # nothing can be done in this process any more
        return Outcome(failure=failure)


@dataclass(eq=False)
class _Order:
    """A call that waits. mates: the orders of its batch, itself too; batch: what does them."""

    task: Task
    progress: ProgressSink
    deadline_s: float
    news: NewsSink
    begun: Begun
    made: asyncio.Future[list[Made]]
    mates: list[_Order] = field(default_factory=list)
    batch: asyncio.Task[None] | None = None

    def settle(self, outcome: Outcome | Exception) -> None:
        """Gives the caller its answer, if it still waits for one."""
        if self.made.done():
            return
        if isinstance(outcome, Exception):
            self.made.set_exception(outcome)
        elif outcome.failure is not None:
            self.made.set_exception(TaskFailed(*outcome.failure))
        else:
            self.made.set_result(outcome.made)


class BatchingPool(ChildPool):
    """A pool of children whose function takes a `Together` as well as a task.

    key: what tasks have in common that can be done together; empty for those that cannot; it may look at files.
    most: of them at once.
    """

    def __init__(
        self,
        target: str,
        size: int = 1,
        idle_s: float = 300,
        memory_mb: int | None = None,
        warm: str = "",
        aside: frozenset[str] = frozenset(),
        *,
        key: Callable[[Task], str],
        most: int,
    ) -> None:
        super().__init__(target, size, idle_s, memory_mb, warm, aside)
        self._key, self._most, self._size = key, most, size
        # A key may depend on what lies on the disk. One thread keeps the order of tasks.
        self._keys = ThreadPoolExecutor(1, "batch-key")
        self._waiting: dict[str, list[_Order]] = {}
        self._batches: set[asyncio.Task[None]] = set()

    async def run(
        self,
        task: Task,
        progress: ProgressSink,
        deadline_s: float,
        news: NewsSink = unheard,
        begun: Begun = unnoticed,
        fresh: bool = False,
    ) -> list[Made]:
        """As in ChildPool, but cancelling a call kills a child only when nobody else waits for its batch.

        Progress and news of a batch are those of each of its tasks, and it may take as long as the most patient.
        """
        key = ""
        if self._most > 1 and not fresh:
            key = await asyncio.get_running_loop().run_in_executor(self._keys, self._key, task)
        if not key:
            return await super().run(task, progress, deadline_s, news, begun, fresh)
        order = _Order(task, progress, deadline_s, news, begun, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(key, []).append(order)
        self._begin()
        try:
            return await order.made
        finally:
            self._withdraw(key, order)

    def close(self) -> None:
        """Kills every child."""
        waiting, self._waiting = self._waiting, {}
        for order in chain.from_iterable(waiting.values()):
            order.made.cancel()
        for batch in self._batches:
            batch.cancel()
        self._keys.shutdown(wait=False, cancel_futures=True)
        super().close()

    def _begin(self) -> None:
        while len(self._batches) < self._size and self._waiting:
            key = next(iter(self._waiting))
            queue = self._waiting.pop(key)
            orders, later = queue[: self._most], queue[self._most :]
            if later:
                self._waiting[key] = later
            batch = asyncio.create_task(self._do(orders))
            self._batches.add(batch)
            batch.add_done_callback(self._ended)
            for order in orders:
                order.mates, order.batch = orders, batch

    def _ended(self, batch: asyncio.Task[None]) -> None:
        self._batches.discard(batch)
        self._begin()

    def _withdraw(self, key: str, order: _Order) -> None:
        order.made.cancel()
        queue = self._waiting.get(key, [])
        if order in queue:
            queue.remove(order)
            if not queue:
                del self._waiting[key]
        elif order.batch is not None and all(mate.made.done() for mate in order.mates):
            order.batch.cancel()

    async def _do(self, orders: list[_Order]) -> None:
        try:
            if len(orders) > 1 and await self._are_done_together(orders):
                return
            for order in orders:
                if not order.made.done():
                    order.settle(await self._alone(order))
        except Exception as error:  # noqa: BLE001  # unforeseen: the callers raise it
            for order in orders:
                order.settle(error)
        finally:
            for order in orders:
                order.made.cancel()

    async def _are_done_together(self, orders: list[_Order]) -> bool:
        """Settles all orders; none where the child died of them, took too long, or could not do them as one."""

        def progress(fraction: float, stage: str, message: str) -> None:
            for order in orders:
                if not order.made.done():
                    order.progress(fraction, stage, message)

        def news(one: News) -> None:
            for order in orders:
                if not order.made.done():
                    order.news(one)

        async def begun() -> None:
            await asyncio.gather(*(order.begun() for order in orders))

        tasks = tuple(order.task for order in orders)
        together = Together(TOGETHER, params={}, inputs={}, folder=tasks[0].folder, tasks=tasks)
        deadline_s = max(order.deadline_s for order in orders)
        outcomes: list[Any]
        try:
            outcomes = [*await super().run(together, progress, deadline_s, news, begun)]
        except ServiceError:
            # Whose fault it was is seen when each goes alone.
            return False
        for order, outcome in zip(orders, outcomes, strict=True):
            order.settle(outcome)
        return True

    async def _alone(self, order: _Order) -> Outcome | ServiceError:
        try:
            return Outcome(await super().run(order.task, order.progress, order.deadline_s, order.news, order.begun))
        except ServiceError as error:
            return error
