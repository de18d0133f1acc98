"""What two gateways know of one job, as one record."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from immichvr_gateway.jobs.records import FollowUp, JobRecord, has_ended
from immichvr_gateway.jobs.routing import AWAITED, awaited, class_of


def place(record: JobRecord) -> tuple[int, bool, int, int]:
    """Where a job is in its history: what is known later compares greater; an end comes after all else of its run."""
    return record.run, has_ended(record), record.attempts, record.seq


def merged(mine: JobRecord, stored: JobRecord, asked: Collection[str]) -> JobRecord:
    """One record of what two gateways know.

    asked: who had asked for it when `mine` was last in step with what is stored. The state is the later one's; the
    first end of a run stands. Whoever joined at either gateway stays; who withdrew at either has withdrawn. What
    follows from the job for either follows.
    """
    is_later = place(mine)[:2] > place(stored)[:2] or (not has_ended(stored) and place(mine) >= place(stored))
    later, earlier = (mine, stored) if is_later else (stored, mine)
    both = later.model_copy()
    withdrew = set(asked) - set(mine.requesters)
    joined = [one for one in mine.requesters if one not in asked]
    both.requesters = list(dict.fromkeys([*(one for one in stored.requesters if one not in withdrew), *joined]))
    both.origin = later.origin or earlier.origin
    if not both.message:
        both.message, both.params = earlier.message, both.params or earlier.params
    if mine.run == stored.run:
        _settle_turn(both, later, earlier)
        both.first_for = {
            who: max(one.first_for[who] for one in (mine, stored) if who in one.first_for)
            for who in {**stored.first_for, **mine.first_for}
            if who in both.requesters
        }
        both.then = _all_that_follows(later.then, earlier.then)
    return both


def _settle_turn(both: JobRecord, later: JobRecord, earlier: JobRecord) -> None:
    """Has a job go on that either has let go on, under the subject that it did so with. While it waits for both, it is
    awaited where it is so for either."""
    gone_on = [one for one in (later, earlier) if one.in_line is None]
    if len(gone_on) == 1:
        both.subject = gone_on[0].subject
    if gone_on and both.in_line is not None:
        both.leave_line()
    if not gone_on and class_of(earlier.subject) == AWAITED:
        both.subject = awaited(both.subject)


def _all_that_follows(later: Sequence[FollowUp], earlier: Sequence[FollowUp]) -> list[FollowUp]:
    known = {one.name: one for one in earlier}
    both = [one if one.job_id or one.name not in known else known[one.name] for one in later]
    return both + [one for name, one in known.items() if name not in {one.name for one in later}]
