"""A gateway's jobs without the gateway."""

from __future__ import annotations

import pytest
from immichvr.events.v1.events_pb2 import Job
from immichvr_common.bus import Bus
from immichvr_common.testing.jobs import make_job
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.keeping import RecordKeeper
from immichvr_gateway.jobs.records import JobRecord
from immichvr_gateway.jobs.service import JobService
from immichvr_gateway.jobs.store import JobStore
from told_jobs import Make, Reader


@pytest.fixture
def make_jobs(empty_bus: Bus, settings, service_over) -> Make:
    """A gateway's jobs; another one knows nothing of the first."""

    def make(reader: Reader | None = None, told: list[tuple[str, int, str]] | None = None) -> JobService:
        def on_change(record: JobRecord) -> None:
            if told is not None:
                told.append((record.id, record.run, record.state))

        reader = reader or Reader()
        retrying = settings.model_copy(update={"retries": 1})
        store = JobStore(empty_bus, JobIndex(), retrying, RecordKeeper(empty_bus), reader, [on_change])
        reader.store = store
        return service_over(store, retrying)

    return make


@pytest.fixture
def job() -> Job:
    return make_job()
