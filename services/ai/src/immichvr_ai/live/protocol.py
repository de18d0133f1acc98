"""The messages of a live session: frames in, splats out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from immichvr_ai.live.messages import LARGEST_MESSAGE, VERSION, Ack, Message, Seconds, Seq, packed, parse_as
from immichvr_ai.live.packing import Format

Output = Literal["gaussians", "points", "rgbd"]
OUTPUTS: tuple[Output, ...] = ("gaussians", "points", "rgbd")
FieldOfView = Annotated[float, Field(allow_inf_nan=False, ge=5, le=150)]


class Hello(Message):
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


class Frame(Message):
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


class Capture(Message):
    """One picture that shall become a splat of full quality, as a file of its own."""

    type: Literal["capture"]
    seq: Seq
    t: Seconds
    jpeg: bytes = Field(min_length=1, max_length=LARGEST_MESSAGE)
    fov: FieldOfView | None = None


_KINDS: dict[str, type[Hello | Frame | Capture | Ack]] = {
    "hello": Hello,
    "frame": Frame,
    "capture": Capture,
    "ack": Ack,
}


def parse(data: bytes) -> Hello | Frame | Capture | Ack:
    """A client's message. Raises BadMessage."""
    return parse_as(data, _KINDS)


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
    return packed(message | ({"reason": reason} if reason else {}))


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
    return packed(
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
