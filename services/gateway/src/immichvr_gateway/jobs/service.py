"""Where jobs are seen to: made, joined, cancelled and tried again, each by one request at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.events.v1.events_pb2 import Job
from immichvr_catalog import KINDS, is_of_model, is_session
from immichvr_common.errors import Unavailable
from immichvr_common.sources import Source

from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.askers import Askers
from immichvr_gateway.jobs.changes import after
from immichvr_gateway.jobs.machine import Trigger
from immichvr_gateway.jobs.records import Answer, FollowUp, JobProgress, JobRecord, State, new_record
from immichvr_gateway.jobs.routing import AWAITED, BATCH, awaited, class_of
from immichvr_gateway.jobs.store import JobStore
from immichvr_gateway.library import Identity
from immichvr_gateway.requests.recipes import job_id
from immichvr_gateway.requests.spec import JobSpec, Requester, SourceVersion
from immichvr_gateway.requests.staging import Staged, joined_notes


class Staging(Protocol):
    """Brings sources to where workers read them."""

    async def stage(self, who: Identity, of: SourceVersion, trusting: bool = False) -> Staged: ...

    async def keep(self, of: Source, data: bytes) -> ObjectRef: ...


Look = Callable[[AssetEntry], Awaitable[bool]]
_STAGED_AT_ONCE = 4


class JobService:
    """Publishes jobs first and records them second.

    bucket: where what jobs make goes. look: whether an asset is there with what makes it one. queued_per_user: how
    many jobs of one person may wait. require_room: raises StorageFull where nothing may be begun. most_staged: bytes of
    all that is staged for one job that is made of several files.
    """

    def __init__(
        self, store: JobStore, staging: Staging, look: Look, bucket: str, queued_per_user: int,
        require_room: Callable[[], None] = lambda: None, most_staged: int = 4_000_000_000,
    ) -> None:  # fmt: skip
        self.store, self.askers = store, Askers()
        self._staging, self._look, self._bucket = staging, look, bucket
        self._queued_per_user, self._require_room = queued_per_user, require_room
        self._most_staged = most_staged

    async def ensure(self, spec: JobSpec, who: Requester) -> Answer:
        """The job of a spec: what exists answers it, one that is under way is joined, else it is queued.

        Raises Problem, the spec's own refusal, Unavailable, StorageFull, library errors.
        """
        ended_run = self.ended_run(spec.id)
        if (entry := await self._existing(spec)) is not None:
            return Answer(await self.answer(_done(spec, entry, who), who.user_id), done=True, asset=entry)
        if spec.refusal is not None:
            raise spec.refusal
        if spec.staging and who.identity is not None:
            self.askers.note(spec.id, who.identity)
        joined = await self.join(spec.id, who.user_id, spec.then, who.job_class)
        if joined is not None:
            return Answer(joined, done=False)
        self._check_quota(who.user_id)
        if spec.needs_room:
            self._require_room()
        job = spec.job(self._bucket, who.trace)
        if who.identity is not None:
            await self._stage(who.identity, spec, job)
        subject = self.store.subject(spec.kind, spec.id, spec.service, who.job_class)
        record = new_record(job, subject, who.user_id, dict(spec.shown), spec.then)
        record.origin = who.origin
        return Answer(await self.submit(record, who.user_id, ended_run), done=False)

    async def _stage(self, who: Identity, spec: JobSpec, job: Job) -> None:
        """Has the files that a job is made from brought, a few at a time, as long as they are not too much together."""
        room, brought = asyncio.Semaphore(_STAGED_AT_ONCE), 0

        def refuse_too_much() -> None:
            if brought > self._most_staged and len(spec.staging) > 1:
                most = f"{self._most_staged / 1e6:,.0f} MB"
                raise Problem(
                    413, "too_large", f"these files are more than {most} together; take fewer, or smaller ones"
                )

        async def one(role: str, of: SourceVersion) -> tuple[str, str]:
            nonlocal brought
            async with room:
                refuse_too_much()
                staged = await self._staging.stage(who, of, spec.trusts_staged)
                brought += staged.ref.size
                refuse_too_much()
            job.inputs[role].CopyFrom(staged.ref)
            return of.name, staged.note

        bringing = [asyncio.ensure_future(one(role, of)) for role, of in spec.staging.items()]
        try:
            notes = await asyncio.gather(*bringing)
        finally:
            for task in bringing:
                task.cancel()
        job.source_note = joined_notes(notes)
        if spec.of is not None:
            for role, data in spec.carried.items():
                job.inputs[role].CopyFrom(await self._staging.keep(spec.of.source, data))

    async def is_there(self, entry: AssetEntry) -> bool:
        """Whether storage has an asset; one that is lost is known no more. While storage is away it is taken to be."""
        try:
            return await self._look(entry)
        except Unavailable:
            return True

    def ended_run(self, job_id: str) -> int:
        """The last run of a job that has ended; 0 where none has."""
        known = self.store.index.get(job_id)
        if known is None:
            return 0
        return known.run if known.state.terminal else known.run - 1

    async def join(
        self, job_id: str, requester: str, then: Sequence[FollowUp] = (), job_class: str = AWAITED
    ) -> JobRecord | None:
        """Adds somebody to those who asked for a job that is under way; None where it is not."""
        async with self.store.lock(job_id):
            known = self.store.index.get(job_id)
            if known is None or known.state.terminal:
                return None
            return await self._join(known, requester, then, job_class)

    async def answer(self, record: JobRecord, requester: str) -> JobRecord:
        """The job behind what exists already, as it is known or, where it is not, as given."""
        async with self.store.lock(record.id):
            known = self.store.index.get(record.id)
            if known is None:
                self.store.index.put(record)
            elif known.state is State.SUCCEEDED:
                return await self._join(known, requester, ())
            return record

    async def submit(self, record: JobRecord, requester: str, ended_run: int) -> JobRecord:
        """Makes a job exist, or joins the one that does.

        ended_run: the last run that had ended when this was asked for; one that has ended since is the answer. A
        job that ended before gets another run. Raises Unavailable, Problem (too many queued).
        """
        async with self.store.lock(record.id):
            known = self.store.index.get(record.id)
            if known is not None:
                ended_since = known.run > ended_run and known.state is not State.CANCELLED
                if not known.state.terminal or (ended_since and _names(record.then) <= _names(known.then)):
                    return await self._join(known, requester, record.then, class_of(record.subject))
            self._check_quota(requester)
            if known is not None:
                if known.state is State.FAILED:
                    await self.store.unbury(known)
                record.run = known.run + 1
                record.auto_retries = 0
                record.requesters = [requester, *(one for one in known.requesters if one != requester)]
            return await self._publish(record)

    async def retry(self, record: JobRecord, message: dict[str, Any] | None = None) -> JobRecord:
        """Starts the next run of a job that has ended, as `message` where one is given.

        Raises Unavailable; Problem if it has not ended.
        """
        async with self.store.lock(record.id):
            record = self.store.index.get(record.id) or record
            if not record.message:
                raise Problem(409, "not_known", f"what job {record.id} consists of is not known; ask for it anew")
            again = after(record, Trigger.ASKED_ANEW)
            if again is None:
                raise Problem(409, "not_ended", f"job {record.id} is {record.state}; only an ended job is tried again")
            if message is not None:
                again.message = message
            await self.store.unbury(again)
            return await self._publish(again)

    async def cancel(self, record: JobRecord, requester: str) -> JobRecord:
        """Withdraws one person's wish; without any left, the job is ended. Raises Unavailable, Problem."""
        async with self.store.lock(record.id):
            record = self._not_ended(record)
            if await self.store.who_asked(record) - {requester}:
                record.requesters = [one for one in record.requesters if one != requester]
                record.first_for = {one: since for one, since in record.first_for.items() if one != requester}
                await self.store.write(record)
                return record
            for one in record.then:
                made_by = self.store.index.get(one.job_id) if one.state is None else None
                if made_by is not None and not await self.store.who_asked(made_by) - {requester}:
                    await self.store.queue.withdraw(made_by)
            await self.store.queue.withdraw(record)
            return record

    async def put_first(self, record: JobRecord, requester: str) -> JobRecord:
        """Has a job that waits in line go before all else that this person waits for; nobody else's turn changes.

        What they asked for in a batch they wait for now. One that lies in the queue is before all that waits in line,
        and stays where it is. Raises Problem where it has ended, Unavailable.
        """
        async with self.store.lock(record.id):
            record = self._not_ended(record)
            if record.in_line is not None:
                record.first_for = {**record.first_for, requester: datetime.now(UTC)}
                record.subject = awaited(record.subject)
                await self.store.settle(record)
            return record

    async def end_all_about(self, source: Source) -> int:
        """Ends the jobs about a source that goes, whoever asked for them; how many those were. Raises Unavailable."""
        ended = 0
        for known in self.store.index.under_way_about(source):
            async with self.store.lock(known.id):
                record = self.store.index.get(known.id)
                if record is not None and not record.state.terminal:
                    await self.store.queue.withdraw(record)
                    ended += 1
        return ended

    async def _existing(self, spec: JobSpec) -> AssetEntry | None:
        for entry in spec.existing:
            if spec.is_seen or await self.is_there(entry):
                return entry
        return None

    def _check_quota(self, requester: str) -> None:
        waiting = self.store.index.waiting(requester)
        if waiting >= self._queued_per_user:
            raise Problem(
                429, "too_many_jobs", f"{waiting} jobs are waiting already; the limit is {self._queued_per_user}"
            )

    async def _join(
        self, known: JobRecord, requester: str, then: Collection[FollowUp], job_class: str = BATCH
    ) -> JobRecord:
        """Adds somebody to those who asked. What waits in line behind all that people wait for overtakes it now.

        job_class: of what is asked for.
        """
        more = [one for one in then if one.name not in _names(known.then)]
        overtakes = known.in_line is not None and job_class == AWAITED != class_of(known.subject)
        if overtakes:
            known.subject = awaited(known.subject)
        if overtakes or requester not in known.requesters or more:
            known.requesters = [*known.requesters, *({requester} - set(known.requesters))]
            known.then = [*known.then, *more]
            await self.store.write(known)
        return known

    def _not_ended(self, record: JobRecord) -> JobRecord:
        """The record as it is known now. Raises Problem where the job has ended."""
        record = self.store.index.get(record.id) or record
        if record.state.terminal:
            raise Problem(409, "already_ended", f"job {record.id} has {record.state} already")
        return record

    async def _publish(self, record: JobRecord) -> JobRecord:
        """Puts a job into the queue, or in line where others wait or the queue is full. Raises Unavailable."""
        waits_for_nobody = is_session(record.kind) or is_of_model(record.kind)
        if not waits_for_nobody and not await self.store.feeder.has_place(record):
            await self.store.line_up(record)
            return record
        await self.store.queue.put(record)
        self.store.put(record)
        await self.store.write(record)
        return record


def _done(spec: JobSpec, entry: AssetEntry, who: Requester) -> JobRecord:
    """The record of a job whose result is there, as long as nothing better is known of it."""
    name = job_id(spec.kind, entry.source, entry.recipe) if KINDS[spec.kind].makes else spec.id
    return JobRecord(
        id=name, kind=spec.kind, source=entry.source, requesters=[who.user_id], params=dict(spec.shown),
        state=State.SUCCEEDED, progress=JobProgress(fraction=1, stage="stored"), outputs=[entry.asset_key],
        created_at=entry.made_at, updated_at=entry.made_at,
    )  # fmt: skip


def _names(then: Collection[FollowUp]) -> set[str]:
    return {one.name for one in then}
