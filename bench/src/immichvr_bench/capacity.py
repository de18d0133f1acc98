"""How long a library takes, and whom it keeps waiting: a simulation of queues, fairness and pools that scale to zero.

The rules are the gateway's and the scaler's: what people wait for overtakes what runs by itself, people take turns
within each, a running job is never stopped, a pool wakes for the first job and sleeps when it was idle for so long.
What a job takes is put in, from measurements. Prints a table; nothing is measured here.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.table import Table

_DAY_S = 86_400.0
PHOTOS = {"ann": 60_000, "bob": 30_000, "eve": 10_000}
_ASKED_A_DAY, _DAYS_AFTER = 10, 30
"""Photos that each person opens a day and waits for; days looked at after the library is done."""


@dataclass(frozen=True)
class Wish:
    """A job somebody asks for. at: seconds. takes_s: seconds of a worker. waited_for: whether a person looks on."""

    at: float
    user: str
    takes_s: float
    waited_for: bool


@dataclass(frozen=True)
class Pool:
    """Workers of one kind. most: so many at once; the fewest is none. wake_s: from asked for to at work.

    sleeps_after_s: so long idle, and a worker goes.
    """

    most: int
    wake_s: float
    sleeps_after_s: float


@dataclass
class Outcome:
    """What came of it, in seconds.

    waits_s: from asking to the beginning of the work, of what people waited for. ended_s: by user, when the last of
    what they did not wait for was done. worker_s: for which workers were there; busy_s: for which they worked.
    """

    jobs: int = 0
    waits_s: list[float] = field(default_factory=list)
    ended_s: dict[str, float] = field(default_factory=dict)
    worker_s: float = 0.0
    busy_s: float = 0.0


@dataclass
class _Worker:
    """since: it is there. rests_since: it has nothing to do; None while it wakes or works."""

    since: float
    rests_since: float | None = None


class _Lines:
    """What waits: by class, and within it a line for each person, served in turn."""

    def __init__(self) -> None:
        self._lines: dict[bool, dict[str, deque[Wish]]] = {True: {}, False: {}}
        self.waiting = 0

    def add(self, wish: Wish) -> None:
        self._lines[wish.waited_for].setdefault(wish.user, deque()).append(wish)
        self.waiting += 1

    def take(self) -> Wish | None:
        """The next one: of the person whose turn was longest ago, who then goes to the end."""
        lines = self._lines[True] or self._lines[False]
        if not lines:
            return None
        user = next(iter(lines))
        line = lines.pop(user)
        wish = line.popleft()
        if line:
            lines[user] = line
        self.waiting -= 1
        return wish


class _Run:
    """One simulation: what happens next, and who is there."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.lines, self.outcome = pool, _Lines(), Outcome()
        self._idle: list[_Worker] = []
        self._there = self._waking = 0
        # (time, order, what then happens, to whom)
        self._events: list[tuple[float, int, Callable[[float, _Worker], None], _Worker]] = []
        self._order = itertools.count()

    def until(self, at: float) -> None:
        """Lets everything happen that does before a time."""
        while self._events and self._events[0][0] <= at:
            now, _, happen, worker = heapq.heappop(self._events)
            happen(now, worker)

    def ask(self, wish: Wish) -> None:
        self.lines.add(wish)
        if self._idle:
            self._work(wish.at, self._idle.pop())
        elif self._there < self.pool.most and self._waking < self.lines.waiting:
            self._there, self._waking = self._there + 1, self._waking + 1
            self._expect(wish.at + self.pool.wake_s, self._woke, _Worker(wish.at))

    def _expect(self, at: float, happen: Callable[[float, _Worker], None], worker: _Worker) -> None:
        heapq.heappush(self._events, (at, next(self._order), happen, worker))

    def _woke(self, now: float, worker: _Worker) -> None:
        self._waking -= 1
        self._work(now, worker)

    def _work(self, now: float, worker: _Worker) -> None:
        worker.rests_since = None
        wish = self.lines.take()
        if wish is None:
            worker.rests_since = now
            self._idle.append(worker)
            self._expect(now + self.pool.sleeps_after_s, self._tired, worker)
            return
        outcome, end = self.outcome, now + wish.takes_s
        outcome.jobs += 1
        outcome.busy_s += wish.takes_s
        if wish.waited_for:
            outcome.waits_s.append(now - wish.at)
        else:
            outcome.ended_s[wish.user] = max(outcome.ended_s.get(wish.user, 0.0), end)
        self._expect(end, self._work, worker)

    def _tired(self, now: float, worker: _Worker) -> None:
        if worker.rests_since is not None and now - worker.rests_since >= self.pool.sleeps_after_s:
            self._idle.remove(worker)
            self._there -= 1
            self.outcome.worker_s += now - worker.since


def simulate(wishes: Iterable[Wish], pool: Pool) -> Outcome:
    """Runs through all wishes, which come in the order of time, until the last is done and every worker sleeps."""
    run = _Run(pool)
    for wish in wishes:
        run.until(wish.at)
        run.ask(wish)
    run.until(math.inf)
    return run.outcome


def library(photos: dict[str, int], takes_s: float, asked_a_day: int, days: float, seed: int = 1) -> Iterator[Wish]:
    """Everybody's photos asked for at once, and a few a day that people look at and wait for, in the evening.

    What a job takes varies by a third around `takes_s`.
    """
    chance = random.Random(seed)  # noqa: S311  # no secret is made of it

    def took() -> float:
        return takes_s * chance.uniform(0.67, 1.33)

    everything = [Wish(0.0, user, took(), False) for user, count in photos.items() for _ in range(count)]
    evenings = [
        Wish(day * _DAY_S + chance.uniform(18, 22) * 3600, user, took(), True)
        for day in range(int(days))
        for user in photos
        for _ in range(asked_a_day)
    ]
    yield from sorted([*everything, *evenings], key=lambda wish: wish.at)


def main() -> None:
    """Prints what a library of 100,000 photos of three people comes to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--takes-s", type=float, required=True, help="seconds of one worker for a photo, measured")
    parser.add_argument("--wake-s", type=float, default=60.0, help="from asked for to at work, the cluster's part too")
    parser.add_argument("--sleeps-after-s", type=float, default=300.0, help="idle, before a worker goes")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    asked = parser.parse_args()
    table = Table("workers", "photos a day", "done, by person (days)", "wait in the evening, p50 / p95 / longest (s)",
                  "worker hours", "of them at work")  # fmt: skip
    for workers in asked.workers:
        days = sum(PHOTOS.values()) * asked.takes_s / workers / _DAY_S
        outcome = simulate(
            library(PHOTOS, asked.takes_s, _ASKED_A_DAY, days + _DAYS_AFTER),
            Pool(workers, asked.wake_s, asked.sleeps_after_s),
        )
        done = ", ".join(f"{user} {at / _DAY_S:.1f}" for user, at in outcome.ended_s.items())
        p50, p95, longest = np.percentile(outcome.waits_s, [50, 95, 100])
        table.add_row(
            str(workers), f"{_DAY_S / asked.takes_s * workers:,.0f}", done, f"{p50:.1f} / {p95:.1f} / {longest:.1f}",
            f"{outcome.worker_s / 3600:,.0f}", f"{outcome.busy_s / outcome.worker_s:.0%}",
        )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    main()
