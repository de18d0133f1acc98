"""Has workers begin nothing for a while, and finish what they have: before a server is replaced, or a node goes.

The pause is the queue's own, with an end: whoever forgets it loses an hour and not a night.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from immichvr_catalog import CLASSES, POOLS, workers
from immichvr_common.bus import Bus
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


async def held(bus: Bus, services: Sequence[str]) -> int:
    """How many jobs workers have, those whose files travel among them. Raises InvalidRequest, Unavailable.

    Those of a worker that died are among them until they are begun again: NATS does not tell them from others.
    """
    found = [await bus.consumer(JOBS, durable) for durable in _durables(services)]
    return sum(one.num_ack_pending or 0 for one in found)


async def until_idle(bus: Bus, services: Sequence[str], within_s: float) -> int:
    """How many jobs workers still have after that time; 0 as soon as they have none. Raises as `held`."""
    ends = asyncio.get_running_loop().time() + within_s
    while (left := await held(bus, services)) and asyncio.get_running_loop().time() < ends:  # noqa: ASYNC110  # NATS tells nobody
        await asyncio.sleep(_ASKED_EVERY_S)
    return left


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
