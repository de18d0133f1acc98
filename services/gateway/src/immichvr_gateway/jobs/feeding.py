"""Feeding the queue. It is first in, first out, so that few jobs of each lane lie in it, and the others wait in line.

What waits is in the records: queued, owed to the queue, and since when. A gateway of the release before pays such
debts at once, so that nothing waits for ever where it follows this one.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import defaultdict
from functools import partial
from typing import Protocol

from immichvr_common.bus import Bus, durable_name
from immichvr_common.bus.streams import JOBS
from immichvr_common.errors import NotFound, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.retrying import forever

from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.line import Lane, places, round_robin, seconds_by_kind
from immichvr_gateway.jobs.pauses import Pauses
from immichvr_gateway.jobs.records import JobRecord, QueuePlace, State
from immichvr_gateway.upkeep.turns import Turn

log = get_log(__name__)

_LOOK_S, _RENEW_S, _PATIENCE_S = 0.5, 1.0, 5.0
_FRESH_S = 0.25
"""For so long what NATS said of a lane is taken to hold, but for what was put there since."""
_PACE_S = 5.0


class Places:
    """How many places are free in each lane of the queue. window: how many jobs may lie there that no worker took."""

    def __init__(self, bus: Bus, window: int) -> None:
        self._bus, self._window = bus, window
        self._seen: dict[Lane, tuple[float, int]] = {}

    async def free(self, lane: Lane) -> int:
        """How many there are now. Raises Unavailable."""
        at, left = self._seen.get(lane, (0.0, 0))
        if time.monotonic() - at > _FRESH_S or left <= 0:
            name = durable_name(lane.service, lane.pool, lane.job_class)
            try:
                left = self._window - int((await self._bus.consumer(JOBS, name)).num_pending or 0)
            except NotFound as error:
                raise Unavailable(f"there is no queue {name} yet", down="nats") from error
            self._seen[lane] = (time.monotonic(), left)
        return left

    def taken(self, lane: Lane) -> None:
        """A job was put into a lane."""
        at, left = self._seen.get(lane, (0.0, 0))
        self._seen[lane] = (at, left - 1)


class Door(Protocol):
    """Lets jobs that wait go on."""

    async def let_in(self, job_id: str) -> None:
        """Puts a job that waits in line into the queue. Raises Unavailable."""

    async def hear_all(self) -> None:
        """Takes up what other gateways wrote of jobs. Raises Unavailable."""


class Feeder:
    """Lets those who wait go on, one gateway at a time, and says how long it may take."""

    def __init__(self, bus: Bus, index: JobIndex, window: int) -> None:
        self.places, self.pauses = Places(bus, window), Pauses(bus)
        self._index, self._turn = index, Turn(bus, "queue", _PATIENCE_S)
        self._wake = asyncio.Event()
        self._served: dict[str, int] = {}
        self._turns = itertools.count(1)
        self._shown: dict[str, QueuePlace] | None = None
        self._queued: set[str] = set()
        self._pace: tuple[float, dict[str, float]] = (0.0, {})

    async def has_place(self, record: JobRecord) -> bool:
        """Whether a job may go into the queue at once: nobody waits in its lane, and there is a place.

        Raises Unavailable.
        """
        lane = Lane.of(record)
        if lane is None:
            return True
        if any(Lane.of(one) == lane for one in self._index.in_line()) or await self.places.free(lane) <= 0:
            return False
        self._serve(lane, record.requesters[0] if record.requesters else "")
        return True

    def on_change(self, record: JobRecord) -> None:
        """Listens to jobs: one that waits, or has left the queue, may have another one go on."""
        self._shown = None
        if record.in_line is not None:
            self._wake.set()
        elif record.state is State.QUEUED:
            self._queued.add(record.id)
        elif record.id in self._queued:
            self._queued.discard(record.id)
            self._wake.set()

    async def run(self, door: Door) -> None:
        """Feeds until cancelled."""
        await forever(
            partial(self._feed_on, door), "those who wait in line cannot go on", outage=(Unavailable, NotFound),
            longest_s=1.0,
        )  # fmt: skip

    async def _feed_on(self, door: Door) -> None:
        while True:
            self._wake.clear()
            if not self._index.in_line():
                await self._turn.give_up()
                await self._wake.wait()
                continue
            if await self._turn.hold(_RENEW_S, door.hear_all):
                await self.feed(door)
            await _within(_LOOK_S, self._wake)

    async def feed(self, door: Door) -> int:
        """Lets as many go on as there are places; how many. Raises Unavailable."""
        lanes: dict[Lane, list[JobRecord]] = defaultdict(list)
        for record in self._index.in_line():
            if (lane := Lane.of(record)) is not None:
                lanes[lane].append(record)
        gone = 0
        for lane, waiting in lanes.items():
            free = await self.places.free(lane)
            for user, record in itertools.islice(round_robin(waiting, self._served), max(0, free)):
                await door.let_in(record.id)
                self._serve(lane, user)
                gone += 1
        return gone

    def place_of(self, record: JobRecord) -> QueuePlace | None:
        """Where a queued job stands, as it looks now; None where it is not queued."""
        if self._shown is None:
            self._shown = places(self._index.under_way(), self._served, self.pace)
        place, until = self._shown.get(record.id), self.pauses.until(Lane.of(record))
        if place is None or until is None:
            return place
        return place.model_copy(update={"starts_in_s": None, "paused_until": until})

    def _serve(self, lane: Lane, user: str) -> None:
        self.places.taken(lane)
        self._served[user] = next(self._turns)

    @property
    def pace(self) -> dict[str, float]:
        """How many seconds work on a job of each kind took lately."""
        if time.monotonic() - self._pace[0] > _PACE_S:
            self._pace = (time.monotonic(), seconds_by_kind(self._index))
        return self._pace[1]


async def _within(seconds: float, event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
