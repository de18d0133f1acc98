"""What follows from a job is asked for however long that cannot be, and asked for once."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from immichvr.events.v1.events_pb2 import JOB_STATE_SUCCEEDED, Job, JobEvent
from immichvr_common.errors import InvalidRequest, ServiceError, StorageFull, Unavailable
from immichvr_common.supervision import Supervisor
from immichvr_gateway.jobs.changes import Policy, after_event
from immichvr_gateway.jobs.followups import FollowUps
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.records import LIGHT, Answer, FollowUp, JobError, JobRecord, new_record
from immichvr_gateway.jobs.store import JobStore


@pytest.fixture
def followed(job: Job) -> JobRecord:
    """A job that has made its splat, and from which the light variant follows."""
    record = new_record(job, "jobs.ai.cpu.interactive.splat.it", "ann", {}, [LIGHT.model_copy()])
    now = after_event(
        record, JobEvent(job_id=job.id, run=job.run, attempt=1, seq=1, state=JOB_STATE_SUCCEEDED), Policy()
    )
    assert now is not None
    record.become(now)
    return record


class Store:
    """Notes what becomes of what follows; NATS is away for its first so many tries."""

    def __init__(self, record: JobRecord, outages: int = 0) -> None:
        self.index, self.left = JobIndex(), outages
        self.index.put(record)
        self.noted: list[str] = []

    async def note_follow_up(self, job_id: str, run: int, name: str, made_by: JobRecord) -> None:
        if self.left:
            self.left -= 1
            raise Unavailable("NATS is away", "nats")
        self.noted.append(name)

    async def fail_followed(self, job_id: str, run: int, error: JobError) -> None:
        self.noted.append(error.code)


class Requests:
    """Answers after so many failures of each of these kinds."""

    def __init__(self, *failures: ServiceError) -> None:
        self.failures = list(failures)

    async def follow(self, record: JobRecord, follow_up: FollowUp) -> Answer:
        if self.failures:
            raise self.failures.pop(0)
        return Answer(record, done=False)


async def noted_of(store: Store, requests: Requests) -> list[str]:
    """What is noted once everything was done that is done of a job's change."""
    before = asyncio.all_tasks()
    follow_ups = FollowUps(cast(JobStore, store), requests, Supervisor())
    for record in store.index:
        follow_ups.on_change(record)
        follow_ups.on_change(record)
    [errand] = asyncio.all_tasks() - before
    await errand
    return store.noted


@pytest.mark.usefixtures("timeless")
async def test_what_follows_waits_for_storage_and_for_nats_and_the_log_says_so_once(
    followed: JobRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    away = [Unavailable("S3 is away", "s3")] * 100 + [StorageFull("s3", "S3 is full")] * 100
    assert await noted_of(Store(followed, outages=3), Requests(*away)) == ["light"]
    [warning] = [line for line in "".join(capsys.readouterr()).splitlines() if "warning" in line]
    assert "what follows from a job waits" in warning and followed.id in warning


@pytest.mark.usefixtures("timeless")
async def test_a_job_fails_as_what_was_to_follow_is_refused(followed: JobRecord) -> None:
    assert await noted_of(Store(followed), Requests(Unavailable("S3 is away", "s3"), InvalidRequest("no"))) == [
        "invalid_request"
    ]


@pytest.mark.usefixtures("timeless")
async def test_nothing_is_asked_for_any_more_of_a_run_that_is_over(followed: JobRecord) -> None:
    class Away(Requests):
        async def follow(self, record: JobRecord, follow_up: FollowUp) -> Answer:
            followed.run += 1
            raise Unavailable("S3 is away", "s3")

    assert await noted_of(Store(followed), Away()) == []
