"""The messages of a live session: msgpack maps, checked strictly on the way in.

Everything from the client is hostile: sizes are bounded before anything is made of them, and what does not fit is a
`BadMessage` with a code, a sentence and, where it is known, the frame's `seq`. Unknown fields are ignored, so that
versions may differ.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgpack
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from immichvr_ai.live.packing import Format

VERSION = 1
LARGEST_MESSAGE = 4 * 1024 * 1024
"""Bytes of one message from a client."""
_LONGEST_WORD = 128
_MOST_FIELDS = 32

Output = Literal["gaussians", "points", "rgbd"]
OUTPUTS: tuple[Output, ...] = ("gaussians", "points", "rgbd")
Seq = Annotated[int, Field(ge=0, lt=2**53)]
"""Whole numbers that JavaScript holds exactly."""
Seconds = Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]
FieldOfView = Annotated[float, Field(allow_inf_nan=False, ge=5, le=150)]


class BadMessage(ValueError):
    """A message that is not what was agreed."""

    def __init__(self, code: str, message: str, seq: int | None = None) -> None:
        super().__init__(message)
        self.code, self.seq = code, seq


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Hello(_Message):
    """The first message: what the client wants.

    process_res: the longer side at which the model works, in pixels. opacity_threshold: splats below are not sent.
    credit: results that may be on their way without an `ack`.
    """

    type: Literal["hello"]
    version: Literal[1]
    model: str = Field("auto", min_length=1, max_length=64, pattern="^[a-z0-9.-]+$")
    output: Output = "gaussians"
    format: Format = "spark16"
    max_gaussians: int = Field(21_000, ge=100, le=500_000)
    process_res: int = Field(504, ge=64, le=2048)
    sh_degree: Literal[0, 2] = 0
    opacity_threshold: float = Field(0.02, ge=0, le=1, allow_inf_nan=False)
    credit: int = Field(1, ge=1, le=4)


class Frame(_Message):
    """One picture.

    t: the client's clock, given back with the result. jpeg: at most 4096 pixels on a side. fov: vertical, degrees.
    output: for this frame alone; whatever newer frame takes its place inherits the wish.
    """

    type: Literal["frame"]
    seq: Seq
    t: Seconds
    jpeg: bytes = Field(min_length=1, max_length=LARGEST_MESSAGE)
    fov: FieldOfView | None = None
    output: Output | None = None


class Capture(_Message):
    """One picture that shall become a splat of full quality, as a file of its own."""

    type: Literal["capture"]
    seq: Seq
    t: Seconds
    jpeg: bytes = Field(min_length=1, max_length=LARGEST_MESSAGE)
    fov: FieldOfView | None = None


class Ack(_Message):
    """A result was taken in: one more may be sent."""

    type: Literal["ack"]
    seq: Seq


_KINDS: dict[str, type[Hello | Frame | Capture | Ack]] = {
    "hello": Hello,
    "frame": Frame,
    "capture": Capture,
    "ack": Ack,
}


def parse(data: bytes) -> Hello | Frame | Capture | Ack:
    """A client's message. Raises BadMessage."""
    fields = _unpacked(data)
    seq = fields.get("seq")
    seq = seq if type(seq) is int and 0 <= seq < 2**53 else None
    kind = _KINDS.get(fields["type"]) if isinstance(fields.get("type"), str) else None
    if kind is None:
        raise BadMessage("invalid_message", f"a message's type is one of: {', '.join(_KINDS)}", seq)
    if kind is Hello and fields.get("version") != VERSION:
        raise BadMessage("unsupported_version", f"this server speaks version {VERSION} of the live protocol")
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadMessage("invalid_message", f"{fields['type']}.{where}: {first['msg']}", seq) from error


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


def ready(model: str, licence: str, output: str, output_format: str, reason: str = "") -> bytes:
    """The session begins; `model` is the one that really runs, and `reason` why it is not the one that was wanted."""
    message = {
        "type": "ready",
        "version": VERSION,
        "model": model,
        "licence": licence,
        "output": output,
        "format": output_format,
    }
    return _packed(message | ({"reason": reason} if reason else {}))


def result(
    kind: Output | Literal["capture"],
    frame: Frame | Capture,
    count: int,
    output_format: str,
    data: bytes,
    timings: dict[str, float],
    dropped: int,
    more: dict[str, Any],
) -> bytes:
    """What became of a frame. dropped: frames that gave way to newer ones, so far."""
    return _packed(
        {
            "type": kind,
            "seq": frame.seq,
            "t": frame.t,
            "n": count,
            "format": output_format,
            "data": data,
            "timings": timings,
            "dropped": dropped,
            **more,
        }
    )


def error(code: str, message: str, seq: int | None = None) -> bytes:
    """Something went wrong; unless the connection closes, the stream goes on."""
    body: dict[str, Any] = {"type": "error", "code": code, "message": message}
    return _packed(body if seq is None else {**body, "seq": seq})


def _packed(fields: dict[str, Any]) -> bytes:
    return bytes(msgpack.packb(fields, use_bin_type=True))
