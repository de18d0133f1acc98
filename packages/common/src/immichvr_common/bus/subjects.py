"""How subjects of events are spelled: the second word says who tells, and NATS lets nobody speak for another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from immichvr_catalog import GATEWAY

PUBLISHED = f"events.{GATEWAY}.published"
"""Under this lies a copy of every job as it was published, with the rest of its subject in JOBS."""
LETTING_GO = "control.model"
"""Under this the gateway says to every service which model shall leave memory, whoever told so first."""

What = Literal["job", "asset", "model"]
WHATS: tuple[What, ...] = get_args(What)


@dataclass(frozen=True)
class Told:
    """What a subject says of its event. by: who told it, None where the spelling before services had their own."""

    by: str | None
    what: What
    about: str


def event_subject(service: str, what: What, about: str) -> str:
    """Where a service tells of a job, of an asset of a source, or of a model."""
    return f"events.{service}.{what}.{about}"


def read_subject(subject: str) -> Told | None:
    """What a subject says of its event; None where it is not one of an event."""
    root, *words = subject.split(".")
    if len(words) == 2:
        words = ["", *words]
    if root != "events" or len(words) != 3 or not words[2]:
        return None
    by, what, about = words
    return next((Told(by or None, one, about) for one in WHATS if one == what), None)


def event_filters() -> list[str]:
    """The subjects of all events; the last three as services spelled them in the release before."""
    return [*(f"events.*.{what}.*" for what in WHATS), *(f"events.{what}.*" for what in WHATS)]


def own_event_filters(service: str, about: str) -> list[str]:
    """Where the last word about one job of a service may lie: the service's, the gateway's, one from before."""
    return [event_subject(service, "job", about), event_subject(GATEWAY, "job", about), f"events.job.{about}"]
