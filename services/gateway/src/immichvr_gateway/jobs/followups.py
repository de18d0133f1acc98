"""Jobs that follow from others: asked for once those have done their work, however long S3 or NATS is away."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from immichvr_common.errors import ServiceError, StorageFull, Unavailable, code_of
from immichvr_common.retrying import until_up
from immichvr_common.supervision import Supervisor

from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.records import Answer, FollowUp, JobError, JobRecord, is_followed
from immichvr_gateway.jobs.store import JobStore


class Requests(Protocol):
    """Asks for jobs."""

    async def follow(self, record: JobRecord, follow_up: FollowUp) -> Answer:
        """The job that makes what follows from what a job has made. Raises ServiceError, Problem, ValueError."""


class FollowUps:
    """Listens to jobs. What is to follow shows in a job's record, which outlives the gateway."""

    def __init__(self, store: JobStore, requests: Requests, supervisor: Supervisor) -> None:
        self._store, self._requests, self._supervisor = store, requests, supervisor
        self._under_way: set[tuple[str, int, str]] = set()

    def on_change(self, record: JobRecord) -> None:
        """Asks for what follows from a job that has done its work; ends those that waited for one that has ended."""
        if is_followed(record):
            for one in record.then:
                if not one.job_id:
                    self._begin(record, one)
        if record.state.terminal:
            for waiting in self._store.index.followed_by(record.id):
                self._end(waiting, record)

    async def reconcile(self) -> None:
        """Goes on with what a crash left, or what ended unseen."""
        for record in [one for one in self._store.index if is_followed(one)]:
            for one in record.then:
                made_by = self._store.index.get(one.job_id)
                if one.state is None and made_by is None:
                    self._begin(record, one)
                elif one.state is None and made_by is not None and made_by.state.terminal:
                    self._end(record, made_by)

    def _begin(self, record: JobRecord, follow_up: FollowUp) -> None:
        name = (record.id, record.run, follow_up.name)
        if name not in self._under_way:
            self._under_way.add(name)
            self._supervisor.errand("follow-up", self._ask(*name))

    def _end(self, waiting: JobRecord, ended: JobRecord) -> None:
        self._supervisor.errand("end of a job", self._store.end_follow_up(waiting.id, waiting.run, ended))

    async def _ask(self, job_id: str, run: int, name: str) -> None:
        try:
            await until_up(
                partial(self._ask_once, job_id, run, name), "what follows from a job waits",
                outage=(Unavailable, StorageFull), job_id=job_id, what=name,
            )  # fmt: skip
        finally:
            self._under_way.discard((job_id, run, name))

    async def _ask_once(self, job_id: str, run: int, name: str) -> None:
        """Asks for what follows, unless the job has changed so that it does no more."""
        record = self._store.index.get(job_id)
        if record is None or record.run != run or not is_followed(record):
            return
        follow_up = next(one for one in record.then if one.name == name)
        try:
            answer = await self._requests.follow(record, follow_up)
        except (Unavailable, StorageFull):
            raise
        except (ServiceError, Problem, ValueError) as error:
            why = JobError(code=code_of(error, "internal"), message=str(error), retriable=True)
            await self._store.fail_followed(job_id, run, why)
            return
        await self._store.note_follow_up(job_id, run, name, answer.record)
