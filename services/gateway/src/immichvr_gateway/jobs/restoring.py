"""Records that do not say who asked: releases before could lose that, and nobody saw such a job again."""

from __future__ import annotations

from google.protobuf import json_format
from immichvr_common.bus import Bus
from immichvr_common.logs import get_log

from immichvr_gateway.jobs.published import find_published
from immichvr_gateway.jobs.records import adopted
from immichvr_gateway.jobs.store import JobStore

log = get_log(__name__)


async def restore_requesters(bus: Bus, store: JobStore) -> None:
    """Learns from what was published, as long as NATS keeps that, who asked for jobs that are nobody's.

    Raises Unavailable.
    """
    for record in [one for one in store.index if not one.requesters]:
        published = await find_published(bus, record.id)
        if published is None or not published.job.requesters:
            continue
        log.warning("a job's record did not say who asked for it", job_id=record.id)
        told = adopted(published.job, published.subject)
        record.requesters, record.params = told.requesters, record.params or told.params
        record.message = record.message or json_format.MessageToDict(published.job)
        record.subject = record.subject or published.subject
        await store.settle(record)
