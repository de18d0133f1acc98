"""Jobs that failed for want of room go on by themselves when there is some; not for ever."""

from __future__ import annotations

from immichvr_catalog import is_session
from immichvr_common.errors import StorageFull
from immichvr_common.logs import get_log

from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.records import JobRecord, State
from immichvr_gateway.jobs.service import JobService

log = get_log(__name__)

_MOST_TRIES = 5


async def go_on_with_what_had_no_room(jobs: JobService) -> None:
    """Queues them anew. Raises Unavailable where they cannot be."""
    for record in [one for one in jobs.store.index if _waits_for_room(one)]:
        tries = record.room_retries
        try:
            record.room_retries = tries + 1
            await jobs.retry(record)
        except Problem as problem:  # somebody was faster
            log.debug("a job does not go on", job_id=record.id, why=problem.detail)
        except BaseException:
            record.room_retries = tries
            raise


def _waits_for_room(record: JobRecord) -> bool:
    return (
        record.state is State.FAILED
        and record.error is not None
        and record.error.code == StorageFull.code
        and record.room_retries < _MOST_TRIES
        and bool(record.message)
        and not is_session(record.kind)
    )
