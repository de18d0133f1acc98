"""A job's life as one table: where a run of it stands, what may happen then, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where the run of a job stands.

    FOLLOWED: its own work is done, and jobs that follow from it are not. LOST: in no queue and without an end; a
    guess, which whatever is told of the run refutes.
    """

    QUEUED = "queued"
    RUNNING = "running"
    FOLLOWED = "followed"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


class Trigger(StrEnum):
    """What happens to a job."""

    REPORTED = "reported"
    """Something was told that says nothing of the state, or of one that this version does not know."""
    BEGUN = "begun"
    MADE = "made"
    MADE_WITH_MORE = "made with more to follow"
    RETURNED = "returned"
    """A worker that stops gave it back."""
    CRASHED = "crashed"
    """Its worker crashed, and it may be tried once more."""
    UNDECODED = "undecoded"
    """Its photo cannot be decoded, and another picture may stand in for it."""
    BROKEN = "broken"
    """It failed for good."""
    CLOSED = "closed"
    """A live session failed: its client begins anew, and nobody else need know."""
    CANCELLED = "cancelled"
    FOLLOWED = "all followed"
    FOLLOW_UP_FAILED = "a follow-up failed"
    FOLLOW_UP_CANCELLED = "a follow-up was cancelled"
    MISSED = "missed"
    STOOD_IN = "stood in"
    NO_STAND_IN = "no stand-in"
    UNQUEUABLE = "unqueuable"
    ASKED_ANEW = "asked anew"


class Debt(StrEnum):
    """What the gateway has still to do about a job; the words are stored.

    QUEUE: publish this run. BURY: write the failure into DEAD. STAND_IN: stage the library's own picture for this run.
    """

    QUEUE = "queue"
    BURY = "bury"
    STAND_IN = "stand_in"


@dataclass(frozen=True)
class Step:
    """What comes of a trigger. next_run: it is another run that stands there."""

    to: Phase
    owed: tuple[Debt, ...] = ()
    next_run: bool = False


_OPEN = (Phase.QUEUED, Phase.RUNNING, Phase.LOST)
_ENDED = (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.LOST)
_TOLD = {
    Trigger.BEGUN: Step(Phase.RUNNING),
    Trigger.MADE: Step(Phase.SUCCEEDED),
    Trigger.MADE_WITH_MORE: Step(Phase.FOLLOWED),
    Trigger.RETURNED: Step(Phase.QUEUED, (Debt.QUEUE,), next_run=True),
    Trigger.CRASHED: Step(Phase.QUEUED, (Debt.QUEUE,), next_run=True),
    Trigger.UNDECODED: Step(Phase.QUEUED, (Debt.STAND_IN,), next_run=True),
    Trigger.BROKEN: Step(Phase.FAILED, (Debt.BURY,)),
    Trigger.CLOSED: Step(Phase.FAILED),
    Trigger.CANCELLED: Step(Phase.CANCELLED),
}


def _rows() -> Iterator[tuple[tuple[Phase, Trigger], Step]]:
    for phase in _OPEN:
        for trigger, step in _TOLD.items():
            yield (phase, trigger), step
    yield (Phase.QUEUED, Trigger.REPORTED), Step(Phase.QUEUED)
    yield (Phase.RUNNING, Trigger.REPORTED), Step(Phase.RUNNING)
    yield (Phase.LOST, Trigger.REPORTED), Step(Phase.RUNNING)
    yield (Phase.QUEUED, Trigger.MISSED), Step(Phase.LOST, (Debt.BURY,))
    yield (Phase.RUNNING, Trigger.MISSED), Step(Phase.LOST, (Debt.BURY,))
    yield (Phase.QUEUED, Trigger.STOOD_IN), Step(Phase.QUEUED, (Debt.QUEUE,))
    yield (Phase.QUEUED, Trigger.NO_STAND_IN), Step(Phase.FAILED, (Debt.BURY,))
    yield (Phase.QUEUED, Trigger.UNQUEUABLE), Step(Phase.FAILED)
    yield (Phase.FOLLOWED, Trigger.FOLLOWED), Step(Phase.SUCCEEDED)
    yield (Phase.FOLLOWED, Trigger.FOLLOW_UP_FAILED), Step(Phase.FAILED, (Debt.BURY,))
    yield (Phase.FOLLOWED, Trigger.FOLLOW_UP_CANCELLED), Step(Phase.CANCELLED)
    yield (Phase.FOLLOWED, Trigger.CANCELLED), Step(Phase.CANCELLED)
    for phase in _ENDED:
        yield (phase, Trigger.ASKED_ANEW), Step(Phase.QUEUED, next_run=True)


TRANSITIONS: Mapping[tuple[Phase, Trigger], Step] = dict(_rows())
"""Everything that can happen. What is in no row changes nothing: an end stands until the job is asked for anew."""


def step(phase: Phase, trigger: Trigger) -> Step | None:
    """What comes of a trigger in a phase; None where it comes too late, or too early, to mean anything."""
    return TRANSITIONS.get((phase, trigger))
