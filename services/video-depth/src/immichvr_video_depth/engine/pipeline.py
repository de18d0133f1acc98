"""Stages of work that run at once, each in a thread of its own, with little between them; what stops one stops all."""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Generic, TypeVar

import numpy.typing as npt

T = TypeVar("T")

_LOOK_S = 0.2


class Stopped(Exception):
    """Another stage failed, or nobody wants the result."""


class Channel(Generic[T]):
    """What one stage hands to the next, at most so many at once: who is quick waits for who is slow.

    waited_s: how long the reader has waited.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._waiting: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = self._stopped = False
        self.waited_s = 0.0

    def put(self, one: T) -> float:
        """Hands it on, as soon as there is room; the seconds that took. Raises Stopped."""
        begun = time.perf_counter()
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or len(self._waiting) < self._capacity)
            if self._stopped:
                raise Stopped
            self._waiting.append(one)
            self._changed.notify_all()
        return time.perf_counter() - begun

    def close(self) -> None:
        """Nothing more comes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Whoever waits here or will is told that it is over; what waits is dropped."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        """What is handed over, until it is closed. Raises Stopped."""
        while True:
            begun = time.perf_counter()
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._closed or bool(self._waiting))
                if self._stopped:
                    raise Stopped
                if not self._waiting:
                    return
                one = self._waiting.popleft()
                self._changed.notify_all()
            self.waited_s += time.perf_counter() - begun
            yield one
            del one  # not held while the next is waited for


class Room:
    """Bytes that things on their way may take: who brings more waits, until enough of them are forgotten.

    So many of them always have a place, however large they are.
    """

    def __init__(self, most_bytes: int, always: int) -> None:
        self._most, self._always = most_bytes, always
        self._bytes = self._count = 0
        self._changed = threading.Condition()
        self._stopped = False

    def take(self, things: Collection[npt.NDArray[Any]]) -> None:
        """Counts these arrays, which belong together, until each is forgotten. Raises Stopped."""
        size = sum(one.nbytes for one in things)
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or self._bytes + size <= self._most or self._count < self._always * len(things)
            )
            if self._stopped:
                raise Stopped
            self._bytes += size
            self._count += len(things)
        for one in things:
            weakref.finalize(one, self._left, one.nbytes).atexit = False

    def stop(self) -> None:
        """Whoever waits here or will is told that it is over."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _left(self, size: int) -> None:
        with self._changed:
            self._bytes -= size
            self._count -= 1
            self._changed.notify_all()


class Pipeline:
    """Stages and the channels between them. The first error is the pipeline's.

    worked_s: seconds for which each stage did not wait for another, by name.
    """

    def __init__(self) -> None:
        self._channels: list[Channel[Any] | Room] = []
        self._stages: list[threading.Thread] = []
        self._ended = threading.Condition()
        self._left = 0
        self._error: BaseException | None = None
        self.worked_s: dict[str, float] = {}

    def channel(self, capacity: int) -> Channel[Any]:
        """A channel that ends with the pipeline."""
        channel = Channel[Any](capacity)
        self._channels.append(channel)
        return channel

    def room(self, most_bytes: int, always: int) -> Room:
        """Room that ends with the pipeline."""
        room = Room(most_bytes, always)
        self._channels.append(room)
        return room

    def stage(
        self,
        name: str,
        work: Callable[[], Iterable[T]],
        into: Channel[T] | None,
        out_of: Channel[Any] | None = None,
    ) -> None:
        """Adds a stage: what `work` gives goes into a channel. out_of: the one that it reads."""

        def flow() -> None:
            given = iter(work())
            waited = 0.0
            begun = time.perf_counter()
            for one in given:
                if into is not None:
                    waited += into.put(one)
                del one  # not held while the next is made
            if into is not None:
                into.close()
            self.worked_s[name] = time.perf_counter() - begun - waited - (out_of.waited_s if out_of else 0.0)

        self._stages.append(threading.Thread(target=self._run, args=(flow,), name=name, daemon=True))

    def run(self, watch: Callable[[], None]) -> None:
        """Runs all stages to their end, calling `watch` now and then from this thread.

        Raises the first error of a stage, or what `watch` raises; no stage runs any more then.
        """
        self._left = len(self._stages)
        for stage in self._stages:
            stage.start()
        try:
            while not self._is_over():
                watch()
        except BaseException as error:  # noqa: BLE001  # raised below, when the stages have ended
            self._fail(error)
        for stage in self._stages:
            stage.join()
        if self._error is not None:
            raise self._error
        watch()

    def _is_over(self) -> bool:
        with self._ended:
            return self._ended.wait_for(lambda: not self._left, timeout=_LOOK_S)

    def _run(self, flow: Callable[[], None]) -> None:
        try:
            flow()
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001  # handed to the thread that runs the pipeline
            self._fail(error)
        finally:
            with self._ended:
                self._left -= 1
                self._ended.notify_all()

    def _fail(self, error: BaseException) -> None:
        with self._ended:
            self._error = self._error or error
        for channel in self._channels:
            channel.stop()
