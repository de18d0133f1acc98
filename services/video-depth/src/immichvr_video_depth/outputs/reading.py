"""Depth frames of a video from the files of its depth asset, without the network."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from immichvr_video import LumaReader, Span, VideoLimits, VideoReader
from pydantic import ValidationError

from immichvr_video_depth.engine.frames import DepthFrame, FloatImage, Share
from immichvr_video_depth.outputs.clip import Clip
from immichvr_video_depth.outputs.depth_facts import VERSION, DepthFacts
from immichvr_video_depth.outputs.errors import DepthUnusable

_MOST_BYTES = 512 << 20  # of depth.json: a million frames have a tenth of it
_APART_S = Fraction(1, 200)
"""Times of one frame in both videos differ by what time bases round, never by so much."""


def read_facts(path: Path) -> DepthFacts:
    """The facts in a depth.json. Raises DepthUnusable."""
    if path.stat().st_size > _MOST_BYTES:
        raise DepthUnusable(f"depth.json has more than {_MOST_BYTES >> 20} MiB")
    try:
        facts = DepthFacts.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DepthUnusable(f"depth.json is not one: {place}: {first['msg']}") from error
    if facts.version != VERSION:
        raise DepthUnusable(f"depth.json is of version {facts.version}; {VERSION} is known here: make the depth anew")
    return facts


class StoredDepth:
    """The frames of a video with their stored depth, in order, once.

    source: the video; span: the part of it that the depth is of. The maps are of the network's size, in the model's
    units, clipped to each frame's range. Raises DepthUnusable and VideoError.
    """

    def __init__(
        self,
        depth: Path,
        facts: Path,
        source: Path,
        limits: VideoLimits | None = None,
        span: Span | None = None,
    ) -> None:
        self.facts = read_facts(facts)
        self._depth = LumaReader(depth, limits)
        self._source = VideoReader(source, limits, span)
        self.clip = Clip.of(self._source)
        if (self.clip.width, self.clip.height) != (self.facts.width, self.facts.height):
            raise DepthUnusable(
                f"the depth is of a video of {self.facts.width}x{self.facts.height}, "
                f"this one has {self.clip.width}x{self.clip.height}"
            )

    def __iter__(self) -> Iterator[DepthFrame]:
        facts = self.facts
        with self._depth as depth, self._source as source:
            lumas = iter(depth)
            for number, frame in enumerate(source):
                luma = next(lumas, None)
                if luma is None or number >= len(facts.frames):
                    raise DepthUnusable(f"the depth ends at frame {number}, the video goes on: make the depth anew")
                told = facts.frames[number]
                if abs(frame.time - Fraction(told.time_ms) / 1000) > _APART_S:
                    raise DepthUnusable(
                        f"frame {number} is shown at {float(frame.time):.3f} s, its depth at {told.time_ms / 1e3:.3f} s"
                    )
                values = _network_size(luma.luma, *facts.network).astype(np.float32) / np.float32(facts.top)
                disparity = values * np.float32(told.high - told.low) + np.float32(told.low)
                share = Share(disparity, clamped=False)
                yield DepthFrame(
                    index=number, time=frame.time, duration=frame.duration, shot=told.shot, rgb=frame.rgb,
                    shares=(share,), low=told.low, high=told.high,
                )  # fmt: skip

    def close(self) -> None:
        """Close both videos."""
        self._depth.close()
        self._source.close()


def _network_size(luma: np.typing.NDArray[np.uint16], width: int, height: int) -> FloatImage:
    """What was brought from the network's size to the video's, brought back; never enlarged."""
    width, height = min(width, luma.shape[1]), min(height, luma.shape[0])
    return np.asarray(cv2.resize(luma.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA), np.float32)
