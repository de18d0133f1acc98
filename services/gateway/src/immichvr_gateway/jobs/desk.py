"""Where jobs are asked for, followed, cancelled and tried again. The only writer of their state."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import nats.errors
from immichvr.events.v1.events_pb2 import JobEvent
from immichvr_common.bus import Bus, job_subject
from immichvr_common.bus.connection import OUTAGES
from immichvr_common.errors import ServiceError
from immichvr_common.locks import KeyedLocks
from immichvr_common.logs import get_log

from immichvr_gateway.aside import Aside
from immichvr_gateway.jobs.dead_letters import bury
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.keeping import RecordKeeper
from immichvr_gateway.jobs.looking import last_words, latest_run, queued_at, take_off_the_queue
from immichvr_gateway.jobs.queue import JobQueue
from immichvr_gateway.jobs.reconciling import Reading, Reconciler
from immichvr_gateway.jobs.records import (
    BURY,
    LOST,
    QUEUE,
    STAND_IN,
    JobError,
    JobProgress,
    JobRecord,
    State,
    adopted,
    apply,
    from_event,
    is_lightening,
    next_run,
    place,
    with_what_follows,
)
from immichvr_gateway.problems import Problem
from immichvr_gateway.settings import GatewaySettings

log = get_log(__name__)

_LEFT_BEHIND_S = 3.0

Changed = Callable[[JobRecord], None]
Ended = Callable[[JobRecord], None]


class Desk:
    """Publishes jobs first and records them second; what a crash leaves between the two, `reconcile` mends.

    What follows from an event (another run, a line in DEAD) is noted as owed in the very change that the event makes,
    and crossed out once it is done. on_change: told of every change. on_end: told when a job has ended, or has all
    but its light variant. reading: how far events are read; all of them, where it is not given. require_room: raises
    StorageFull where nothing may be begun. stand_in: has the library's own picture staged, and then `stand_in_found`
    called; None where it makes none.
    """

    def __init__(
        self,
        bus: Bus,
        index: JobIndex,
        on_change: Changed,
        on_end: Ended,
        settings: GatewaySettings,
        records: RecordKeeper | None = None,
        reading: Reading | None = None,
    ) -> None:
        self._bus, self.index = bus, index
        self._on_change, self._on_end = on_change, on_end
        self._queued_per_user = settings.limits.queued_per_user
        self._retries, self._pool = settings.retries, settings.pool
        self._locks = KeyedLocks()
        self.require_room: Callable[[], None] = lambda: None
        self.stand_in: Callable[[JobRecord], None] | None = None
        self._records, self._aside = records or RecordKeeper(bus), Aside(bus)
        self._owing: set[str] = set()
        self._reading, self._queue = reading, JobQueue(bus, reading)
        self._reconciler = Reconciler(bus, index, self, reading)

    @property
    def all_written(self) -> bool:
        """Whether every record that should lie in KV does."""
        return not self._records.unwritten

    def subject(self, kind: str, job_id: str) -> str:
        """Where a job somebody waits for is queued."""
        service, pool = ("converter", "cpu") if kind in ("convert", "lod") else ("ai", self._pool)
        return job_subject(service, pool, "interactive", kind, job_id)

    def ended_run(self, job_id: str) -> int:
        """The last run of a job that has ended; 0 where none has."""
        known = self.index.get(job_id)
        if known is None:
            return 0
        return known.run if known.state.terminal else known.run - 1

    async def join(self, job_id: str, requester: str, light: bool) -> JobRecord | None:
        """Adds somebody to those who asked for a job that is under way; None where it is not."""
        async with self._lock(job_id):
            known = self.index.get(job_id)
            if known is None or known.state.terminal:
                return None
            return await self._join(known, requester, light)

    async def answer(self, record: JobRecord, requester: str) -> JobRecord:
        """The job behind what exists already, as it is known or, where it is not, as given."""
        async with self._lock(record.id):
            known = self.index.get(record.id)
            if known is None:
                self.index.put(record)
            elif known.state is State.SUCCEEDED:
                return await self._join(known, requester, light=False)
            return record

    async def submit(self, record: JobRecord, requester: str, ended_run: int) -> JobRecord:
        """Makes a job exist, or joins the one that does.

        ended_run: the last run that had ended when this was asked for; one that has ended since is the answer. A
        job that ended before gets another run. Raises Unavailable, Problem (too many queued).
        """
        async with self._lock(record.id):
            known = self.index.get(record.id)
            if known is not None:
                ended_since = known.run > ended_run and known.state is not State.CANCELLED
                if not known.state.terminal or (ended_since and (known.light or not record.light)):
                    return await self._join(known, requester, record.light)
            self._check_quota(requester)
            if known is not None:
                record.run = known.run + 1
                record.auto_retries = 0
                record.requesters = [requester, *(one for one in known.requesters if one != requester)]
            return await self._publish(record)

    async def retry(self, record: JobRecord, message: dict[str, Any] | None = None) -> JobRecord:
        """Starts the next run of a job that has ended, as `message` where one is given.

        Raises Unavailable; Problem if it has not ended.
        """
        async with self._lock(record.id):
            record = self.index.get(record.id) or record
            if not record.message:
                raise Problem(409, "not_known", f"what job {record.id} consists of is not known; ask for it anew")
            if not record.state.terminal:
                raise Problem(409, "not_ended", f"job {record.id} is {record.state}; only an ended job is tried again")
            if message is not None:
                record = record.model_copy(update={"message": message})
            return await self._publish(next_run(record))

    async def cancel(self, record: JobRecord, requester: str) -> JobRecord:
        """Withdraws one person's wish; without any left, the job is ended. Raises Unavailable, Problem."""
        async with self._lock(record.id):
            record = self.index.get(record.id) or record
            if record.state.terminal:
                raise Problem(409, "already_ended", f"job {record.id} has {record.state} already")
            if set(await self._records.who_asked(record)) - {requester}:
                record.requesters = [one for one in record.requesters if one != requester]
                await self._record(record)
                return record
            awaited = self.index.get(record.awaits)
            if awaited is not None and not set(await self._records.who_asked(awaited)) - {requester}:
                await self._queue.withdraw(awaited)
            await self._queue.withdraw(record)
            return record

    async def on_event(self, event: JobEvent) -> None:
        """Takes in what a worker told. Doing it again completes what was left undone the first time."""
        # A job's first events may overtake the request that publishes it.
        async with self._lock(event.job_id):
            known = self.index.get(event.job_id)
            record = known.model_copy() if known else from_event(event, self.subject(event.kind, event.job_id))
            is_news = known is None or event.run > known.run
            if not apply(record, event):
                if known is not None:
                    await self._complete(known)
                return
            record = with_what_follows(record, self._retries, self.stand_in is not None)
            if known is not None:
                known.become(record)
                record = known
            self.index.put(record)
            # What lies between is read again from the events after a restart.
            is_written = is_news or record.state.terminal or is_lightening(record) or bool(record.owed)
            await self._pay(record)
            self._on_change(record)
            if is_written:
                await self._record(record)
            self._tell_end(record)

    async def settle(self, record: JobRecord) -> None:
        """Records a change that the gateway itself made to a job."""
        record.updated_at = datetime.now(UTC)
        self._on_change(record)
        await self._record(record)
        self._tell_end(record)

    async def wait_for(self, job_id: str, run: int, awaited: JobRecord) -> None:
        """Notes that a job ends as the one that makes its light variant does, which may have ended already."""
        async with self._lock(job_id):
            record = self.index.get(job_id)
            if record is None or record.run != run or not is_lightening(record):
                return
            record.awaits = awaited.id
            await self.settle(record)
        if awaited.state.terminal:
            await self.end(job_id, run, awaited.state, awaited.error)

    async def end(self, job_id: str, run: int, state: State, error: JobError | None) -> None:
        """Ends a job that has made its asset, as its light variant has ended; nothing where it has ended already."""
        async with self._lock(job_id):
            record = self.index.get(job_id)
            if record is None or record.run != run or not is_lightening(record):
                return
            record.state, record.error, record.awaits = state, error, ""
            if state is State.SUCCEEDED:
                record.progress = JobProgress(fraction=1, stage="stored")
            if state is State.FAILED:
                record.owed = [BURY]
            await self._pay(record)
            await self.settle(record)

    async def stand_in_found(self, job_id: str, run: int, message: dict[str, Any] | None) -> None:
        """Queues the run that waits for the library's own picture, as `message`; without one it fails as before."""
        async with self._lock(job_id):
            record = self.index.get(job_id)
            if record is None or record.run != run or STAND_IN not in record.owed:
                return
            if message is None:
                record.state, record.error, record.owed = State.FAILED, record.refusal, [BURY]
            else:
                record.message, record.owed = message, [QUEUE]
            await self._pay(record)
            await self.settle(record)

    async def forget(self, record: JobRecord) -> None:
        """Drops what is known of a job that has ended. Raises Unavailable."""
        async with self._lock(record.id):
            if not record.state.terminal or self.index.get(record.id) is not record:
                return
            await self._records.forget(record.id)
            self.index.remove(record.id)

    async def pay_all_debts(self) -> None:
        """Does what could not be done before, as far as it can be now."""
        for job_id in self.owing:
            await self.pay_debts(job_id)

    @property
    def owing(self) -> list[str]:
        """The jobs about which something is still to be done that could not be done at once."""
        return sorted(self._owing)

    async def reconcile(self) -> None:
        """Mends what a crash or an outage left. Raises what the NATS client raises when the server is gone.

        Records not written, debts not paid, light variants not made, queued jobs without a record, records whose
        job is gone.
        """
        await self._reconciler.reconcile(self._records.unwritten)

    async def write_down(self, job_id: str) -> None:
        """Writes a record that could not be written before."""
        async with self._lock(job_id):
            if (record := self.index.get(job_id)) is not None and job_id in self._records.unwritten:
                await self._record(record)

    async def pay_debts(self, job_id: str) -> None:
        """Does what could not be done before."""
        async with self._lock(job_id):
            record = self.index.get(job_id)
            if record is not None and await self._pay(record):
                await self._record(record)
            elif record is None or not record.owed:
                self._owing.discard(job_id)

    async def go_on(self, job_id: str) -> None:
        """Goes on with a light variant that is not made, or was made meanwhile."""
        async with self._lock(job_id):
            record = self.index.get(job_id)
            if record is None or not is_lightening(record):
                return
            awaited = self.index.get(record.awaits)
            if awaited is None:
                record.awaits = ""
                self._on_end(record)
            elif awaited.state.terminal:
                self._on_end(awaited)

    async def adopt(self, subject: str) -> None:
        """Takes up a run that lies in the queue and is in no record."""
        found = await queued_at(self._bus, subject)
        if found is None:
            await take_off_the_queue(self._bus, subject, self._aside)
            return
        async with self._lock(found.job.id):
            known = self.index.get(found.job.id)
            if known is not None and (known.run >= found.job.run or not known.state.terminal):
                return
            log.info("a queued job had no record", job_id=found.job.id, run=found.job.run)
            record = adopted(found.job, subject)
            if known is not None:
                record.requesters = list(dict.fromkeys([*record.requesters, *known.requesters]))
            self.index.put(record)
            self._on_change(record)
            await self._record(record)

    async def declare_lost(self, job_id: str, run: int) -> None:
        """Fails a job that is in no queue, unless its end was told and somehow passed by."""
        record = self.index.get(job_id)
        if record is None:
            return
        # What has been applied changes nothing; an end that went by, for whatever reason, is the job's now.
        for word in await last_words(self._bus, record.subject, job_id):
            if self._reading is not None:
                await self._reading.take(word.subject, word.data, word.seq)
            else:
                await self.on_event(word.event)
        async with self._lock(job_id):
            if record.run != run or record.state.terminal or self.index.get(job_id) is not record:
                return
            record.state = State.FAILED
            record.error = JobError(code=LOST, message="the job is in no queue any more; try it again", retriable=True)
            record.owed = [BURY]
            await self._pay(record)
            await self.settle(record)

    def _lock(self, job_id: str) -> AbstractAsyncContextManager[None]:
        return self._locks.hold(job_id)

    def _check_quota(self, requester: str) -> None:
        waiting = self.index.waiting(requester)
        if waiting >= self._queued_per_user:
            raise Problem(
                429, "too_many_jobs", f"{waiting} jobs are waiting already; the limit is {self._queued_per_user}"
            )

    async def _join(self, known: JobRecord, requester: str, light: bool) -> JobRecord:
        if requester not in known.requesters or (light and not known.light):
            known.requesters = [*known.requesters, *({requester} - set(known.requesters))]
            known.light = known.light or light
            await self._record(known)
        return known

    async def _publish(self, record: JobRecord) -> JobRecord:
        await self._queue.put(record, _LEFT_BEHIND_S)
        self.index.put(record)
        self._on_change(record)
        await self._record(record)
        return record

    def _tell_end(self, record: JobRecord) -> None:
        if record.state.terminal or (is_lightening(record) and not record.awaits):
            self._on_end(record)

    async def _complete(self, record: JobRecord) -> None:
        """Does what an event left undone the first time."""
        if await self._pay(record) or record.id in self._records.unwritten:
            await self._record(record)

    async def _pay(self, record: JobRecord) -> bool:
        """Does what is owed about a job; whether anything was done. What cannot be done now stays owed."""
        before = len(record.owed)
        for debt in list(record.owed):
            if debt == STAND_IN and self.stand_in is not None:
                self.stand_in(record)
                break
            try:
                await (self._queue_again(record) if debt == QUEUE else bury(self._bus, record))
            except (ServiceError, *OUTAGES, nats.errors.Error) as error:
                why = str(error) or type(error).__name__
                log.warning("what follows from a job's event waits", job_id=record.id, what=debt, error=why)
                break
            except Exception as error:  # a debt that can never be paid must not be tried for ever
                log.error("what follows from a job's event is given up", job_id=record.id, what=debt, exc_info=error)
                if debt == QUEUE:
                    record.state = State.FAILED
                    record.error = JobError(code="internal", message="the job cannot be queued again")
            record.owed = [one for one in record.owed if one != debt]
        (self._owing.add if record.owed else self._owing.discard)(record.id)
        return len(record.owed) < before

    async def _queue_again(self, record: JobRecord) -> None:
        run, _ = await latest_run(self._bus, record.subject, record.id, record.run)
        # Where it was told of, it was published before a crash, and is read of in its turn.
        if run < record.run:
            await self._queue.put(record, _LEFT_BEHIND_S)

    async def _record(self, record: JobRecord) -> None:
        """Writes a record down, and takes in what another gateway wrote of the job meanwhile."""
        stands = await self._records.write(record)
        if stands is None or self.index.get(record.id) is not record:
            return
        record.requesters, record.light = stands.requesters, stands.light
        record.message, record.params = record.message or stands.message, record.params or stands.params
        # What workers told comes in its turn, with the events; what another gateway decided does not.
        is_decided = stands.state.terminal and not record.state.terminal and place(stands)[2:] <= place(record)[2:]
        if stands.run > record.run or is_decided:
            record.become(stands)
            self._on_change(record)
            if record.state.terminal:
                self._on_end(record)
