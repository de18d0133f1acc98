"""Has workers begin nothing for a while, and finish what they have: before a server is replaced, or a node goes.

The pause is the queue's own, with an end: whoever forgets it loses an hour and not a night.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from immichvr_catalog import CLASSES, POOLS, workers
from immichvr_common.bus import Bus, BusMessage
from immichvr_common.bus.acknowledgements import acknowledgements_of, read_acknowledgement
from immichvr_common.bus.streams import JOBS, durable_name
from immichvr_common.errors import ClockSkew, InvalidRequest, ServiceError

_ASKED_EVERY_S = 0.2
_SKEW_S = 30.0


async def pause(bus: Bus, services: Sequence[str], lasts: timedelta) -> datetime:
    """Has the jobs of these services wait, all where none is named; until when. All of them or none.

    Raises InvalidRequest, ClockSkew where NATS' clock is another than this machine's, Unavailable.
    """
    until = datetime.now(UTC) + lasts
    durables = _durables(services)
    try:
        for durable in durables:
            left_s = await bus.pause(JOBS, durable, until)
            if abs(left_s - (until - datetime.now(UTC)).total_seconds()) > _SKEW_S:
                raise ClockSkew(
                    f"NATS would let them wait for {left_s:.0f} s, and not for {lasts.total_seconds():.0f}: its clock "
                    "is another than this machine's; set both by NTP"
                )
    except ServiceError:
        for durable in durables:
            with contextlib.suppress(ServiceError):
                await bus.pause(JOBS, durable, None)
        raise
    return until


async def resume(bus: Bus, services: Sequence[str]) -> None:
    """Lets them be begun again. Raises InvalidRequest, Unavailable."""
    for durable in _durables(services):
        await bus.pause(JOBS, durable, None)


async def until_idle(bus: Bus, services: Sequence[str], within_s: float) -> int:
    """How many jobs workers still have after that time, those whose files travel among them; 0 once they have none.

    NATS counts those of workers that died until they are begun again, which they are not. So, once every worker that
    lives must have said that its work goes on, only those count of which one did. Raises InvalidRequest, Unavailable.
    """
    signs = [await _Signs.of(bus, durable) for durable in _durables(services)]
    ends = asyncio.get_running_loop().time() + within_s
    while True:
        left = sum([await one.held() for one in signs])
        if not left or asyncio.get_running_loop().time() >= ends:
            return left
        await asyncio.sleep(_ASKED_EVERY_S)


class _Signs:
    """What workers say of the jobs that one durable has handed out, since this listens."""

    def __init__(self, bus: Bus, durable: str) -> None:
        self._bus, self._durable = bus, durable
        self._renewed: dict[int, float] = {}
        self._listens_since, self._losses = _now(), bus.link.losses

    @classmethod
    async def of(cls, bus: Bus, durable: str) -> _Signs:
        """Listens from now on, as long as the connection lives. Raises Unavailable."""
        signs = cls(bus, durable)
        await bus.subscribe(acknowledgements_of(JOBS, durable), signs._hear)
        return signs

    async def held(self) -> int:
        """How many jobs workers have, as far as can be told by now. Raises Unavailable."""
        told = await self._bus.consumer(JOBS, self._durable)
        unanswered, lease_s = told.num_ack_pending or 0, float(told.config.ack_wait or 0)
        if self._losses != self._bus.link.losses:  # what was said meanwhile went by
            self._listens_since, self._losses = _now(), self._bus.link.losses
        if _now() - self._listens_since < lease_s:
            return unanswered
        return min(unanswered, sum(_now() - at < lease_s for at in self._renewed.values()))

    async def _hear(self, message: BusMessage) -> None:
        said = read_acknowledgement(message)
        if said is not None and said.goes_on:
            self._renewed[said.seq] = _now()
        elif said is not None:
            self._renewed.pop(said.seq, None)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _durables(services: Sequence[str]) -> list[str]:
    there_are = {one.name: one.subject for one in workers()}
    if unknown := sorted(set(services) - set(there_are)):
        raise InvalidRequest(f"there is no service {unknown[0]!r} that takes jobs; there are: {', '.join(there_are)}")
    return [
        durable_name(there_are[name], pool, job_class)
        for name in services or there_are
        for pool in POOLS
        for job_class in CLASSES
    ]
