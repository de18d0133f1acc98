"""Telling those who listen: none of them keeps what has become of an event from the others, or from its record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from immichvr_common.logs import get_log

log = get_log(__name__)

T = TypeVar("T")


def tell_each(listeners: Iterable[Callable[[T], None]], news: T) -> None:
    """Tells each in turn; what one of them fails at is told in the log, with its trace."""
    for listener in listeners:
        try:
            listener(news)
        except Exception as error:  # one that fails must not leave the others unaware
            log.error("a listener failed", listener=getattr(listener, "__qualname__", repr(listener)), exc_info=error)
