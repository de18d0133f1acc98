"""Lanes that an operator has paused, `immichvr admin drain`: until when nothing of them is begun."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from immichvr_common.bus import Bus, durable_name
from immichvr_common.bus.streams import JOBS

from immichvr_gateway.jobs.line import Lane


class Pauses:
    """What NATS said of pauses when it was last asked."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._until: dict[Lane, datetime] = {}

    async def look(self, lanes: list[Lane]) -> None:
        """Asks NATS about these lanes. Raises Unavailable."""
        left_s, now = await self._bus.paused(JOBS), datetime.now(UTC)
        found = {lane: left_s.get(durable_name(lane.service, lane.pool, lane.job_class), 0) for lane in lanes}
        self._until = {lane: now + timedelta(seconds=left) for lane, left in found.items() if left > 0}

    def until(self, lane: Lane | None) -> datetime | None:
        """When work on this lane's jobs is begun again; None where it is not paused."""
        until = self._until.get(lane) if lane is not None else None
        return until if until is not None and until > datetime.now(UTC) else None
