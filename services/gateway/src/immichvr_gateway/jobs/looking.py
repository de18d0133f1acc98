"""What the streams say about one job: whether it lies in the queue, and what was told of it last."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from immichvr.events.v1.events_pb2 import Job, JobEvent
from immichvr_common.arrivals import read_job
from immichvr_common.bus import Bus
from immichvr_common.bus.reading import Unreadable, read_message
from immichvr_common.bus.streams import EVENTS, JOBS
from immichvr_common.bus.subjects import own_event_filters
from immichvr_common.errors import NotFound

from immichvr_gateway.jobs.published import find_published, service_in
from immichvr_gateway.upkeep.aside import Aside


@dataclass(frozen=True)
class LastWord:
    """The newest event of a job as it lies in the stream EVENTS, and its place there."""

    subject: str
    data: bytes
    seq: int

    @property
    def event(self) -> JobEvent:
        """The event. Raises Unreadable."""
        return read_message(self.data, JobEvent())


@dataclass(frozen=True)
class Queued:
    """A message in the queue, and its place in the stream JOBS."""

    job: Job
    seq: int


async def last_words(bus: Bus, subject: str, job_id: str) -> list[LastWord]:
    """The last that its service and a gateway told of a job that lies under `subject` in JOBS, in order."""

    async def last(one: str) -> LastWord | None:
        try:
            found = await bus.last(EVENTS, one)
        except NotFound:
            return None
        return LastWord(found.subject, found.data, found.seq)

    service = service_in(subject) if subject else "*"
    found = await asyncio.gather(*(last(one) for one in own_event_filters(service, job_id)))
    return sorted((word for word in found if word is not None), key=lambda word: word.seq)


async def latest_run(bus: Bus, subject: str, job_id: str, asked: int) -> tuple[int, int]:
    """The latest run of a job that was told of, and where in the stream EVENTS; zeros where nothing was.

    None counts that is later than what was published or, where that is not known any more, than what is asked for.
    """
    published = await find_published(bus, job_id)
    most = published.job.run if published is not None else asked
    runs: list[tuple[int, int]] = []
    for word in await last_words(bus, subject, job_id):
        try:
            runs.append((word.event.run, word.seq))
        except Unreadable:
            continue
    return max((one for one in runs if one[0] <= most), default=(0, 0))


async def queued_at(bus: Bus, subject: str) -> Queued | None:
    """The job that lies in the queue at a subject; None where there is none, or it is no job."""
    try:
        found = await bus.last(JOBS, subject)
        return Queued(read_job(subject, found.data), found.seq)
    except (NotFound, Unreadable):
        return None


async def take_off_the_queue(bus: Bus, subject: str, aside: Aside) -> None:
    """Sets a message aside that lies in the queue and is no job: no worker can do anything about it."""
    try:
        found = await bus.last(JOBS, subject)
        read_job(subject, found.data)
    except NotFound:
        return
    except Unreadable as error:
        await aside.put(JOBS, subject, found.data, error)
        await bus.remove(JOBS, found.seq)


async def queued_subjects(bus: Bus) -> dict[str, str]:
    """The subject in the queue of every job that lies there, by the job's id."""
    return {subject.rpartition(".")[2]: subject for subject in await bus.subjects(JOBS)}
