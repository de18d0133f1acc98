"""What a child tells its parent beside the progress of a task.

Anything in the process may tell: the capability, a thread that serves or unloads. It takes effect at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from immichvr.events.v1.events_pb2 import ModelEvent

from immichvr_common.tracing import Done


@dataclass(frozen=True)
class Serving:
    """The task serves others itself, at this address (host:port), until it ends."""

    address: str


@dataclass(frozen=True)
class LoadedModels:
    """The keys of all models that this process holds in memory now.

    memory: bytes of their weights, by model and device.
    """

    keys: frozenset[str]
    memory: Mapping[tuple[str, str], int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class DeviceMemory:
    """Bytes of a GPU that are taken, by whomever, and all that it has."""

    device: str
    used: int
    total: int


@dataclass(frozen=True)
class Kept:
    """A file of the task that is to outlive its attempt: see `immichvr_common.keeping`.

    path: a link of it that is the parent's to remove. resumes: whether another attempt goes on from it. facts: what
    is told of it to those who look at it.
    """

    name: str
    path: Path
    resumes: bool
    facts: dict[str, Any]


@dataclass(frozen=True)
class BegunAnew:
    """The task goes on from nothing: what earlier attempts kept is no part of its work."""


ChildEvent = Serving | LoadedModels | DeviceMemory | Done | ModelEvent | Kept | BegunAnew
"""A Done is a span of the child. A ModelEvent needs no `worker` and no `at`; states are those of its proto."""


class _Channel:
    """Where this process's news go; without a parent, nobody hears them."""

    send: Callable[[ChildEvent], None] | None = None


def tell(news: ChildEvent) -> None:
    """Tells the parent."""
    if _Channel.send is not None:
        _Channel.send(news)


def tell_through(send: Callable[[ChildEvent], None] | None) -> None:
    """From now on news go this way; None where nobody hears them any more."""
    _Channel.send = send


def is_heard() -> bool:
    """Whether there is a parent that hears what is told."""
    return _Channel.send is not None
