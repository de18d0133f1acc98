"""What is known about a model follows from what workers told, in any order of words and of deaths."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from immichvr.events.v1.events_pb2 import ModelEvent
from immichvr_gateway.jobs.records import JobError
from immichvr_gateway.models.records import FORGOTTEN_S, SILENT_S, ModelRecord

START = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def told(*states: str, worker: str = "w1", at: float = 0, record: ModelRecord | None = None) -> ModelRecord:
    record = record or ModelRecord(key="tiny")
    for state in states:
        event = ModelEvent(key="tiny", state=state, worker=worker, done_bytes=5, total_bytes=10, remaining_s=-1)
        stamp = Timestamp()
        stamp.FromDatetime(after(at))
        event.at.CopyFrom(stamp)
        record.apply(event)
    return record


def test_a_download_that_nobody_speaks_of_any_more_has_broken_off() -> None:
    record = told("downloading")
    assert record.is_downloading(after(SILENT_S - 1))
    assert not record.is_downloading(after(SILENT_S + 1))
    assert (record.done, record.total, record.remaining_s) == (5, 10, None)


def test_a_worker_that_says_nothing_any_more_holds_nothing() -> None:
    record = told("loaded")
    told("loaded", worker="w2", at=FORGOTTEN_S / 2, record=record)
    assert record.workers_that_hold_it(after(FORGOTTEN_S - 1)) == ["w1", "w2"]
    assert record.workers_that_hold_it(after(FORGOTTEN_S + 1)) == ["w2"]


def test_weights_stay_when_memory_is_given_back_and_memory_goes_with_the_weights() -> None:
    assert told("ready", "loading", "loaded", "unloading", "unloaded").disk == "ready"
    gone = told("loaded", "absent")
    assert (gone.disk, gone.workers_that_hold_it(START)) == ("absent", [])
    # What a worker still says while it lets go changes nothing.
    assert told("unloaded", record=gone).disk == "absent"


def test_since_when_weights_are_there_is_when_they_came_not_when_somebody_said_so_again() -> None:
    record = told("ready")
    told("loaded", "ready", at=100, record=record)
    assert record.since == START
    told("absent", "ready", at=200, record=record)
    assert record.since == after(200)


@pytest.mark.parametrize("last", ["downloading", "ready", "absent"])
def test_a_failure_is_forgotten_with_the_next_thing_that_happens(last: str) -> None:
    record = told("downloading")
    record.fail(JobError(code="no_space", message="full"))
    assert (record.disk, record.error.code if record.error else "") == ("absent", "no_space")
    assert told(last, record=record).error is None


def test_only_more_than_progress_counts_as_a_change() -> None:
    record = ModelRecord(key="tiny")
    changes = [
        record.apply(ModelEvent(key="tiny", state=state, worker="w"))
        for state in ("downloading", "downloading", "ready", "ready", "loaded", "loaded", "of a later version")
    ]
    assert changes == [True, False, True, False, True, False, False]


def test_a_record_survives_being_written_down() -> None:
    record = told("ready", "loaded")
    assert ModelRecord.model_validate_json(record.model_dump_json()) == record
