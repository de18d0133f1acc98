"""Light variants: a job that was asked for with one ends when it is there, however long S3 or NATS is away."""

from __future__ import annotations

import asyncio

from immichvr_common.bus.connection import OUTAGES
from immichvr_common.errors import ServiceError, StorageFull, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.supervision import Supervisor

from immichvr_gateway.jobs.desk import Desk
from immichvr_gateway.jobs.records import JobError, JobRecord, State, is_lightening
from immichvr_gateway.orders import Orders
from immichvr_gateway.problems import Problem

log = get_log(__name__)

_AGAIN_S = 1.0


class Lightening:
    """Has light variants made. That one is owed shows in the job's record, which outlives the gateway."""

    def __init__(self, desk: Desk, orders: Orders, supervisor: Supervisor) -> None:
        self._desk, self._orders, self._supervisor = desk, orders, supervisor
        self._under_way: set[tuple[str, int]] = set()

    def begin(self, record: JobRecord) -> None:
        """Has the light variant made that a job shall end with."""
        if (record.id, record.run) not in self._under_way:
            self._under_way.add((record.id, record.run))
            self._supervisor.errand("light variant", self._make(record.id, record.run))

    def end_those_awaiting(self, ended: JobRecord) -> None:
        """Ends the jobs that waited for this one, as it has ended."""
        for waiting in self._desk.index.awaiting(ended.id):
            ending = self._desk.end(waiting.id, waiting.run, ended.state, ended.error)
            self._supervisor.errand("end of a job", ending)

    async def _make(self, job_id: str, run: int) -> None:
        try:
            while True:
                record = self._desk.index.get(job_id)
                if record is None or record.run != run or not is_lightening(record) or record.awaits:
                    return
                try:
                    answer = await self._orders.lighten(record)
                except (Unavailable, StorageFull, *OUTAGES) as error:
                    log.warning("a light variant waits", job_id=job_id, error=str(error))
                    await asyncio.sleep(_AGAIN_S)
                    continue
                except (ServiceError, Problem, ValueError) as error:
                    why = JobError(code=getattr(error, "code", "internal"), message=str(error), retriable=True)
                    await self._desk.end(job_id, run, State.FAILED, why)
                    return
                await self._desk.wait_for(job_id, run, answer.record)
                return
        finally:
            self._under_way.discard((job_id, run))
