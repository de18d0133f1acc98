"""What the gateway still has to do about jobs, as their records say: done at once, or later where it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from immichvr_common.bus import Bus
from immichvr_common.bus.streams import DUPLICATES_S
from immichvr_common.errors import ServiceError
from immichvr_common.logs import get_log

from immichvr_gateway.jobs.changes import after
from immichvr_gateway.jobs.dead_letters import bury
from immichvr_gateway.jobs.looking import latest_run
from immichvr_gateway.jobs.machine import Debt, Trigger
from immichvr_gateway.jobs.queue import JobQueue
from immichvr_gateway.jobs.records import JobError, JobRecord

log = get_log(__name__)

_REMEMBERED = timedelta(seconds=DUPLICATES_S / 2)
"""NATS remembers a message's name for twice as long; clocks of gateways may differ by the rest."""


class Debts:
    """Pays what is owed about jobs; whoever asks for it holds the job's lock and writes the record down.

    stand_in: has the library's own picture staged, which takes its time and is told of elsewhere; None where the
    library makes none.
    """

    def __init__(self, bus: Bus, queue: JobQueue) -> None:
        self._bus, self._queue = bus, queue
        self.stand_in: Callable[[JobRecord], None] | None = None
        self._owing: set[str] = set()

    @property
    def owing(self) -> list[str]:
        """The jobs about which something is still to be done that could not be done at once."""
        return sorted(self._owing)

    def forgive(self, job_id: str) -> None:
        """Nothing is owed about a job any more."""
        self._owing.discard(job_id)

    async def pay(self, record: JobRecord, from_line: bool = False) -> bool:
        """Does what is owed about a job; whether anything was done. What cannot be done now stays owed.

        from_line: it is the turn of this job, should it wait for a place in the queue.
        """
        before = len(record.owed)
        for debt in list(record.owed):
            if debt is Debt.QUEUE and record.in_line is not None and not from_line:
                break
            if debt is Debt.STAND_IN and self.stand_in is not None:
                self.stand_in(record)
                break
            try:
                await (self._queue_again(record) if debt is Debt.QUEUE else bury(self._bus, record))
            except ServiceError as error:
                log.warning("what follows from a job's event waits", job_id=record.id, what=debt, error=error.message)
                break
            except Exception as error:  # a debt that can never be paid must not be tried for ever
                log.error("what follows from a job's event is given up", job_id=record.id, what=debt, exc_info=error)
                error_shown = JobError(code="internal", message="the job cannot be queued again")
                if debt is Debt.QUEUE and (now := after(record, Trigger.UNQUEUABLE, error_shown)) is not None:
                    record.become(now)
            record.owed = [one for one in record.owed if one != debt]
        (self._owing.add if record.owed and record.in_line is None else self._owing.discard)(record.id)
        return len(record.owed) < before

    async def _queue_again(self, record: JobRecord) -> None:
        # Where it was told of, it was published before a crash, and is read of in its turn; or lies in the queue still.
        # NATS itself remembers what was published since a job that waits in line got there, as long as that is not
        # long ago.
        if not _is_fresh(record):
            run, _ = await latest_run(self._bus, record.subject, record.id, record.run)
            if run >= record.run or await self._queue.join(record):
                return
        await self._queue.put(record)


def _is_fresh(record: JobRecord) -> bool:
    """Whether a job has waited in line for less time than NATS remembers what it was told to store."""
    return record.in_line is not None and datetime.now(UTC) - record.in_line < _REMEMBERED
