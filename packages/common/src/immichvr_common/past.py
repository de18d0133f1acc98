"""What there is to know of a run before an attempt at it: whether anybody wants it, and what became of earlier ones.

Those told it themselves: a job that was merely held did not end its worker.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from immichvr.events.v1.events_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_SUCCEEDED,
    Job,
    JobEvent,
)

from immichvr_common.bus import Bus
from immichvr_common.bus.reading import Unreadable, read_message
from immichvr_common.bus.streams import CANCELS, EVENTS
from immichvr_common.bus.subjects import event_subject
from immichvr_common.errors import NotFound, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.retrying import until_up

log = get_log(__name__)

_ENDS = (JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, JOB_STATE_CANCELLED)
_TRIES = 2


@dataclass(frozen=True)
class Past:
    """is_unwanted: the run is cancelled. begun: attempts whose work had begun. has_ended: one told how the job did."""

    begun: int = 0
    has_ended: bool = False
    is_unwanted: bool = False


async def past_of(bus: Bus, service: str, job: Job, attempt: int) -> Past:
    """Whether anybody wants the run still, and what the attempts before this one told last.

    An outage is waited out for the first; where the second cannot be read, all of them count as begun.
    """
    if job.withdrawn:
        return Past(is_unwanted=True)
    look = partial(bus.last, f"KV_{CANCELS}", f"$KV.{CANCELS}.{job.id}", direct=True)
    try:
        marker = await until_up(look, "a job waits for NATS", job_id=job.id)
        if run_in(marker.data) >= job.run:
            return Past(is_unwanted=True)
    except NotFound:
        pass  # nobody has cancelled any run of it
    if attempt <= 1:
        return Past()
    subject = event_subject(service, "job", job.id)
    for _ in range(_TRIES):
        try:
            last = await bus.last(EVENTS, subject, direct=True)
            event = read_message(last.data, JobEvent())
        except NotFound:
            return Past()
        except Unreadable:
            break
        except Unavailable as error:
            log.warning("what a job told before cannot be read", job_id=job.id, error=error.message)
            await asyncio.sleep(0.5)
            continue
        return told_by(event, job.run)
    return Past(begun=attempt - 1)


def told_by(event: JobEvent, run: int) -> Past:
    """What the last event of a job says of a run; of another run it says nothing."""
    if event.run != run:
        return Past()
    return Past(event.begun, event.state in _ENDS)


def run_in(marker: bytes | None) -> int:
    """Up to which run of a job nobody wants it; 0 where that is not said."""
    digits = (marker or b"")[:10]
    return int(digits) if digits.isdigit() else 0
