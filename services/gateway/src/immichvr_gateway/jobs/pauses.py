"""Lanes that an operator has paused, `immichvr admin drain`: until when nothing of them is begun."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from immichvr_common.bus import Bus, durable_name
from immichvr_common.bus.streams import JOBS
from immichvr_common.errors import NotFound

from immichvr_gateway.jobs.line import Lane


class Pauses:
    """What NATS said of pauses when it was last asked."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._until: dict[Lane, datetime] = {}

    async def look(self, lanes: list[Lane]) -> None:
        """Asks NATS about these lanes. Raises Unavailable."""
        found = {}
        for lane in lanes:
            try:
                left_s = await self._bus.paused_for(JOBS, durable_name(lane.service, lane.pool, lane.job_class))
            except NotFound:
                continue
            if left_s > 0:
                found[lane] = datetime.now(UTC) + timedelta(seconds=left_s)
        self._until = found

    def until(self, lane: Lane | None) -> datetime | None:
        """When work on this lane's jobs is begun again; None where it is not paused."""
        until = self._until.get(lane) if lane is not None else None
        return until if until is not None and until > datetime.now(UTC) else None
