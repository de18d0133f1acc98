"""Which of a person's jobs are listed, and where the next page of them begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from immichvr_common.sources import Source

from immichvr_gateway.jobs.records import JobRecord, State

CURSOR_PATTERN = r"^([0-9]{1,17}_[A-Za-z0-9_-]{1,180})?$"
"""What cursors look like; the empty one begins at the newest."""
_LOOKED_AT = 200
"""So many jobs are looked at for one page; where few of them may be seen, it is a short one."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Visible = Callable[[Collection[Source]], Awaitable[Collection[Source]]]


@dataclass(frozen=True)
class JobFilter:
    """What is wanted of many jobs. since: those that have changed then or later; before: those asked for earlier."""

    states: Collection[State] = ()
    kinds: Collection[str] = ()
    source_kind: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    error: str | None = None

    def takes(self, record: JobRecord) -> bool:
        """Whether a job is among them."""
        of_kind = record.source is not None and record.source.kind == self.source_kind
        return (
            (not self.states or record.state in self.states)
            and (not self.kinds or record.kind in self.kinds)
            and (self.source_kind is None or of_kind)
            and (self.since is None or record.updated_at >= self.since)
            and (self.before is None or record.created_at < self.before)
            and (self.error is None or (record.error is not None and record.error.code == self.error))
        )


@dataclass(frozen=True)
class JobPage:
    """Jobs, newest first, and the cursor that gives the next ones."""

    items: Sequence[JobRecord]
    next_cursor: str | None


async def page_of(jobs: Sequence[JobRecord], cursor: str | None, limit: int, visible: Visible) -> JobPage:
    """A page of jobs that are the newest first, of those whose source may be seen.

    cursor: as CURSOR_PATTERN has it. It is a place in time, so that jobs that come, go or change between two pages
    make none appear twice.
    """
    after = _place_in(cursor) if cursor else None
    left = [job for job in jobs if after is None or _place(job) < after]
    seen: list[JobRecord] = []
    end = 0
    while len(seen) <= limit and end < min(len(left), max(limit, _LOOKED_AT)):
        looked_at = left[end : end + limit + 1]
        end += len(looked_at)
        shown = await visible({job.source for job in looked_at if job.source is not None})
        seen += [job for job in looked_at if job.source is None or job.source in shown]
    page = seen[:limit]
    # The next page goes on after what was shown, or after what was looked at in vain.
    last = page[-1] if len(seen) > limit else left[end - 1] if end < len(left) else None
    return JobPage(page, None if last is None else "{}_{}".format(*_place(last)))


def _place(record: JobRecord) -> tuple[int, str]:
    return (record.created_at - _EPOCH) // timedelta(microseconds=1), record.id


def _place_in(cursor: str) -> tuple[int, str]:
    at, _, job_id = cursor.partition("_")
    return int(at), job_id
