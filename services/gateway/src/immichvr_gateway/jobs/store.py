"""What is known of jobs: in memory, in KV, and told to whoever listens. The only writer of their state."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

from immichvr.events.v1.events_pb2 import JOB_STATE_CANCELLED, JOB_STATE_FAILED, JOB_STATE_SUCCEEDED, JobEvent
from immichvr_catalog import KINDS
from immichvr_common.bus import Bus
from immichvr_common.errors import Unavailable
from immichvr_common.locks import KeyedLocks
from immichvr_common.logs import get_log
from immichvr_common.tracing import span

from immichvr_gateway.jobs.changes import Policy, after, after_event, after_follow_up
from immichvr_gateway.jobs.dead_letters import unbury
from immichvr_gateway.jobs.debts import Debts
from immichvr_gateway.jobs.feeding import Feeder
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.keeping import RecordKeeper
from immichvr_gateway.jobs.looking import last_words, queued_at, take_off_the_queue
from immichvr_gateway.jobs.machine import Debt, Trigger
from immichvr_gateway.jobs.merging import place
from immichvr_gateway.jobs.other_gateways import OtherGateways
from immichvr_gateway.jobs.queue import JobQueue
from immichvr_gateway.jobs.reconciling import Reading, Reconciler
from immichvr_gateway.jobs.records import (
    LOST,
    JobError,
    JobRecord,
    State,
    adopted,
    from_event,
    is_followed,
)
from immichvr_gateway.jobs.routing import AWAITED, queue_of
from immichvr_gateway.listening import tell_each
from immichvr_gateway.settings import GatewaySettings
from immichvr_gateway.upkeep.aside import Aside

log = get_log(__name__)

_ENDS = (JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, JOB_STATE_CANCELLED)

Listener = Callable[[JobRecord], None]


class JobStore:
    """Every job, kept up to date by what is told of it.

    What follows from an event (another run, a line in DEAD) is noted as owed in the very change that the event makes,
    and crossed out once it is done; `reconcile` mends what a crash leaves between the queue and the records.
    listeners: each is told of every change, and knows nothing of the others. reading: how far events are read; all of
    them, where it is not given. debts: does what is owed; `stand_in_found` is for whoever stages a picture.
    """

    def __init__(
        self,
        bus: Bus,
        index: JobIndex,
        settings: GatewaySettings,
        records: RecordKeeper | None = None,
        reading: Reading | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self._bus, self.index = bus, index
        self.listeners = list(listeners)
        self._retries, self._pool_of = settings.retries, settings.pool_of
        self._locks = KeyedLocks()
        self._records, self._aside = records or RecordKeeper(bus), Aside(bus)
        self._reading, self.queue = reading, JobQueue(bus, reading)
        self.debts = Debts(bus, self.queue)
        self._reconciler = Reconciler(bus, index, self, reading)
        self.feeder = Feeder(bus, index, settings.limits.window)
        self.listeners.append(self.feeder.on_change)
        self.others = OtherGateways(bus, index, self._records, self)

    @property
    def all_written(self) -> bool:
        """Whether every record that should lie in KV does."""
        return not self._records.unwritten

    def subject(self, kind: str, job_id: str, runs_model: str = "", job_class: str = AWAITED) -> str:
        """Where a job is queued, see `queue_of`. Raises Problem."""
        return queue_of(kind, job_id, self._pool_of, runs_model, job_class)

    def lock(self, job_id: str) -> AbstractAsyncContextManager[None]:
        """Whoever changes what is known of a job holds this meanwhile."""
        return self._locks.hold(job_id)

    async def who_asked(self, record: JobRecord) -> set[str]:
        """Everybody who wants a job, here and at other gateways. Raises Unavailable."""
        return set(await self._records.who_asked(record))

    async def on_event(self, event: JobEvent) -> None:
        """Takes in what was told of a job. Doing it again completes what was left undone the first time."""
        if event.state not in _ENDS:
            await self._hear_event(event)
            return
        with span("hear of the end", event.traceparent, "consumer", job_id=event.job_id):
            await self._hear_event(event)

    async def _hear_event(self, event: JobEvent) -> None:
        # A job's first events may overtake the request that publishes it.
        async with self.lock(event.job_id):
            known = self.index.get(event.job_id)
            if known is None and event.kind not in KINDS:
                return  # a gateway of another release, which knows that kind, keeps its record
            record = known or from_event(event, self.subject(event.kind, event.job_id))
            is_news = known is None or event.run > known.run
            now = after_event(record, event, Policy(self._retries, self.debts.stand_in is not None))
            if now is None:
                if known is not None:
                    await self._complete(known)
                return
            record.become(now)
            # What lies between is read again from the events after a restart.
            is_written = is_news or record.state.terminal or is_followed(record) or bool(record.owed)
            await self.debts.pay(record)
            self.put(record)
            if is_written:
                await self.write(record)

    async def line_up(self, record: JobRecord) -> None:
        """Has a job wait in line for a place in the queue; its record is all there is of it. Raises Unavailable."""
        known = self.index.get(record.id)
        record.in_line = record.created_at = record.updated_at = datetime.now(UTC)
        record.owed = [Debt.QUEUE]
        job = record.job()
        job.run, job.requesters[:] = record.run, record.requesters
        record.put_run(job)
        self.index.put(record)
        await self.write(record)
        if record.id in self._records.unwritten:
            self._records.give_up(record.id)
            self.index.remove(record.id)
            if known is not None:
                self.index.put(known)
            raise Unavailable("what was asked for cannot be written down", down="nats")
        self.put(record)

    async def let_in(self, job_id: str) -> None:
        """Puts a job that waits in line into the queue. Raises Unavailable."""
        async with self.lock(job_id):
            record = self.index.get(job_id)
            if record is None or record.in_line is None:
                return
            if not await self.debts.pay(record, from_line=True):
                raise Unavailable(f"job {job_id} cannot be queued", down="nats")
            record.in_line = None
            self.put(record)
            await self.write(record)

    async def hear(self, job_id: str) -> None:
        """Takes up what another gateway wrote of a job: that it was asked for, by whom, and that it waits no more.

        What workers told comes in its turn, with the events. Raises Unavailable.
        """
        async with self.lock(job_id):
            if job_id in self._records.unwritten:
                return
            stands, known = await self._records.read(job_id), self.index.get(job_id)
            if stands is None:
                if known is not None and known.state.terminal:
                    self.index.remove(job_id)
                return
            if known is None or known.run < stands.run:
                if stands.state is State.QUEUED:
                    record = known or stands
                    record.become(stands)
                    self.put(record)
                return
            known.requesters = stands.requesters
            if known.run == stands.run:
                if known.in_line is not None and stands.in_line is not None:
                    self._take_turn(known, stands)
                # How what follows has ended comes in its turn, after what it made.
                ended = {one.name: one.state for one in known.then}
                known.then = [one.model_copy(update={"state": ended.get(one.name)}) for one in stands.then]
                self._leave_line(known, stands)

    async def hear_all(self) -> None:
        """Takes up the queued jobs that other gateways wrote down. Raises Unavailable."""
        await self.others.hear_all()

    async def settle(self, record: JobRecord) -> None:
        """Records a change that the gateway itself made to a job."""
        record.updated_at = datetime.now(UTC)
        self.put(record)
        await self.write(record)

    async def note_follow_up(self, job_id: str, run: int, name: str, made_by: JobRecord) -> None:
        """Notes which job makes what follows from another; it may have ended already."""
        async with self.lock(job_id):
            record = self.index.get(job_id)
            if record is None or record.run != run or not is_followed(record):
                return
            record.then = [
                one.model_copy(update={"job_id": made_by.id}) if one.name == name else one for one in record.then
            ]
            await self.settle(record)
        if made_by.state.terminal:
            await self.end_follow_up(job_id, run, made_by)

    async def end_follow_up(self, job_id: str, run: int, ended: JobRecord) -> None:
        """Has a job know that one that follows from it has ended; nothing where nobody waits for that."""
        async with self.lock(job_id):
            record = self.index.get(job_id)
            if record is not None and record.run == run:
                await self._take(record, after_follow_up(record, ended.id, ended.state, ended.error))

    async def fail_followed(self, job_id: str, run: int, error: JobError) -> None:
        """Fails a job from which nothing can follow."""
        async with self.lock(job_id):
            record = self.index.get(job_id)
            if record is not None and record.run == run:
                await self._take(record, after(record, Trigger.FOLLOW_UP_FAILED, error))

    async def stand_in_found(self, job_id: str, run: int, message: dict[str, Any] | None) -> None:
        """Queues the run that waits for the library's own picture, as `message`; without one it fails as before."""
        async with self.lock(job_id):
            record = self.index.get(job_id)
            if record is None or record.run != run or Debt.STAND_IN not in record.owed:
                return
            if message is None:
                await self._take(record, after(record, Trigger.NO_STAND_IN, record.refusal))
            else:
                record.message = message
                await self._take(record, after(record, Trigger.STOOD_IN))

    async def leave(self, record: JobRecord, requester: str) -> None:
        """Has one person hear no more of a job that has failed; nobody left, it is forgotten. Raises Unavailable."""
        async with self.lock(record.id):
            record = self.index.get(record.id) or record
            if record.state is not State.FAILED:
                return
            if await self.who_asked(record) - {requester}:
                record.requesters = [one for one in record.requesters if one != requester]
                await self.write(record)
                return
            await unbury(self._bus, record)
        await self.forget(record)

    async def unbury(self, record: JobRecord) -> None:
        """Takes a job that is tried again out of DEAD; a letter that stays there changes nothing."""
        with contextlib.suppress(Unavailable):
            await unbury(self._bus, record)

    async def forget(self, record: JobRecord) -> None:
        """Drops what is known of a job that has ended. Raises Unavailable."""
        async with self.lock(record.id):
            if not record.state.terminal or self.index.get(record.id) is not record:
                return
            await self._records.forget(record.id)
            self.index.remove(record.id)

    async def pay_all_debts(self) -> None:
        """Does what could not be done before, as far as it can be now."""
        for job_id in self.debts.owing:
            await self.pay_debts(job_id)

    async def reconcile(self) -> None:
        """Mends what a crash or an outage left. Raises Unavailable.

        Records not written, debts not paid, queued jobs without a record, records whose job is gone.
        """
        await self._reconciler.reconcile(self._records.unwritten)

    async def write_down(self, job_id: str) -> None:
        """Writes a record that could not be written before."""
        async with self.lock(job_id):
            if (record := self.index.get(job_id)) is not None and job_id in self._records.unwritten:
                await self.write(record)

    async def pay_debts(self, job_id: str) -> None:
        """Does what could not be done before."""
        async with self.lock(job_id):
            record = self.index.get(job_id)
            if record is not None and await self.debts.pay(record):
                await self.write(record)
            elif record is None or not record.owed:
                self.debts.forgive(job_id)

    async def adopt(self, subject: str) -> None:
        """Takes up a run that lies in the queue and is in no record, unless it is withdrawn: nobody wants that one."""
        found = await queued_at(self._bus, subject)
        if found is None:
            await take_off_the_queue(self._bus, subject, self._aside)
            return
        if found.job.withdrawn:
            return
        async with self.lock(found.job.id):
            known = self.index.get(found.job.id)
            if known is not None and (known.run >= found.job.run or not known.state.terminal):
                return
            log.info("a queued job had no record", job_id=found.job.id, run=found.job.run)
            record = adopted(found.job, subject)
            if known is not None:
                record.requesters = list(dict.fromkeys([*record.requesters, *known.requesters]))
            self.put(record)
            await self.write(record)

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
        async with self.lock(job_id):
            if record.run != run or record.state.terminal or self.index.get(job_id) is not record:
                return
            error = JobError(code=LOST, message="the job is in no queue any more; try it again", retriable=True)
            await self._take(record, after(record, Trigger.MISSED, error))

    async def write(self, record: JobRecord) -> None:
        """Writes a record down, and takes in what another gateway wrote of the job meanwhile."""
        stands = await self._records.write(record)
        if stands is None or self.index.get(record.id) is not record:
            return
        record.requesters, record.then = stands.requesters, stands.then
        record.message, record.params = record.message or stands.message, record.params or stands.params
        if stands.run == record.run:
            self._take_turn(record, stands)
            self._leave_line(record, stands)
        # What workers told comes in its turn, with the events; what another gateway decided does not.
        is_decided = stands.state.terminal and not record.state.terminal and place(stands)[2:] <= place(record)[2:]
        if stands.run > record.run or is_decided:
            record.become(stands)
            self.put(record)

    def put(self, record: JobRecord) -> None:
        """Knows from now on how a job stands, and tells whoever listens."""
        self.index.put(record)
        tell_each(self.listeners, record)

    async def _take(self, record: JobRecord, now: JobRecord | None) -> None:
        """Takes a step that the gateway itself found; None is none."""
        if now is not None:
            record.become(now)
            await self.debts.pay(record)
            await self.settle(record)

    def _take_turn(self, record: JobRecord, stands: JobRecord) -> None:
        """Has a job have its turn as it is written: somebody may wait for it by now, or have put it first."""
        moved = (record.subject, record.first_for) != (stands.subject, stands.first_for)
        record.subject, record.first_for = stands.subject, stands.first_for
        if moved:
            self.feeder.on_change(record)

    def _leave_line(self, record: JobRecord, stands: JobRecord) -> None:
        """Has a job wait no more that another gateway let go on."""
        if record.in_line is not None and stands.in_line is None:
            record.leave_line()
            record.subject = stands.subject
            self.put(record)

    async def _complete(self, record: JobRecord) -> None:
        """Does what an event left undone the first time."""
        if await self.debts.pay(record) or record.id in self._records.unwritten:
            await self.write(record)
