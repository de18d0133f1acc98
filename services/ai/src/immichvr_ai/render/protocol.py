"""The messages of a session that draws a splat: poses in, JPEG pictures out."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import numpy as np
from immichvr_splats import Camera
from pydantic import Field, model_validator

from immichvr_ai.live.messages import VERSION, Ack, Message, Seconds, Seq, packed, parse_as
from immichvr_ai.render.reach import Reach

MOST_PIXELS = 1280 * 720
"""Of one picture."""
_LONGEST_SIDE = 2000
_MOST_SKEW = 1e-2

Metres = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
Pixels = Annotated[float, Field(allow_inf_nan=False, ge=-1e5, le=1e5)]
Focal = Annotated[float, Field(allow_inf_nan=False, ge=1, le=1e5)]
Side = Annotated[int, Field(ge=16, le=_LONGEST_SIDE)]


class Hello(Message):
    """The first message. quality: of JPEG. credit: pictures that may be on their way without an `ack`."""

    type: Literal["hello"]
    version: Literal[1]
    output: Literal["picture"]
    quality: int = Field(82, ge=30, le=95)
    credit: int = Field(2, ge=1, le=4)


class Pose(Message):
    """From where the splat is to be seen.

    t: the client's clock, given back with the picture. place: the first three rows of world to camera, OpenCV axes.
    fx, fy, cx, cy: pixels of a picture of `width` by `height`.
    """

    type: Literal["pose"]
    seq: Seq
    t: Seconds
    place: list[Metres] = Field(min_length=12, max_length=12)
    fx: Focal
    fy: Focal
    cx: Pixels
    cy: Pixels
    width: Side
    height: Side

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Self:
        if self.width * self.height > MOST_PIXELS:
            raise ValueError(f"a picture has at most {MOST_PIXELS} pixels")
        turn = np.array(self.place).reshape(3, 4)[:, :3]
        if np.abs(turn @ turn.T - np.eye(3)).max() > _MOST_SKEW or np.linalg.det(turn) < 0:
            raise ValueError("place turns and moves, and does nothing else: three rows of four")
        return self

    def camera(self, share: float) -> Camera:
        """The camera there, with each side of its picture as long as `share` of what was asked for."""
        width, height = max(1, round(self.width * share)), max(1, round(self.height * share))
        across, down = width / self.width, height / self.height
        place = np.vstack([np.array(self.place).reshape(3, 4), [0, 0, 0, 1]])
        return Camera(self.fx * across, self.fy * down, self.cx * across, self.cy * down, width, height, place)


_KINDS: dict[str, type[Hello | Pose | Ack]] = {"hello": Hello, "pose": Pose, "ack": Ack}


def parse(data: bytes) -> Hello | Pose | Ack:
    """A client's message. Raises BadMessage."""
    return parse_as(data, _KINDS)


def ready(renderer: str, gaussians: int, reach: Reach, reason: str = "") -> bytes:
    """The session begins. renderer: what draws; reason: why it is not a GPU where there is one."""
    message = {
        "type": "ready",
        "version": VERSION,
        "output": "picture",
        "format": "jpeg",
        "renderer": renderer,
        "gaussians": gaussians,
        "focus": reach.focus,
        "nearest": reach.nearest,
    }
    return packed(message | ({"reason": reason} if reason else {}))


def picture(
    pose: Pose, data: bytes, size: tuple[int, int], settled: bool, timings: dict[str, float], dropped: int
) -> bytes:
    """What is seen from a pose. settled: in the size that was asked for. dropped: poses that gave way to newer ones."""
    message: dict[str, Any] = {
        "type": "picture",
        "seq": pose.seq,
        "t": pose.t,
        "format": "jpeg",
        "data": data,
        "width": size[0],
        "height": size[1],
        "settled": settled,
        "timings": {name: round(seconds, 5) for name, seconds in timings.items()},
        "dropped": dropped,
    }
    return packed(message)
