"""A job's message beside its JSON: what is written of a run is what the message says, and nobody reads it anew."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import Job
from immichvr_common.sources import Source
from immichvr_gateway.jobs.parsed import parsed, restated, written
from immichvr_gateway.jobs.records import new_record


def a_job() -> Job:
    job = Job(id="depth-p-r", kind="depth", run=1, requesters=["ann"], recipes={"depth": "r"}, bucket="b")
    Source.photo("p").put(job)
    job.params.update({"model": "auto", "keepPly": True})
    job.created_at.FromDatetime(datetime(2026, 11, 30, 12, 0, 0, 5000, tzinfo=UTC))
    return job


def test_a_run_restated_is_what_it_would_be_written_as() -> None:
    first = a_job()
    message = written(first)
    for change in ({"run": 2}, {"withdrawn": True}, {"requesters": ["ben", "cleo"]}, {"requesters": []}):
        job = Job()
        job.CopyFrom(first)
        for name in change:
            job.ClearField(name)  # type: ignore[arg-type]  # the names of its fields
        job.MergeFrom(Job(**change))  # type: ignore[arg-type]
        job.asked_at.GetCurrentTime()
        message = restated(message, job)
        assert message == json_format.MessageToDict(job)
        assert parsed(message) == job


def test_what_is_not_said_any_more_is_not_restated() -> None:
    withdrawn = a_job()
    withdrawn.withdrawn = True
    message = restated(written(withdrawn), a_job())
    assert "withdrawn" not in message
    assert json_format.ParseDict(message, Job()) == a_job()


def test_the_message_of_a_new_record_is_not_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    record = new_record(a_job(), "jobs.ai.cpu.interactive.depth.depth-p-r", "ann", {})
    monkeypatch.delattr("google.protobuf.json_format.ParseDict")
    assert record.job() == a_job()
