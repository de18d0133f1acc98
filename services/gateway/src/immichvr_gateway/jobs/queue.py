"""The queue as the gateway writes it: one message for each run of a job, put there once, or withdrawn."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from datetime import UTC

from immichvr.events.v1.events_pb2 import JOB_STATE_CANCELLED, Job, JobEvent
from immichvr_catalog import GATEWAY, KINDS
from immichvr_common.bus import Bus
from immichvr_common.bus.streams import CANCELS, JOBS, durable_name
from immichvr_common.bus.subjects import event_subject
from immichvr_common.errors import Conflict, NotFound, ServiceError, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.parts import asked_at, prefix_of
from immichvr_common.reporting import encode
from immichvr_common.tracing import span

from immichvr_gateway.jobs.looking import Queued, latest_run, queued_at
from immichvr_gateway.jobs.parsed import restated
from immichvr_gateway.jobs.published import find_queued
from immichvr_gateway.jobs.reconciling import Reading
from immichvr_gateway.jobs.records import JobRecord, State, is_followed

log = get_log(__name__)

_LAST_SEQ = 2**31 - 1
_MOST_SUPERSEDED = 8
_LEFT_BEHIND_S = 5.0
"""Longer than a worker holds the message of a cancelled job while it ends what that began elsewhere."""


class JobQueue:
    """The stream JOBS, as the only one who fills it sees it.

    left_behind_s: how long the message of an ended run may take to be acknowledged before it is removed.
    """

    def __init__(self, bus: Bus, reading: Reading | None) -> None:
        self._bus, self._reading = bus, reading
        self.left_behind_s = _LEFT_BEHIND_S

    async def withdraw(self, record: JobRecord) -> None:
        """Has nobody begin a job, and whoever is at it stop. Raises Unavailable.

        Where an attempt at a queued job may have begun something elsewhere, a message is left for a worker to end that.
        """
        if not self._bus.connected:
            raise Unavailable("NATS is not connected", down="nats")
        run = str(record.run).encode()
        await self._bus.kv(CANCELS).put(record.id, run)
        await self._bus.announce(f"control.cancel.{record.id}", run)
        if record.state is State.QUEUED or is_followed(record):
            event = JobEvent(
                job_id=record.id, kind=record.kind, run=record.run, attempt=record.attempts, seq=_LAST_SEQ,
                state=JOB_STATE_CANCELLED,
            )  # fmt: skip
            if record.source is not None:
                record.source.put(event)
            event.at.GetCurrentTime()
            await self._bus.publish(event_subject(GATEWAY, "job", record.id), encode(event))
            await self._delete(record)
            if record.state is State.QUEUED and record.message and _may_go_on_elsewhere(record):
                job = record.job()
                job.run, job.withdrawn = record.run, True
                with contextlib.suppress(Conflict):  # somebody asks for it anew, and goes on with what there is
                    await self._bus.publish(record.subject, encode(job))

    async def put(self, record: JobRecord) -> None:
        """Puts the run of a record in the queue, once. Raises Unavailable.

        Where a run as late is there already, made by another gateway or before a crash, the record is of that run.
        One that waited in line was created when it began to. A withdrawn message that was removed is back where this
        fails.
        """
        taken: list[Job] = []
        try:
            await self._put(record, asyncio.get_running_loop().time() + self.left_behind_s, taken)
        except BaseException:
            for job in taken[-1:]:
                await self._put_back(record.subject, job)
            raise

    async def join(self, record: JobRecord) -> bool:
        """Has a record become that of the run which lies in the queue, where that is as late; whether it has.

        It may lie in another lane: put there before a crash, and moved in line since. There it stays. Raises
        Unavailable.
        """
        found = await find_queued(self._bus, record.id)
        if found is None or not _joined(record, found.job):
            return False
        record.subject = found.subject
        return True

    async def _put(self, record: JobRecord, deadline: float, taken: list[Job]) -> None:
        """The same until `deadline` by the loop's clock. taken: the withdrawn runs whose messages it removed."""
        message_id = f"{record.id}.{record.run}"
        while True:
            job = record.job()
            job.run, job.withdrawn = record.run, False
            if record.in_line is None:
                job.created_at.GetCurrentTime()
            else:
                job.created_at.FromDatetime(record.in_line)
            if not job.HasField("asked_at"):
                job.asked_at.CopyFrom(job.created_at)
            job.requesters[:] = record.requesters
            message = restated(record.message, job)
            try:
                with span("publish", job.traceparent, "producer", job_id=job.id):
                    receipt = await self._bus.publish(
                        record.subject, json.dumps(message).encode(), {"Nats-Msg-Id": message_id}
                    )
            except Conflict:
                left = await queued_at(self._bus, record.subject)
                if left is not None and await self._may_take_over(record, left):
                    await self._take_over(record, left, taken)
                elif left is not None and _joined(record, left.job):
                    break
                else:
                    await self._make_way(record, left, deadline, taken)
                message_id = f"{record.id}.{record.run}"
                continue
            if not receipt.duplicate or await self.join(record):
                break
            # NATS remembers a message of this name and dropped this one; what became of the first?
            run, told_at = await latest_run(self._bus, record.subject, record.id, record.run)
            if run < record.run:
                message_id = f"{record.id}.{record.run}.{uuid.uuid4().hex}"
            elif self._reading is not None and told_at > self._reading.position:
                break  # it is on its way here
            else:
                record.run = run + 1
                message_id = f"{record.id}.{record.run}"
        if job.run != record.run:
            job.run = record.run
            message = restated(message, job)
        record.message = message
        record.created_at = record.updated_at = job.created_at.ToDatetime(UTC)

    async def _may_take_over(self, record: JobRecord, left: Queued) -> bool:
        """Whether what lies in the queue is withdrawn, seen by no worker, and of a wish that the record may go on with.

        That is its own, or any where the record does not say yet when it was asked for.
        """
        if not left.job.withdrawn:
            return False
        job = record.job()
        is_of_its_wish = not job.HasField("asked_at") or prefix_of(job) == prefix_of(left.job)
        return is_of_its_wish and not await self._is_delivered(record.subject, left.seq)

    async def _take_over(self, record: JobRecord, left: Queued, taken: list[Job]) -> None:
        """Has a record be the run after a withdrawn one, and begun when that was asked for.

        What that one has going elsewhere is known from where it kept it: it goes on for this one, and is paid for once.
        What it was to have ended before, this one has.
        Where a worker got the message at the last moment, that one ends there, and this one begins anew.
        """
        with contextlib.suppress(NotFound):
            await self._bus.remove(JOBS, left.seq)
        taken.append(left.job)
        record.run = max(record.run, left.job.run + 1)
        if await self._is_delivered(record.subject, left.seq):
            taken.clear()
        else:
            job = record.job()
            job.asked_at.CopyFrom(asked_at(left.job))
            record.put_job(_superseding(job, left.job))

    async def _put_back(self, subject: str, job: Job) -> None:
        """Leaves the message of a withdrawn run for a worker again, unless something lies there."""
        try:
            await self._bus.publish(subject, encode(job))
        except Conflict:
            return
        except ServiceError as error:
            log.error("what a cancelled job began elsewhere goes on", job_id=job.id, error=error.message)

    async def _is_delivered(self, subject: str, seq: int) -> bool:
        """Whether a worker may have got a message; its consumer hands out what is new in order."""
        try:
            told = await self._bus.consumer(JOBS, durable_name(*subject.split(".")[1:4]))
        except NotFound:
            return True
        return told.delivered is None or told.delivered.stream_seq >= seq

    async def _make_way(self, record: JobRecord, left: Queued | None, deadline: float, taken: list[Job]) -> None:
        """Waits for the message of an ended run to be acknowledged, or removes one that never will be.

        What a withdrawn one was to have a worker end, the record's own message has it end then, before anything else.
        """
        if asyncio.get_running_loop().time() <= deadline:
            await asyncio.sleep(0.02)
            return
        if left is None:  # it cannot be read
            await self._delete(record)
            return
        if left.job.withdrawn:
            record.put_job(_superseding(record.job(), left.job))
            record.run = max(record.run, left.job.run + 1)
            taken.append(left.job)
        with contextlib.suppress(NotFound):  # whatever lies there by now is somebody else's
            await self._bus.remove(JOBS, left.seq)

    async def _delete(self, record: JobRecord) -> None:
        with contextlib.suppress(NotFound):
            await self._bus.remove(JOBS, (await self._bus.last(JOBS, record.subject)).seq)


def _superseding(job: Job, withdrawn: Job) -> Job:
    """A job whose worker ends first what a withdrawn one, and those before it, began elsewhere for other wishes."""
    own = asked_at(job).ToMilliseconds()  # with its own wish it goes on
    known = {one.ToNanoseconds(): one for one in (*job.superseded, *withdrawn.superseded, asked_at(withdrawn))}
    wishes = [one for one in known.values() if one.ToMilliseconds() != own]
    if (forgotten := len(wishes) - _MOST_SUPERSEDED) > 0:
        log.warning("what a cancelled job began elsewhere may go on", job_id=job.id, wishes=forgotten)
    del job.superseded[:]
    job.superseded.extend(wishes[-_MOST_SUPERSEDED:])
    return job


def _joined(record: JobRecord, queued: Job) -> bool:
    """Has a record become that of the run which lies in the queue, where that is as late; whether it has."""
    if queued.withdrawn or queued.run < record.run:
        return False
    record.run = queued.run
    return True


def _may_go_on_elsewhere(record: JobRecord) -> bool:
    kind = KINDS.get(record.kind)
    return kind is not None and kind.works_elsewhere and (record.run > 1 or record.attempts > 0)
