"""What a child tells its parent beside the progress of a task.

Anything in the process may tell: the capability, a thread that serves or unloads. It takes effect at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from immichvr.events.v1.events_pb2 import ModelEvent


@dataclass(frozen=True)
class Serving:
    """The task serves others itself, at this address (host:port), until it ends."""

    address: str


@dataclass(frozen=True)
class Residents:
    """The keys of all models that this process holds in memory now."""

    keys: frozenset[str]


News = Serving | Residents | ModelEvent
"""A ModelEvent needs no `worker` and no `at`; states are those of its proto."""


class _Channel:
    """Where this process's news go; without a parent, nobody hears them."""

    send: Callable[[News], None] | None = None


def tell(news: News) -> None:
    """Tells the parent."""
    if _Channel.send is not None:
        _Channel.send(news)


def tell_through(send: Callable[[News], None]) -> None:
    """From now on news go this way."""
    _Channel.send = send
