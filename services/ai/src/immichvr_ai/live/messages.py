"""Messages of a session as msgpack maps, whatever they say: read strictly, written short.

Everything from the client is hostile: sizes are bounded before anything is made of them, and what does not fit is a
`BadMessage` with a code, a sentence and, where it is known, the `seq` of what it is about. Unknown fields are ignored,
so that versions may differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgpack
from pydantic import BaseModel, ConfigDict, Field, ValidationError

VERSION = 1
LARGEST_MESSAGE = 4 * 1024 * 1024
"""Bytes of one message from a client."""
_LONGEST_WORD = 128
_LONGEST_ERROR = 500
_MOST_FIELDS = 32

Seq = Annotated[int, Field(ge=0, lt=2**53)]
"""Whole numbers that JavaScript holds exactly."""
Seconds = Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]


class BadMessage(ValueError):
    """A message that is not what was agreed."""

    def __init__(self, code: str, message: str, seq: int | None = None) -> None:
        super().__init__(message)
        self.code, self.seq = code, seq


class Message(BaseModel):
    """A message from a client."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Ack(Message):
    """A result was taken in: one more may be sent."""

    type: Literal["ack"]
    seq: Seq


M = TypeVar("M", bound=Message)


def parse_as(data: bytes, kinds: Mapping[str, type[M]]) -> M:
    """A client's message, one of these by its type; `hello` says which version it speaks. Raises BadMessage."""
    fields = _unpacked(data)
    seq = fields.get("seq")
    seq = seq if type(seq) is int and 0 <= seq < 2**53 else None
    name = fields.get("type")
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise BadMessage("invalid_message", f"a message's type is one of: {', '.join(kinds)}", seq)
    if name == "hello" and fields.get("version") != VERSION:
        raise BadMessage("unsupported_version", f"this server speaks version {VERSION} of the live protocol")
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadMessage("invalid_message", f"{name}.{where}: {first['msg']}", seq) from error


def error(code: str, message: str, seq: int | None = None) -> bytes:
    """Something went wrong; unless the connection closes, the stream goes on. Long words are cut."""
    body: dict[str, Any] = {"type": "error", "code": code, "message": message[:_LONGEST_ERROR]}
    return packed(body if seq is None else {**body, "seq": seq})


def packed(fields: dict[str, Any]) -> bytes:
    """A message for the client."""
    return bytes(msgpack.packb(fields, use_bin_type=True))


def _unpacked(data: bytes) -> dict[str, Any]:
    if len(data) > LARGEST_MESSAGE:
        raise BadMessage("too_large", f"a message may have {LARGEST_MESSAGE} bytes; this one has {len(data)}")
    try:
        fields = msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=True,
            max_bin_len=LARGEST_MESSAGE,
            max_str_len=_LONGEST_WORD,
            max_map_len=_MOST_FIELDS,
            max_array_len=_MOST_FIELDS,
            max_ext_len=0,
        )
    # StackError and others of its failures are no common class but these.
    except (ValueError, TypeError, RecursionError, msgpack.exceptions.UnpackException) as error:
        raise BadMessage("invalid_message", "a message is a msgpack map with short string keys") from error
    if not isinstance(fields, dict) or not all(isinstance(key, str) for key in fields):
        raise BadMessage("invalid_message", "a message is a msgpack map with short string keys")
    return fields
