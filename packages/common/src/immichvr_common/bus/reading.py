"""Reading what lies on the bus: whatever it is, it becomes a message or one kind of error."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

from immichvr_common.bus.quick_json import read_quickly

LARGEST = 512 * 1024
"""Bytes of the largest message that is read; honest ones have a few thousand."""

M = TypeVar("M", bound=Message)


class Unreadable(ValueError):
    """A message that is not what should lie there; `reason` is one word for it."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def read_message(data: bytes | None, into: M) -> M:
    """A message from proto3 JSON; fields it does not know are left out. Raises Unreadable.

    into: an empty one of its kind, which may become it.
    """
    data = data or b""
    if len(data) > LARGEST:
        raise Unreadable("too_large", f"{len(data)} bytes; at most {LARGEST} are read")
    if (found := read_quickly(data, type(into))) is not None:
        return found
    try:
        return json_format.Parse(data, into, ignore_unknown_fields=True)
    except Exception as error:  # the parser raises much more than its own error on bytes made to break it
        raise Unreadable("unreadable", f"{type(error).__name__}: {str(error)[:200]}") from error
