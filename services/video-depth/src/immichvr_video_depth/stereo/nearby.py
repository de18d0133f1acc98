"""Frames of a shot that are kept to look up what the background showed: some before, some ahead."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_depth.compiled import Floats

from immichvr_video_depth.engine.frames import DepthFrame
from immichvr_video_depth.stereo.filling import Others
from immichvr_video_depth.stereo.registration import Sight, movement, sight

_EVERY = 4  # frames: between two that are kept
_PAST = 4  # that are kept
_AHEAD = 12  # frames, where memory allows
_MOST_BYTES = 96 << 20  # of the frames ahead
_WAY_VALUES = 9
_AROUND = np.ones((3, 3), np.uint8)


def frames_ahead(width: int, height: int) -> int:
    """How many frames a view waits for: those ahead of it are looked at too."""
    return max(_EVERY, min(_AHEAD, _MOST_BYTES // (3 * width * height)))


@dataclass
class _Kept:
    index: int
    slot: int


class Nearby:
    """What is known of one shot: pictures of every fourth frame, and how the background moved between all."""

    def __init__(self, width: int, height: int) -> None:
        slots = _PAST + frames_ahead(width, height) // _EVERY + 2
        self._pictures = np.empty((slots, height, width, 3), np.uint8)
        self._nearest: Floats | None = None
        self._kept: deque[_Kept] = deque()
        self._free = list(range(slots))
        self._ways: dict[int, tuple[Floats, Floats] | None] = {}
        self._last: tuple[int, Sight] | None = None

    def begin(self) -> None:
        """Forgets all: a new shot begins."""
        self._free += [kept.slot for kept in self._kept]
        self._kept.clear()
        self._ways.clear()
        self._last = None

    def add(self, frame: DepthFrame) -> None:
        """The next frame of the shot."""
        disparity = frame.disparity
        seen = sight(frame.rgb, disparity)
        if self._last is not None:
            self._ways[frame.index] = movement(self._last[1], seen)
        self._last = frame.index, seen
        if frame.index % _EVERY:
            return
        if self._nearest is None or self._nearest.shape[1:] != disparity.shape:
            self._nearest = np.empty((len(self._pictures), *disparity.shape), np.float32)
        slot = self._free.pop() if self._free else self._kept.popleft().slot
        self._pictures[slot] = frame.rgb
        self._nearest[slot] = cv2.dilate(disparity, _AROUND)
        self._kept.append(_Kept(frame.index, slot))

    def around(self, frame: DepthFrame) -> Others:
        """The kept frames to which the background can be followed from `frame`."""
        while self._kept and self._kept[0].index < frame.index - _EVERY * _PAST:
            self._free.append(self._kept.popleft().slot)
        found = []
        for kept in self._kept:
            way = self.way(frame, kept.index)
            if kept.index != frame.index and way is not None:
                found.append((abs(kept.index - frame.index), kept.slot, way))
        found.sort(key=lambda one: one[:2])
        ways = np.stack([way for _, _, way in found]) if found else np.empty((0, _WAY_VALUES, 2, 3), np.float32)
        nearest = self._nearest if self._nearest is not None else np.empty((0, 1, 1), np.float32)
        order = np.array([slot for _, slot, _ in found], np.int32)
        return Others(self._pictures, nearest, order, ways, float(frame.low), _span(frame))

    def way(self, frame: DepthFrame, index: int) -> Floats | None:
        """Affine maps (k, 2, 3) from `frame` to another of the shot, for k values; None where there is no telling."""
        there = 0 if index > frame.index else 1
        steps = range(frame.index + 1, index + 1) if there == 0 else range(frame.index, index, -1)
        disparities = frame.low + np.linspace(0, 1, _WAY_VALUES) * _span(frame)
        way = np.tile(np.eye(3), (_WAY_VALUES, 1, 1))
        for step in steps:
            moved = self._ways.get(step)
            if moved is None:
                return None
            if moved[there].any():
                way = _affine(moved[there], disparities) @ way
        return np.ascontiguousarray(way[:, :2], np.float32)

    def forget_before(self, index: int) -> None:
        """Movements that nothing asks for any more go."""
        for step in [step for step in self._ways if step < index - _EVERY * (_PAST + 1)]:
            del self._ways[step]


def _span(frame: DepthFrame) -> float:
    return max(float(frame.high) - float(frame.low), 1e-9)


def _affine(model: Floats, disparities: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A movement (2, 5) as affine maps (k, 3, 3), one for each disparity."""
    out = np.tile(np.eye(3), (len(disparities), 1, 1))
    for axis in (0, 1):
        out[:, axis, 0] += model[axis, 1]
        out[:, axis, 1] += model[axis, 2]
        out[:, axis, axis] += model[axis, 4] * disparities
        out[:, axis, 2] += model[axis, 0] + model[axis, 3] * disparities
    return out
