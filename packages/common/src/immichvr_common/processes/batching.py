"""Tasks of one kind that wait for a child go to it together, where it does several at once in less time.

The child gets a `Batch` instead of a task and answers with a `TaskResult` for each. One that fails there fails alone;
when the batch itself fails, or the child dies of it, its tasks are done one by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from immichvr_common.errors import Cancelled, ServiceError, TaskFailed
from immichvr_common.processes.child import ChildEventSink, ProgressSink, unheard
from immichvr_common.processes.pool import Begun, ChildPool, unnoticed
from immichvr_common.supervision import spawn
from immichvr_common.tasks import Batch, Made, Task, TaskResult
from immichvr_common.telling import ChildEvent


@dataclass(eq=False)
class _Order:
    """A call that waits. mates: the orders of its batch, itself too; batch: what does them."""

    task: Task
    progress: ProgressSink
    deadline_s: float
    news: ChildEventSink
    begun: Begun
    made: asyncio.Future[list[Made]]
    mates: list[_Order] = field(default_factory=list)
    batch: asyncio.Task[None] | None = None

    def settle(self, result: TaskResult | Exception) -> None:
        """Gives the caller its answer, if it still waits for one."""
        if self.made.done():
            return
        if isinstance(result, Exception):
            self.made.set_exception(result)
        elif (failure := result.failure) is not None:
            self.made.set_exception(TaskFailed(failure.code, failure.message, failure.retriable, failure.inputs))
        else:
            self.made.set_result(result.made)


class BatchingPool:
    """Has the children of a pool do several tasks at once where that is quicker. As a pool itself.

    key: what tasks have in common that can be done together; empty for those that cannot; it may look at files.
    most: of them at once. size: batches under way at once.
    """

    def __init__(self, pool: ChildPool, key: Callable[[Task], str], most: int, size: int = 1) -> None:
        self._pool, self._key, self._most, self._size = pool, key, most, size
        self.background = pool.background
        # A key may depend on what lies on the disk. One thread keeps the order of tasks.
        self._keys = ThreadPoolExecutor(1, "batch-key")
        self._waiting: dict[str, list[_Order]] = {}
        self._batches: set[asyncio.Task[None]] = set()

    def listen(self, listener: ChildEventSink) -> None:
        """As in ChildPool."""
        self._pool.listen(listener)

    def let_go(self, model: str) -> None:
        """As in ChildPool."""
        self._pool.let_go(model)

    async def run(
        self,
        task: Task,
        progress: ProgressSink,
        deadline_s: float,
        news: ChildEventSink = unheard,
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
            return await self._pool.run(task, progress, deadline_s, news, begun, fresh)
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
        self._pool.close()

    def _begin(self) -> None:
        while len(self._batches) < self._size and self._waiting:
            key = next(iter(self._waiting))
            queue = self._waiting.pop(key)
            orders, later = queue[: self._most], queue[self._most :]
            if later:
                self._waiting[key] = later
            batch = spawn("batch", self._do(orders))
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

        def news(one: ChildEvent) -> None:
            for order in orders:
                if not order.made.done():
                    order.news(one)

        batch = Batch(tuple(order.task for order in orders))
        deadline_s = max(order.deadline_s for order in orders)
        try:
            results = await self._pool.run_batch(batch, progress, deadline_s, news, partial(_begun, orders))
        except ServiceError:
            # Whose fault it was is seen when each goes alone.
            return False
        for order, result in zip(orders, results, strict=True):
            order.settle(result)
        return True

    async def _alone(self, order: _Order) -> TaskResult | ServiceError:
        try:
            begun = partial(_begun, [order])
            made = await self._pool.run(order.task, order.progress, order.deadline_s, order.news, begun)
        except ServiceError as error:
            return error
        return TaskResult(made)


async def _begun(orders: list[_Order]) -> None:
    """Tells those who still wait that their tasks begin. Raises Cancelled where nobody does.

    That one of them is cancelled just now ends the others' batch no more than if it had been cancelled before.
    """
    told = await asyncio.gather(*(one.begun() for one in orders if not one.made.done()), return_exceptions=True)
    for error in told:
        if isinstance(error, Exception):
            raise error
    if all(one.made.done() for one in orders):
        raise Cancelled("nobody waits for it any more")
