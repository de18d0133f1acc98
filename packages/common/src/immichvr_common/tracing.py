"""Spans: what was done, when, and within what; across HTTP, NATS, gRPC and child processes. Off, nothing is recorded.

What a span is within is named as W3C does (`immichvr_common.trace`), which is what travels. Where finished spans go
is somebody else's matter: a service's to `immichvr_common.otlp`, a child's to its parent.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

from immichvr_common.trace import parts_of

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | int | float | bool

_BEGINS_TRACES = ("server", "consumer")
"""Kinds of spans that need be within nothing."""


@dataclass(frozen=True)
class Done:
    """A span that is over. Ids are hex digits, parent_id is empty where there is none; times are ns since 1970.

    error: why it failed, in one word; empty where it did not.
    """

    name: str
    kind: Kind
    trace_id: str
    span_id: str
    parent_id: str
    began_ns: int
    ended_ns: int
    attributes: dict[str, Value] = field(default_factory=dict)
    error: str = ""


Sink = Callable[[Done], None]


class _Way:
    """Where finished spans go; None where nobody wants them."""

    sink: Sink | None = None


_current: ContextVar[str] = ContextVar("span", default="")


class Span:
    """A span under way. traceparent: what is within it says so with this; name, attributes and error may be set."""

    def __init__(self, name: str, traceparent: str, attributes: dict[str, Value]) -> None:
        self.name, self.traceparent, self.attributes, self.error = name, traceparent, attributes, ""


def send_spans_to(sink: Sink | None) -> None:
    """From now on finished spans go there; None has none recorded."""
    _Way.sink = sink


def is_tracing() -> bool:
    """Whether spans are recorded."""
    return _Way.sink is not None


def pass_on(done: Done) -> None:
    """Takes in a span that was recorded elsewhere, as by a child."""
    if _Way.sink is not None:
        _Way.sink(done)


def within() -> str:
    """What this task does it within, for whom it asks to do something; empty where nothing is recorded."""
    return _current.get()


@contextmanager
def span(name: str, parent: str = "", kind: Kind = "internal", **attributes: Value) -> Iterator[Span]:
    """Records a span around the block, which is within `parent`, or else within what the task is within.

    Nothing is recorded where that is not known, unless it is of a kind that begins a trace, or not sampled.
    """
    parent, sink = parent or _current.get(), _Way.sink
    found = parts_of(parent) if sink is not None else None
    if sink is None or (found is None and kind not in _BEGINS_TRACES) or (found is not None and not found.sampled):
        yield Span(name, parent, attributes)
        return
    trace_id, parent_id = (found.trace_id, found.span_id) if found else (secrets.token_hex(16), "")
    span_id, began = secrets.token_hex(8), time.time_ns()
    one = Span(name, f"00-{trace_id}-{span_id}-01", attributes)
    token = _current.set(one.traceparent)
    try:
        yield one
    except BaseException as error:
        one.error = one.error or type(error).__name__
        raise
    finally:
        _current.reset(token)
        ended = time.time_ns()
        sink(Done(one.name, kind, trace_id, span_id, parent_id, began, ended, one.attributes, one.error))


def record(name: str, parent: str, began_ns: int, ended_ns: int, **attributes: Value) -> None:
    """Records a span that is over already."""
    found = parts_of(parent)
    if _Way.sink is not None and found is not None and found.sampled:
        span_id = secrets.token_hex(8)
        _Way.sink(Done(name, "internal", found.trace_id, span_id, found.span_id, began_ns, ended_ns, attributes))
