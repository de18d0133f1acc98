"""The line of those who wait for a place in the queue: whose turn it is, and how long it may take. No I/O, no clock."""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median

from immichvr_catalog import CLASSES

from immichvr_gateway.jobs.records import JobRecord, QueuePlace, State

_REMEMBERED = 50
"""So many jobs of a kind say how long one takes."""


@dataclass(frozen=True)
class Lane:
    """The part of the queue that workers of one service and pool take from, for one class of jobs."""

    service: str
    pool: str
    job_class: str

    @classmethod
    def of(cls, record: JobRecord) -> Lane | None:
        """The lane of a job; None where it is not known."""
        words = record.subject.split(".")
        return cls(*words[1:4]) if len(words) == 6 else None

    @property
    def workers(self) -> tuple[str, str]:
        """Who takes from it."""
        return self.service, self.pool


def round_robin(waiting: Iterable[JobRecord], served: Mapping[str, int]) -> Iterator[tuple[str, JobRecord]]:
    """The order in which jobs of one lane go on, with whose turn each of them is.

    One job of each person after the other, who was served longest ago first; each person's in the order in which they
    were asked for, after those that this person put first. A job of several people goes when the first of them has a
    turn. served: when each had their last turn; greater is later.
    """
    of_user: dict[str, list[JobRecord]] = defaultdict(list)
    for record in sorted(waiting, key=_asked_at):
        for user in record.requesters or [""]:
            of_user[user].append(record)
    # Whose turn it is follows from what each asked for first, however they ordered it since.
    users = sorted(of_user, key=lambda user: (served.get(user, 0), _asked_at(of_user[user][0])))
    queues = {user: deque(sorted(records, key=partial(_put_first, user))) for user, records in of_user.items()}
    gone: set[str] = set()
    while users:
        left = []
        for user in users:
            queue = queues[user]
            while queue and queue[0].id in gone:
                queue.popleft()
            if queue:
                record = queue.popleft()
                gone.add(record.id)
                left.append(user)
                yield user, record
        users = left


def places(jobs: Iterable[JobRecord], served: Mapping[str, int], seconds: Mapping[str, float]) -> dict[str, QueuePlace]:
    """Where each queued job stands, as it looks now. jobs: all that have not ended. seconds: that one of a kind takes.

    When a job starts can be told where somebody is at work, and it is known how long those ahead of it take.
    """
    lanes: dict[Lane, list[JobRecord]] = defaultdict(list)
    at_work: Counter[tuple[str, str]] = Counter()
    for job in jobs:
        lane = Lane.of(job)
        if lane is not None and job.state is State.QUEUED:
            lanes[lane].append(job)
        elif lane is not None and job.state is State.RUNNING:
            at_work[lane.workers] += 1
    found: dict[str, QueuePlace] = {}
    for workers in {lane.workers for lane in lanes}:
        ahead, wait = 0, 0.0
        for job in _in_order([lanes[Lane(*workers, one)] for one in CLASSES], served):
            starts_in_s = round(wait / at_work[workers], 1) if at_work[workers] and not math.isnan(wait) else None
            found[job.id] = QueuePlace(ahead=ahead, in_line=job.in_line is not None, starts_in_s=starts_in_s)
            ahead, wait = ahead + 1, wait + seconds.get(job.kind, math.nan)
    return found


def _in_order(classes: Iterable[list[JobRecord]], served: Mapping[str, int]) -> Iterator[JobRecord]:
    for of_class in classes:
        yield from sorted((job for job in of_class if job.in_line is None), key=_asked_at)
        yield from (job for _, job in round_robin((job for job in of_class if job.in_line is not None), served))


def seconds_by_kind(jobs: Iterable[JobRecord]) -> dict[str, float]:
    """How long work on a job of each kind took lately, in the middle; kinds of which none was done are left out."""
    took: dict[str, list[tuple[object, float]]] = defaultdict(list)
    for job in jobs:
        if job.state is State.SUCCEEDED and len(job.timeline) > 1:
            took[job.kind].append((job.updated_at, sum(step.seconds for step in job.timeline[1:])))
    return {
        kind: median(seconds for _, seconds in sorted(found, key=lambda one: str(one[0]))[-_REMEMBERED:])
        for kind, found in took.items()
    }


def _put_first(user: str, record: JobRecord) -> float:
    """Orders a person's jobs, which otherwise stay as they are: what was put first last is first."""
    since = record.first_for.get(user)
    return -since.timestamp() if since is not None else 0.0


def _asked_at(record: JobRecord) -> tuple[float, str]:
    return (record.in_line or record.created_at).timestamp(), record.id
