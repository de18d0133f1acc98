"""W3C trace context (https://www.w3.org/TR/trace-context/): one id follows a request through HTTP, NATS and gRPC."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True)
class TraceParts:
    """What a trace context says. Ids are hex digits; sampled: whether somebody wants to see the trace."""

    trace_id: str
    span_id: str
    sampled: bool


def new_traceparent() -> str:
    """A fresh, sampled trace context."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def accept_traceparent(header: str | None) -> str:
    """The caller's trace context if it is well formed, else a fresh one."""
    return header if header and _TRACEPARENT.fullmatch(header) else new_traceparent()


def parts_of(traceparent: str) -> TraceParts | None:
    """What a trace context says; None where it is none."""
    match = _TRACEPARENT.fullmatch(traceparent)
    return TraceParts(match[1], match[2], bool(int(match[3], 16) & 1)) if match else None


def trace_id(traceparent: str) -> str:
    """The 32 hex digits that name the trace; empty where there is none."""
    parts = parts_of(traceparent)
    return parts.trace_id if parts else ""
