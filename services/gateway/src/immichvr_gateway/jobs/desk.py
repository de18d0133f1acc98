"""Where jobs are asked for, followed, cancelled and tried again. The only writer of their state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import JOB_STATE_CANCELLED, DeadJob, Job, JobEvent
from immichvr_common.bus import Bus, job_subject
from immichvr_common.bus.connection import OUTAGES
from immichvr_common.bus.streams import CANCELS, JOBS
from immichvr_common.bus.subjects import GATEWAY, event_subject
from immichvr_common.errors import Conflict, Returned, Unavailable, WorkerCrashed
from immichvr_common.locks import KeyedLocks
from immichvr_common.logs import get_log
from immichvr_common.reporting import encode
from nats.js.errors import NotFoundError

from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.keeping import RecordKeeper
from immichvr_gateway.jobs.records import (
    LIVE,
    JobError,
    JobProgress,
    JobRecord,
    State,
    adopted,
    apply,
    from_event,
    place,
)
from immichvr_gateway.problems import Problem
from immichvr_gateway.settings import GatewaySettings

log = get_log(__name__)

_LEFT_BEHIND_S = 3.0
_LAST_SEQ = 2**31 - 1
LIGHT = "light"
"""The stage of a job that has made its asset, while the light variant is made."""

Changed = Callable[[JobRecord], None]
Ended = Callable[[JobRecord], None]


class Desk:
    """Publishes jobs first and records them second; what a crash leaves between the two, `reconcile` mends.

    on_change: told of every change. on_end: told when a job has ended, or has all but its light variant.
    """

    def __init__(
        self,
        bus: Bus,
        index: JobIndex,
        on_change: Changed,
        on_end: Ended,
        settings: GatewaySettings,
        records: RecordKeeper | None = None,
    ) -> None:
        self._bus, self.index = bus, index
        self._on_change, self._on_end = on_change, on_end
        self._queued_per_user = settings.limits.queued_per_user
        self._retries, self._pool = settings.retries, settings.pool
        self._locks = KeyedLocks()
        self._records = records or RecordKeeper(bus)
        self._missing: set[str] = set()

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
            return await self._publish(self._next_run(record))

    async def cancel(self, record: JobRecord, requester: str) -> JobRecord:
        """Withdraws one person's wish; without any left, the job is ended. Raises Unavailable, Problem."""
        async with self._lock(record.id):
            record = self.index.get(record.id) or record
            if record.state.terminal:
                raise Problem(409, "already_ended", f"job {record.id} has {record.state} already")
            if set(record.requesters) - {requester}:
                record.requesters.remove(requester)
                await self._record(record)
                return record
            awaited = self.index.get(record.awaits)
            if awaited is not None and not set(awaited.requesters) - {requester}:
                await self._stop(awaited)
            await self._stop(record)
            return record

    async def on_event(self, event: JobEvent) -> None:
        """Takes in what a worker told."""
        # A job's first events may overtake the request that publishes it.
        async with self._lock(event.job_id):
            known = self.index.get(event.job_id)
            record = known or from_event(event, self.subject(event.kind, event.job_id))
            is_news = known is None or event.run > known.run
            if not apply(record, event):
                return
            self.index.put(record)
            if record.state is State.SUCCEEDED and record.light:
                # The job has made its asset; it ends with the light variant of it.
                record.state = State.RUNNING
                record.progress = JobProgress(fraction=0.97, stage=LIGHT, message="making the light variant")
            if is_news:
                await self._record(record)
            await self._settle(record)

    async def settle(self, record: JobRecord) -> None:
        """Records a change that the gateway itself made to a job."""
        record.updated_at = datetime.now(UTC)
        await self._settle(record)

    async def forget(self, record: JobRecord) -> None:
        """Drops what is known of a job that has ended. Raises Unavailable."""
        async with self._lock(record.id):
            if not record.state.terminal or self.index.get(record.id) is not record:
                return
            await self._records.forget(record.id)
            self.index.remove(record.id)

    async def reconcile(self) -> None:
        """Mends what a crash or an outage left.

        Queued jobs without a record, records whose job is gone, records not written, light variants not made.
        """
        for job_id in self._records.unwritten:
            if (record := self.index.get(job_id)) is not None:
                await self._record(record)
        self._go_on_with_light_variants()
        info = await self._bus.js.stream_info(JOBS, subjects_filter="jobs.>")
        subjects = {subject.rpartition(".")[2]: subject for subject in (info.state.subjects or {})}
        for job_id, subject in subjects.items():
            if self.index.get(job_id) is None:
                await self._adopt(subject)
        missing = {
            record.id
            for record in self.index
            if not record.state.terminal and record.progress.stage != LIGHT and record.id not in subjects
        }
        for job_id in missing & self._missing:
            await self._declare_lost(job_id)
        self._missing = missing

    def _go_on_with_light_variants(self) -> None:
        for record in self.index:
            if record.state.terminal or record.progress.stage != LIGHT:
                continue
            awaited = self.index.get(record.awaits)
            if awaited is None:
                record.awaits = ""
                self._on_end(record)
            elif awaited.state.terminal:
                self._on_end(awaited)

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

    def _next_run(self, record: JobRecord) -> JobRecord:
        return record.model_copy(
            update={
                "run": record.run + 1, "state": State.QUEUED, "attempts": 0, "seq": 0, "error": None, "outputs": [],
                "timeline": [], "progress": JobProgress(), "awaits": "",
            }
        )  # fmt: skip

    async def _publish(self, record: JobRecord) -> JobRecord:
        job = record.job()
        job.run = record.run
        job.created_at.GetCurrentTime()
        job.requesters[:] = record.requesters
        record.message = json_format.MessageToDict(job)
        record.created_at = record.updated_at = job.created_at.ToDatetime(UTC)
        headers = {"Nats-Msg-Id": f"{job.id}.{job.run}"}
        try:
            await self._bus.publish(record.subject, encode(job), headers)
        except Conflict:
            await self._replace_left_behind(record, encode(job), headers)
        self.index.put(record)
        self._on_change(record)
        await self._record(record)
        return record

    async def _replace_left_behind(self, record: JobRecord, payload: bytes, headers: dict[str, str]) -> None:
        """Waits for the message of an ended run to be acknowledged, or removes one that never will be."""
        deadline = asyncio.get_running_loop().time() + _LEFT_BEHIND_S
        while True:
            try:
                left = await self._bus.js.get_last_msg(JOBS, record.subject)
            except NotFoundError:
                left = None
            if left is not None and left.data is not None:
                run = json_format.Parse(left.data, Job(), ignore_unknown_fields=True).run
                if run >= record.run:
                    # Another gateway was faster, or a crash kept the record from being written.
                    record.run = run
                    return
                if asyncio.get_running_loop().time() > deadline and left.seq is not None:
                    await self._bus.js.delete_msg(JOBS, left.seq)
            try:
                await self._bus.publish(record.subject, payload, headers)
                return
            except Conflict:
                await asyncio.sleep(0.02)

    async def _stop(self, record: JobRecord) -> None:
        if not self._bus.connected:
            raise Unavailable("NATS is not connected", down="nats")
        try:
            cancels = await self._bus.js.key_value(CANCELS)
            await cancels.put(record.id, str(record.run).encode())
            await self._bus.client.publish(f"control.cancel.{record.id}", str(record.run).encode())
            if record.state is State.QUEUED or record.progress.stage == LIGHT:
                event = JobEvent(
                    job_id=record.id, kind=record.kind, photo_id=record.photo_id, run=record.run,
                    attempt=record.attempts, seq=_LAST_SEQ, state=JOB_STATE_CANCELLED,
                )  # fmt: skip
                event.at.GetCurrentTime()
                await self._bus.publish(event_subject(GATEWAY, "job", record.id), encode(event))
                await self._delete_queued(record)
        except OUTAGES as error:
            raise Unavailable("NATS did not confirm that the job is cancelled", down="nats") from error

    async def _delete_queued(self, record: JobRecord) -> None:
        try:
            message = await self._bus.js.get_last_msg(JOBS, record.subject)
            if message.seq is not None:
                await self._bus.js.delete_msg(JOBS, message.seq)
        except NotFoundError:
            return

    async def _settle(self, record: JobRecord) -> None:
        if record.state is State.FAILED and await self._bury_or_retry(record):
            return
        self._on_change(record)
        # What lies between is read again from the events after a restart.
        if record.state.terminal or record.progress.stage == LIGHT:
            await self._record(record)
        if record.state.terminal or (record.progress.stage == LIGHT and not record.awaits):
            self._on_end(record)

    async def _bury_or_retry(self, record: JobRecord) -> bool:
        """Queues a job anew that crashed, or that a stopping worker gave back; writes down one that failed for good.

        Neither for a live session: its client is told, and begins anew.
        """
        if record.kind == LIVE:
            return False
        error = record.error or JobError(code="internal", message="unknown")
        returned = error.code == Returned.code
        crashed = error.code == WorkerCrashed.code and record.auto_retries < self._retries
        if (returned or crashed) and record.message:
            again = self._next_run(record)
            again.auto_retries = record.auto_retries + (0 if returned else 1)
            try:
                await self._publish(again)
            except Unavailable:
                return False
            return True
        dead = DeadJob(job=record.job(), deliveries=record.attempts)
        dead.error.code, dead.error.message = error.code, error.message
        dead.at.GetCurrentTime()
        payload = json_format.MessageToJson(dead, indent=None).encode()
        await self._bus.publish_until_stored(
            f"dead.{record.kind}.{record.id}", payload, f"dead.{record.id}.{record.run}"
        )
        return False

    async def _adopt(self, subject: str) -> None:
        try:
            message = await self._bus.js.get_last_msg(JOBS, subject)
            job = json_format.Parse(message.data or b"", Job(), ignore_unknown_fields=True)
        except (NotFoundError, json_format.ParseError):
            return
        if self.index.get(job.id) is None and job.id:
            log.info("a queued job had no record", job_id=job.id)
            record = adopted(job, subject)
            self.index.put(record)
            self._on_change(record)
            await self._record(record)

    async def _declare_lost(self, job_id: str) -> None:
        record = self.index.get(job_id)
        if record is None or record.state.terminal:
            return
        record.state = State.FAILED
        record.error = JobError(code="lost", message="the job is in no queue any more; try it again", retriable=True)
        await self.settle(record)

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
