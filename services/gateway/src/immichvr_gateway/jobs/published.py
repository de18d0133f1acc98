"""What the gateway itself published, as NATS kept it: the only place from which a job is believed."""

from __future__ import annotations

from dataclasses import dataclass

from immichvr.events.v1.events_pb2 import Job
from immichvr_common.arrivals import read_job
from immichvr_common.bus import Bus
from immichvr_common.bus.reading import Unreadable
from immichvr_common.bus.streams import EVENTS, JOBS
from immichvr_common.bus.subjects import PUBLISHED
from immichvr_common.errors import NotFound


@dataclass(frozen=True)
class Published:
    """A job, and where in JOBS it was put."""

    job: Job
    subject: str

    @property
    def service(self) -> str:
        """The service that does it."""
        return service_in(self.subject)


def service_in(subject: str) -> str:
    """The service to which a job under this subject of JOBS goes."""
    return subject.split(".")[1]


async def find_published(bus: Bus, job_id: str) -> Published | None:
    """The latest run of a job as it was published; None where there is none.

    The copy in EVENTS outlives the job; jobs published by the release before lie in JOBS alone, while they do.
    Raises Unavailable.
    """
    return await _last_in(bus, EVENTS, PUBLISHED, job_id) or await find_queued(bus, job_id)


async def find_queued(bus: Bus, job_id: str) -> Published | None:
    """A job as it lies in the queue, in whichever lane; None where it does not. Raises Unavailable."""
    return await _last_in(bus, JOBS, "jobs", job_id)


async def _last_in(bus: Bus, stream: str, prefix: str, job_id: str) -> Published | None:
    try:
        message = await bus.last(stream, f"{prefix}.*.*.*.*.{job_id}")
        subject = f"jobs.{message.subject.removeprefix(f'{prefix}.')}"
        return Published(read_job(subject, message.data), subject)
    except (NotFound, Unreadable):
        return None
