"""The right to work on a job: renewed while the work goes on, and known to be lost when it was not renewed in time."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable

from immichvr_common.bus import Delivery
from immichvr_common.errors import Unavailable


def awake_or_asleep() -> float:
    """Seconds of a clock that goes on while the machine sleeps, where there is one."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Lease:
    """Holds one delivered message.

    What it knows is this process's: it was awake, and either said so in time or had no server to say it to. While the
    server is down nobody else can be given the job; where only the way to it is cut, somebody can, and then the
    manifest, which is written over nothing that was not seen, decides whose result counts.

    ack_wait_s: how long the server waits for a sign of life. Whoever was asleep for longer (a paused machine,
    a stopped process) must assume that somebody else has the job now.
    """

    def __init__(self, message: Delivery, ack_wait_s: float, clock: Callable[[], float] = awake_or_asleep) -> None:
        self._message = message
        self._ack_wait_s = ack_wait_s
        self._clock = clock
        self._renewed = clock()
        self._lost = False

    @property
    def held(self) -> bool:
        """Whether the job is still ours, as far as this process can know."""
        if self._clock() - self._renewed > self._ack_wait_s:
            self._lost = True
        return not self._lost

    async def keep(self) -> None:
        """Renews at a third of the time, until cancelled; a lost lease is not renewed."""
        while True:
            # A server that comes back gives away what seems abandoned after about a second: it hears of us before.
            await self._message.link.until_back(within_s=self._ack_wait_s / 3)
            if not self.held:
                continue
            if self._message.link.is_up:
                with contextlib.suppress(Unavailable):
                    await self._message.renew()
            self._renewed = self._clock()

    def adopt(self, message: Delivery) -> None:
        """Goes on with a later delivery of the same message: the job is ours again."""
        self._message, self._renewed, self._lost = message, self._clock(), False

    async def acknowledge(self) -> None:
        """Tells the server that the job is done with; it is gone from the queue when this returns."""
        await self._message.acknowledge()

    async def hand_back(self) -> None:
        """Has the server give the job to another worker at once, or to this one."""
        await self._message.hand_back()
