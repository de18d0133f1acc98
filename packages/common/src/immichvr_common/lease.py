"""The right to work on a job: renewed while the work goes on, and known to be lost when it was not renewed in time."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable

import nats.errors
from nats.aio.msg import Msg

from immichvr_common.bus.connection import OUTAGES

_RECONNECTING_S = 0.1


def awake_or_asleep() -> float:
    """Seconds of a clock that goes on while the machine sleeps, where there is one."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Lease:
    """Holds one delivered message.

    ack_wait_s: how long the server waits for a sign of life. Whoever was asleep for longer (a paused machine,
    a stopped process) must assume that somebody else has the job now.
    """

    def __init__(self, message: Msg, ack_wait_s: float, clock: Callable[[], float] = awake_or_asleep) -> None:
        self._message = message
        self._ack_wait_s = ack_wait_s
        self._clock = clock
        self._renewed = clock()
        self._lost = False

    @property
    def held(self) -> bool:
        """Whether the job is surely still ours."""
        if self._clock() - self._renewed > self._ack_wait_s:
            self._lost = True
        return not self._lost

    async def keep(self) -> None:
        """Renews at a third of the time, until cancelled; a lost lease is not renewed."""
        while True:
            # A server that comes back gives away what seems abandoned after about a second: it hears of us before.
            await asyncio.sleep(self._ack_wait_s / 3 if self._message._client.is_connected else _RECONNECTING_S)
            if not self.held:
                continue
            # While NATS is away nobody else can be given the job either.
            if self._message._client.is_connected:
                with contextlib.suppress(*OUTAGES, nats.errors.Error):
                    await self._message.in_progress()
            self._renewed = self._clock()

    def adopt(self, message: Msg) -> None:
        """Goes on with a later delivery of the same message: the job is ours again."""
        self._message, self._renewed, self._lost = message, self._clock(), False

    async def acknowledge(self) -> None:
        """Tells the server that the job is done with; it is gone from the queue when this returns."""
        await self._message.ack_sync(timeout=5)

    async def hand_back(self) -> None:
        """Has the server give the job to another worker at once, or to this one."""
        await self._message.nak()
