"""Both eyes' pictures of a video with depth, frame by frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from immichvr_depth.compiled import Bytes, Floats

from immichvr_video_depth.engine.frames import DepthFrame, Share
from immichvr_video_depth.stereo.edges import at_full_size
from immichvr_video_depth.stereo.filling import Before, fill
from immichvr_video_depth.stereo.geometry import Geometry
from immichvr_video_depth.stereo.nearby import Nearby, frames_ahead
from immichvr_video_depth.stereo.warp import TEAR, warp

_BLENDED = np.ones((1, 3), np.uint8)


@dataclass(frozen=True)
class Views:
    """What both eyes see at one moment: two pictures (h, w, 3) uint8.

    left_filled, right_filled: (h, w) uint8, what was a hole and how it was filled (`fill`). The rest as in DepthFrame.
    """

    index: int
    time: Fraction
    duration: Fraction
    left: Bytes
    right: Bytes
    left_filled: Bytes
    right_filled: Bytes


class Eyes:
    """Makes views of the frames that come in, a few frames later: the background is looked up in what comes, too.

    Memory is bounded by the frames that are waited for and kept, whatever the video's length.
    """

    def __init__(self, width: int, height: int, geometry: Geometry, *, half_sphere: bool = False) -> None:
        """half_sphere: the picture shows 180 degrees both ways, equirectangular: at its poles eyes see the same."""
        self._geometry = geometry
        self._gain = geometry.gain(width)
        self._wait = frames_ahead(width, height)
        self._nearby = Nearby(width, height)
        self._roundness = np.cos((np.arange(height) + 0.5) / height * np.pi - np.pi / 2) if half_sphere else None
        self._both = ThreadPoolExecutor(2, "eye")
        self._waiting: deque[DepthFrame] = deque()
        self._before: dict[float, Before] = {}
        self._nothing = np.empty((0, width, 3), np.uint8), np.empty((0, width), np.uint8)

    def push(self, frame: DepthFrame) -> Iterator[Views]:
        """Views that can be told now; all of the shot before, where a new one begins."""
        if self._waiting and self._waiting[-1].shot != frame.shot:
            yield from self.end()
        self._nearby.add(frame)
        self._waiting.append(frame)
        while len(self._waiting) > self._wait:
            yield self._made(self._waiting.popleft())

    def end(self) -> Iterator[Views]:
        """Those that are still waited for; a new shot may begin."""
        while self._waiting:
            yield self._made(self._waiting.popleft())
        self._nearby.begin()
        self._before.clear()

    def _made(self, frame: DepthFrame) -> Views:
        values = self._values(frame)
        others = self._nearby.around(frame)
        back = self._nearby.way(frame, frame.index - 1)
        way = _NO_WAY if back is None else back

        def seen_by(gain: float) -> tuple[Bytes, Bytes]:
            view, seen = warp(frame.rgb, values, gain, self._geometry.convergence)
            before = self._before.get(gain) if back is not None else None
            known = before or Before(*self._nothing, _NO_WAY)
            filled = fill(view, seen, gain, self._geometry.convergence, others, known._replace(way=way))
            self._before[gain] = Before(view, filled, _NO_WAY)
            return view, filled

        (left, left_filled), (right, right_filled) = self._both.map(seen_by, (self._gain, -self._gain))
        self._nearby.forget_before(frame.index)
        return Views(frame.index, frame.time, frame.duration, left, right, left_filled, right_filled)

    def _values(self, frame: DepthFrame) -> Floats:
        """Values at full size. Colours blended at an edge go with the nearer surface."""
        span = max(float(frame.high) - float(frame.low), 1e-9)
        small = np.clip((frame.disparity - np.float32(frame.low)) / np.float32(span), 0, 1).astype(np.float32)
        large = at_full_size(small, frame.rgb, 2 * TEAR / self._gain)
        values = np.asarray(cv2.dilate(large, _BLENDED), np.float32)
        if self._roundness is None:
            return values
        screen = self._geometry.convergence
        return (screen + (values - screen) * self._roundness[:, None]).astype(np.float32)


_NO_WAY = np.zeros((2, 2, 3), np.float32)


def compile_ahead() -> None:
    """Compiles what frames go through, which takes seconds the first time."""
    eyes = Eyes(32, 16, Geometry())
    map_of_network = np.tile(np.linspace(0, 1, 8, dtype=np.float32), (4, 1))
    for number in range(2):
        frame = DepthFrame(
            index=number, time=Fraction(number), duration=Fraction(1), shot=0, rgb=np.zeros((16, 32, 3), np.uint8),
            shares=(Share(map_of_network),), low=0.0, high=1.0,
        )  # fmt: skip
        deque(eyes.push(frame), maxlen=0)
    deque(eyes.end(), maxlen=0)
