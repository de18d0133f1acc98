"""Every job, in memory, for questions that must be answered at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from immichvr_catalog import KINDS, SET
from immichvr_common.sources import Source

from immichvr_gateway.jobs.records import JobRecord, State

MAKING_SCENES = frozenset(name for name, kind in KINDS.items() if SET in kind.takes)
"""Kinds of jobs that scenes begin with."""


class JobIndex:
    """Jobs by id, source and requester."""

    def __init__(self) -> None:
        self._records: dict[str, JobRecord] = {}
        self._by_source: dict[Source | None, set[str]] = defaultdict(set)
        self._open: set[str] = set()
        self._in_line: set[str] = set()

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[JobRecord]:
        return iter(list(self._records.values()))

    def get(self, job_id: str) -> JobRecord | None:
        """The job of that id."""
        return self._records.get(job_id)

    def put(self, record: JobRecord) -> None:
        """Adds a job, or replaces what was known about it."""
        self._records[record.id] = record
        self._by_source[record.source].add(record.id)
        if not record.state.terminal:
            self._open.add(record.id)
        if record.in_line is not None:
            self._in_line.add(record.id)

    def remove(self, job_id: str) -> None:
        """Forgets a job."""
        record = self._records.pop(job_id, None)
        if record is not None:
            self._open.discard(job_id)
            self._in_line.discard(job_id)
            self._by_source[record.source].discard(job_id)

    def of(self, source: Source, requester: str) -> list[JobRecord]:
        """A person's jobs about a source, newest first."""
        found = [self._records[one] for one in self._by_source.get(source, ())]
        mine = [record for record in found if requester in record.requesters]
        return sorted(mine, key=_newest_first, reverse=True)

    def current_of(self, source: Source, requester: str) -> JobRecord | None:
        """The job to show with a source: one that is under way, else the newest if it failed."""
        jobs = self.of(source, requester)
        under_way = [job for job in jobs if not job.state.terminal]
        if under_way:
            return under_way[0]
        return jobs[0] if jobs and jobs[0].state is State.FAILED else None

    def of_requester(self, requester: str) -> list[JobRecord]:
        """A person's jobs, newest first."""
        mine = [record for record in self._records.values() if requester in record.requesters]
        return sorted(mine, key=_newest_first, reverse=True)

    def waiting(self, requester: str) -> int:
        """How many of a person's jobs are queued or running."""
        return sum(requester in record.requesters for record in self.under_way())

    def under_way(self) -> list[JobRecord]:
        """The jobs that have not ended."""
        self._open = {one for one in self._open if not self._records[one].state.terminal}
        return [self._records[one] for one in self._open]

    def under_way_about(self, source: Source) -> list[JobRecord]:
        """The jobs about a source that have not ended."""
        about = (self._records[one] for one in self._by_source.get(source, ()))
        return [record for record in about if not record.state.terminal]

    def in_line(self) -> list[JobRecord]:
        """The jobs that wait for a place in the queue."""
        self._in_line = {one for one in self._in_line if self._records[one].in_line is not None}
        return [self._records[one] for one in self._in_line]

    def followed_by(self, job_id: str) -> list[JobRecord]:
        """The jobs from which this one follows, and that wait for it."""
        jobs = [self._records[one] for one in self._open]
        return [job for job in jobs if any(one.job_id == job_id and one.state is None for one in job.then)]

    def makers_of(self, scene: Source) -> set[str]:
        """Everybody who asked for a scene to be made."""
        jobs = (self._records[one] for one in self._by_source.get(scene, ()))
        return {who for job in jobs if job.kind in MAKING_SCENES for who in job.requesters}

    def requesters_of(self, source: Source) -> set[str]:
        """Everybody who asked for something about a source."""
        return {who for one in self._by_source.get(source, ()) for who in self._records[one].requesters}


def _newest_first(record: JobRecord) -> tuple[datetime, str]:
    return record.created_at, record.id
