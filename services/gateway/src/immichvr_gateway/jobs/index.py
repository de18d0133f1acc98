"""Every job, in memory, for questions that must be answered at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from immichvr_gateway.jobs.records import JobRecord, State


class JobIndex:
    """Jobs by id, photo and requester."""

    def __init__(self) -> None:
        self._records: dict[str, JobRecord] = {}
        self._by_photo: dict[str, set[str]] = defaultdict(set)
        self._open: set[str] = set()

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
        self._by_photo[record.photo_id].add(record.id)
        if not record.state.terminal:
            self._open.add(record.id)

    def remove(self, job_id: str) -> None:
        """Forgets a job."""
        record = self._records.pop(job_id, None)
        if record is not None:
            self._open.discard(job_id)
            self._by_photo[record.photo_id].discard(job_id)

    def of_photo(self, photo_id: str, requester: str) -> list[JobRecord]:
        """A person's jobs about a photo, newest first."""
        found = [self._records[one] for one in self._by_photo.get(photo_id, ())]
        mine = [record for record in found if requester in record.requesters]
        return sorted(mine, key=lambda record: record.created_at, reverse=True)

    def current_of_photo(self, photo_id: str, requester: str) -> JobRecord | None:
        """The job to show with a photo: one that is under way, else the newest if it failed."""
        jobs = self.of_photo(photo_id, requester)
        under_way = [job for job in jobs if not job.state.terminal]
        if under_way:
            return under_way[0]
        return jobs[0] if jobs and jobs[0].state is State.FAILED else None

    def of_requester(self, requester: str) -> list[JobRecord]:
        """A person's jobs, newest first."""
        mine = [record for record in self._records.values() if requester in record.requesters]
        return sorted(mine, key=lambda record: (record.created_at, record.id), reverse=True)

    def waiting(self, requester: str) -> int:
        """How many of a person's jobs are queued or running."""
        self._open = {one for one in self._open if not self._records[one].state.terminal}
        return sum(requester in self._records[one].requesters for one in self._open)

    def awaiting(self, job_id: str) -> list[JobRecord]:
        """The jobs that end when this one does."""
        return [self._records[one] for one in self._open if self._records[one].awaits == job_id]

    def requesters_of_photo(self, photo_id: str) -> set[str]:
        """Everybody who asked for something about a photo."""
        return {who for one in self._by_photo.get(photo_id, ()) for who in self._records[one].requesters}
