"""What is done to one frame between its arrival and its result: pure work, for any thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from immichvr_depth.depth_map import FloatImage

from immichvr_ai.live import protocol
from immichvr_ai.live.frames import LONGEST_SIDE, Picture, decode
from immichvr_ai.live.gaussians import Gaussians
from immichvr_ai.live.messages import BadMessage
from immichvr_ai.live.models import LiveModel
from immichvr_ai.live.packing import Format, Packed, most_gaussians, pack, pack_points
from immichvr_ai.live.pixels import disparity_of, gaussians_of, points_of, points_of_gaussians
from immichvr_ai.live.protocol import Capture, Frame, Hello, Output


@dataclass
class FrameContext:
    """A frame on its way. received: when it came, by the session's clock; timings: seconds by stage."""

    frame: Frame
    output: Output
    received: float
    timings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Seen:
    """What the model made of a picture: its own Gaussians, or depth (h, w)."""

    picture: Picture
    made: Gaussians | FloatImage


@dataclass(frozen=True)
class Payload:
    """A result's data, and what it says beside the fields that all results have."""

    count: int
    data: bytes
    more: dict[str, Any]


class FramePipeline:
    """The stages of one session, as its client wants them."""

    def __init__(self, hello: Hello, model: LiveModel) -> None:
        self.hello, self.model = hello, model
        self._budget = most_gaussians(hello.max_gaussians, hello.format, hello.sh_degree)

    def decode(self, frame: Frame) -> Picture:
        """The picture, no larger than the model works at. Raises BadMessage."""
        return decode(frame.jpeg, frame.fov, self.hello.process_res)

    def infer(self, picture: Picture, output: Output) -> Seen:
        """What the model makes of it. Raises ModelError."""
        return Seen(picture, self.model.see(picture, output, self.hello.process_res, self.hello.sh_degree))

    def pack(self, frame: Frame, output: Output, seen: Seen) -> Payload:
        """The bytes for the client. Raises LiftError, BadMessage."""
        if output == "rgbd":
            return self._rgbd(frame, seen)
        packed = self._gaussians(seen) if output == "gaussians" else self._points(seen)
        return Payload(packed.count, packed.data, {"invalid": packed.invalid, "fov": round(seen.picture.fov, 3)})

    def capture(self, capture: Capture) -> Payload:
        """A splat of full quality of a frame. Raises BadMessage, ModelError, LiftError."""
        picture = decode(capture.jpeg, capture.fov, LONGEST_SIDE)
        packed = self.model.capture(picture)
        return Payload(packed.count, packed.data, {"fov": round(picture.fov, 3)})

    def _gaussians(self, seen: Seen) -> Packed:
        made, hello = seen.made, self.hello
        gaussians = made if isinstance(made, Gaussians) else gaussians_of(seen.picture, made, self._budget)
        return pack(gaussians, hello.format, hello.opacity_threshold, self._budget)

    def _points(self, seen: Seen) -> Packed:
        made = seen.made
        if isinstance(made, Gaussians):
            return pack_points(*points_of_gaussians(made), self._budget)
        return pack_points(*points_of(seen.picture, made, self._budget), self._budget)

    def _rgbd(self, frame: Frame, seen: Seen) -> Payload:
        if isinstance(seen.made, Gaussians):
            raise BadMessage("output_unavailable", f"{self.model.key} makes no rgbd", frame.seq)
        disparity = disparity_of(seen.picture, seen.made)
        height, width = disparity.values.shape
        more = {
            "disparity": disparity.values.tobytes(),
            "width": width,
            "height": height,
            "near": disparity.near,
            "far": disparity.far,
            "fov": round(seen.picture.fov, 3),
        }
        return Payload(width * height, frame.jpeg, more)


def result_of(underway: FrameContext, wanted: Format, payload: Payload, dropped: int) -> bytes:
    """The message with a frame's result."""
    timings = {name: round(seconds, 5) for name, seconds in underway.timings.items()}
    return protocol.result(
        underway.output,
        underway.frame,
        payload.count,
        format_of(underway.output, wanted),
        payload.data,
        timings,
        dropped,
        payload.more,
    )


def format_of(output: Output, wanted: Format) -> str:
    """The layout of a result's data: points and rgbd have one each."""
    return wanted if output == "gaussians" else output
