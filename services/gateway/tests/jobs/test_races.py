"""What goes wrong in the middle of things: time-outs, crashes and repetitions at the worst moment."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    DeadJob,
    Job,
    JobEvent,
)
from immichvr_common.bus import Bus
from immichvr_common.bus.subjects import event_subject
from immichvr_common.errors import Unavailable
from immichvr_common.testing.jobs import make_job
from immichvr_gateway.jobs.keeping import RecordKeeper
from immichvr_gateway.jobs.records import State
from told_jobs import OUTAGES, Make, Reader, failing, known, queued_runs, submitted, told, told_on_the_bus, written


@pytest.mark.parametrize("outage", OUTAGES)
@pytest.mark.parametrize("mended_by", ["replay", "reconcile"])
async def test_a_failure_that_cannot_be_written_down_as_dead_at_once_is_later(
    make_jobs: Make, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch, outage: Exception, mended_by: str
) -> None:
    news = list[tuple[str, int, str]]()
    jobs = make_jobs(told=news)
    await submitted(jobs, job)
    failed = told(job, JOB_STATE_FAILED, "invalid_image")
    with monkeypatch.context() as broken:
        failing(broken, empty_bus, "dead.", outage)
        await jobs.store.on_event(failed)
    assert news[-1] == (job.id, 1, State.FAILED)
    assert (await written(empty_bus, job)).state is State.FAILED
    await empty_bus.js.purge_stream("JOBS")
    await (jobs.store.on_event(failed) if mended_by == "replay" else jobs.store.reconcile())
    dead = await empty_bus.js.get_last_msg("DEAD", f"dead.depth.{job.id}")
    assert json_format.Parse(dead.data or b"", DeadJob()).error.code == "invalid_image"
    assert jobs.store.debts.owing == [] and (await written(empty_bus, job)).owed == []


@pytest.mark.parametrize("outage", OUTAGES)
@pytest.mark.parametrize("code", ["returned", "worker_crashed"])
@pytest.mark.parametrize("mended_by", ["replay", "reconcile", "restart"])
async def test_a_job_that_cannot_be_queued_again_at_once_is_later(
    make_jobs: Make, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch,
    outage: Exception, code: str, mended_by: str,
) -> None:  # fmt: skip
    jobs = make_jobs()
    await submitted(jobs, job)
    await empty_bus.js.purge_stream("JOBS")
    failed = told(job, JOB_STATE_FAILED, code)
    with monkeypatch.context() as broken:
        failing(broken, empty_bus, "jobs.", outage)
        await jobs.store.on_event(failed)
        await jobs.store.reconcile()
        await jobs.store.reconcile()
    assert (known(jobs, job).run, known(jobs, job).state, jobs.store.debts.owing) == (2, State.QUEUED, [job.id])
    if mended_by == "restart":
        records, jobs = RecordKeeper(empty_bus), make_jobs()
        for record in await records.load():
            jobs.store.index.put(record)
    await (jobs.store.on_event(failed) if mended_by == "replay" else jobs.store.reconcile())
    assert await queued_runs(empty_bus) == [2]
    assert (known(jobs, job).state, jobs.store.debts.owing) == (State.QUEUED, [])
    assert (await written(empty_bus, job)).owed == []


async def test_a_job_that_a_worker_acknowledges_while_it_is_cancelled_is_cancelled(
    make_jobs: Make, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = make_jobs()
    record = await submitted(jobs, job)
    look = empty_bus.js.get_last_msg

    async def look_too_late(stream: str, subject: str, **rest: Any) -> Any:
        found = await look(stream, subject, **rest)
        await empty_bus.js.purge_stream("JOBS")
        return found

    with monkeypatch.context() as late:
        late.setattr(empty_bus.js, "get_last_msg", look_too_late)
        await jobs.cancel(record, "ann")
    assert await queued_runs(empty_bus) == []
    last = await look("EVENTS", event_subject("gateway", "job", job.id))
    assert json_format.Parse(last.data or b"", JobEvent()).state == JOB_STATE_CANCELLED


async def test_what_is_owed_about_one_job_is_done_whatever_is_wrong_with_another(
    make_jobs: Make, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, bad = make_jobs(), make_job()
    for one in (bad, job):
        await submitted(jobs, one)
        await empty_bus.js.purge_stream("JOBS")
        with monkeypatch.context() as broken:
            failing(broken, empty_bus, "jobs.", Unavailable("away", down="nats"))
            await jobs.store.on_event(told(one, JOB_STATE_FAILED, "returned"))
    known(jobs, bad).message = {"run": "not a number"}
    await jobs.store.reconcile()
    assert await queued_runs(empty_bus) == [2]
    assert known(jobs, job).owed == [] and jobs.store.debts.owing == []
    assert known(jobs, bad).state is State.FAILED


async def test_a_crash_between_queueing_a_run_and_writing_it_down_neither_loses_nor_repeats_it(
    make_jobs: Make, job: Job, empty_bus: Bus
) -> None:
    before = make_jobs()
    await submitted(before, job)
    record = (await written(empty_bus, job)).model_copy(deep=True)
    await empty_bus.js.purge_stream("JOBS")
    failed = told(job, JOB_STATE_FAILED, "returned")
    position = await told_on_the_bus(empty_bus, failed)
    await before.store.on_event(failed)
    assert await queued_runs(empty_bus) == [2]
    # The gateway was killed before its record was safe; the next one reads the event again.
    for ended in (False, True):
        if ended:
            await empty_bus.js.purge_stream("JOBS")
            await told_on_the_bus(empty_bus, told(job, JOB_STATE_SUCCEEDED, run=2))
        after = make_jobs(Reader(position - 1))
        after.store.index.put(record.model_copy(deep=True))
        await after.store.on_event(failed)
        assert await queued_runs(empty_bus) == ([] if ended else [2])
        assert (known(after, job).run, known(after, job).state) == (2, State.QUEUED)
    await after.store.on_event(told(job, JOB_STATE_SUCCEEDED, run=2))
    assert known(after, job).state is State.SUCCEEDED


async def test_an_end_that_was_told_is_never_taken_for_a_loss(make_jobs: Make, job: Job, empty_bus: Bus) -> None:
    jobs = make_jobs()
    await submitted(jobs, job)
    await jobs.store.on_event(told(job, JOB_STATE_RUNNING))
    await told_on_the_bus(empty_bus, told(job, JOB_STATE_SUCCEEDED, seq=2))
    await empty_bus.js.purge_stream("JOBS")
    for _ in range(3):
        await jobs.store.reconcile()
    assert known(jobs, job).state is State.SUCCEEDED


async def test_nothing_is_declared_lost_while_events_wait_to_be_read(make_jobs: Make, job: Job, empty_bus: Bus) -> None:
    reader = Reader(caught_up=False)
    jobs = make_jobs(reader)
    await submitted(jobs, job)
    await empty_bus.js.purge_stream("JOBS")
    for _ in range(3):
        await jobs.store.reconcile()
    assert known(jobs, job).state is State.QUEUED
    reader.caught_up = True
    await jobs.store.reconcile()
    assert known(jobs, job).error is not None and known(jobs, job).error.code == "lost"  # type: ignore[union-attr]


async def test_what_is_told_of_a_job_that_was_thought_lost_counts(make_jobs: Make, job: Job, empty_bus: Bus) -> None:
    jobs = make_jobs()
    await submitted(jobs, job)
    await empty_bus.js.purge_stream("JOBS")
    await jobs.store.reconcile()
    await jobs.store.reconcile()
    assert known(jobs, job).state is State.FAILED
    await jobs.store.on_event(told(job, JOB_STATE_SUCCEEDED, seq=5))
    assert (known(jobs, job).state, known(jobs, job).error) == (State.SUCCEEDED, None)
    assert (await written(empty_bus, job)).state is State.SUCCEEDED


async def test_a_run_whose_message_is_gone_is_queued_though_nats_remembers_its_name(
    make_jobs: Make, job: Job, empty_bus: Bus
) -> None:
    await submitted(make_jobs(), job)
    await empty_bus.js.purge_stream("JOBS")
    forgetful = make_jobs()
    record = await submitted(forgetful, job)
    assert (record.run, record.state) == (1, State.QUEUED)
    assert await queued_runs(empty_bus) == [1]


async def test_a_run_that_has_ended_and_was_forgotten_is_not_begun_again_under_its_number(
    make_jobs: Make, job: Job, empty_bus: Bus
) -> None:
    await submitted(make_jobs(), job)
    await empty_bus.js.purge_stream("JOBS")
    await told_on_the_bus(empty_bus, told(job, JOB_STATE_SUCCEEDED))
    record = await submitted(make_jobs(), job)
    assert (record.run, record.state) == (2, State.QUEUED)
    assert await queued_runs(empty_bus) == [2]


async def test_a_run_whose_end_is_still_to_be_read_is_not_queued_again(
    make_jobs: Make, job: Job, empty_bus: Bus
) -> None:
    await submitted(make_jobs(), job)
    await empty_bus.js.purge_stream("JOBS")
    place = await told_on_the_bus(empty_bus, told(job, JOB_STATE_SUCCEEDED))
    behind = make_jobs(Reader(position=place - 1))
    record = await submitted(behind, job, "bob")
    assert record.run == 1 and await queued_runs(empty_bus) == []
    await behind.store.on_event(told(job, JOB_STATE_SUCCEEDED))
    assert known(behind, job).state is State.SUCCEEDED


async def test_a_run_in_the_queue_that_a_killed_gateway_began_is_taken_up(
    make_jobs: Make, job: Job, empty_bus: Bus
) -> None:
    one = make_jobs()
    await submitted(one, job)
    await one.store.on_event(told(job, JOB_STATE_FAILED, "invalid_image"))
    record = (await written(empty_bus, job)).model_copy(deep=True)
    await empty_bus.js.purge_stream("JOBS")
    await one.retry(known(one, job))
    other = make_jobs()
    other.store.index.put(record)
    await other.store.reconcile()
    assert (known(other, job).run, known(other, job).state) == (2, State.QUEUED)
    assert known(other, job).requesters == ["ann"]


async def test_no_two_are_at_one_job_at_once_however_many_jobs_there_are(
    make_jobs: Make, job: Job, empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, inside, most = make_jobs(), 0, 0

    async def hold() -> None:
        nonlocal inside, most
        async with jobs.store.lock(job.id):
            inside += 1
            most = max(most, inside)
            for _ in range(5):
                await asyncio.sleep(0)
            inside -= 1

    async def pass_by(name: str) -> None:
        async with jobs.store.lock(name):
            pass

    await asyncio.gather(hold(), hold(), *(pass_by(f"job-{one}") for one in range(5000)), hold(), hold())
    assert most == 1
