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
    for stream, prefix in ((EVENTS, PUBLISHED), (JOBS, "jobs")):
        try:
            message = await bus.last(stream, f"{prefix}.*.*.*.*.{job_id}")
        except NotFound:
            continue
        subject = f"jobs.{message.subject.removeprefix(f'{prefix}.')}"
        try:
            return Published(read_job(subject, message.data), subject)
        except Unreadable:
            continue
    return None
