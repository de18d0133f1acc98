"""A test in which a task dies of something that nobody looks at has failed, whatever it asserted."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest


class Deaths:
    """Tasks that ended with an error."""

    def __init__(self) -> None:
        self._failed: list[asyncio.Task[Any]] = []

    def watch(self, task: asyncio.Task[Any]) -> None:
        """Notes a task's error once it has one; looking at it here would pass for somebody else's look.

        A generator that is found by the garbage collector while it is being ended is ended a second time by a task of
        asyncio's own, which fails of that alone: gRPC leaves such ones of calls that are cancelled.
        """
        is_asyncios_own = type(task.get_coro()).__name__ == "async_generator_athrow"
        if task._exception is not None and not is_asyncios_own:
            self._failed.append(task)

    def unseen(self) -> list[str]:
        """What those died of that nobody awaited."""
        found = []
        for task in self._failed:
            if task._log_traceback:
                error = task.exception()
                words = "".join(traceback.format_exception(error)) if error is not None else ""
                found.append(f"{task.get_name()} {task.get_coro()}:\n{words}")
        self._failed.clear()
        return found


@pytest.fixture(autouse=True)
def no_task_dies_unseen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deaths]:
    deaths, create = Deaths(), asyncio.BaseEventLoop.create_task

    def create_task(self: asyncio.BaseEventLoop, work: Coroutine[Any, Any, Any], **more: Any) -> asyncio.Task[Any]:
        task = create(self, work, **more)
        task.add_done_callback(deaths.watch)
        return task

    monkeypatch.setattr(asyncio.BaseEventLoop, "create_task", create_task)
    yield deaths
    if unseen := deaths.unseen():
        pytest.fail("tasks died unseen:\n" + "\n".join(unseen))
