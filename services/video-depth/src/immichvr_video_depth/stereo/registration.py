"""How the background moves from one frame to the next.

A turning, zooming, moving camera shifts a point by what depends on its place and its disparity alone:
u = a0 + a1 x + a2 y + a3 d + a4 x d, v likewise with y d. Corners are followed (Lucas and Kanade, pyramids), and the
ten numbers fitted to those that agree; what moves by itself does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_depth.compiled import Bytes, Floats

Doubles = npt.NDArray[np.float64]

MODEL = (2, 5)
_LONGEST_SIDE = 512  # pixels of the pictures that corners are followed in
_CORNERS = 200
_FEWEST = 24
_ROUNDS = 8
_AGREES = 0.5  # small pixels
_STILL = 0.1  # small pixels of movement that is none


@dataclass(frozen=True)
class Sight:
    """What is remembered of a frame to follow the background by.

    grey: (h, w) uint8, small. disparity: (h, w) float32, of the same size. scale: pixels of the frame in a small one.
    """

    grey: Bytes
    disparity: Floats
    scale: float


def sight(rgb: Bytes, disparity: Floats) -> Sight:
    """The small picture of a frame (h, w, 3) with its disparity, of any size."""
    height, width = rgb.shape[:2]
    scale = math.ceil(max(height, width) / _LONGEST_SIDE)  # means over whole pixels are taken in a fifth of the time
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    grey = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    return Sight(
        grey, np.asarray(cv2.resize(disparity, size, interpolation=cv2.INTER_NEAREST), np.float32), width / size[0]
    )


def movement(before: Sight, after: Sight) -> tuple[Floats, Floats] | None:
    """Where the background goes from `before` to `after`, and back: two (2, 5), in pixels of the frame.

    Disparity counts in the model's units. None where too little is seen to tell.
    """
    corners = cv2.goodFeaturesToTrack(before.grey, _CORNERS, 0.01, max(4, before.grey.shape[1] // 40))
    if corners is None or len(corners) < _FEWEST:
        return None
    found, status, _ = cv2.calcOpticalFlowPyrLK(before.grey, after.grey, corners, None, winSize=(15, 15), maxLevel=3)
    kept = status[:, 0] == 1
    start, end = corners[kept, 0].astype(np.float64), found[kept, 0].astype(np.float64)
    if len(start) < _FEWEST:
        return None
    there = _disparity_at(before, start)
    if _is_still(start, end, there):
        return np.zeros(MODEL, np.float32), np.zeros(MODEL, np.float32)
    there_and_back = _fitted(start, end, there), _fitted(end, start, there)
    if there_and_back[0] is None or there_and_back[1] is None:
        return None
    return _in_frame(there_and_back[0], before.scale), _in_frame(there_and_back[1], before.scale)


def _disparity_at(seen: Sight, points: Doubles) -> Doubles:
    column = np.clip(np.rint(points[:, 0]).astype(int), 0, seen.grey.shape[1] - 1)
    row = np.clip(np.rint(points[:, 1]).astype(int), 0, seen.grey.shape[0] - 1)
    return np.asarray(seen.disparity[row, column], np.float64)


def _is_still(start: Doubles, end: Doubles, disparity: Doubles) -> bool:
    far = disparity <= np.median(disparity)
    return float(np.median(np.linalg.norm(end[far] - start[far], axis=1))) < _STILL


def _fitted(start: Doubles, end: Doubles, disparity: Doubles) -> Doubles | None:
    """(2, 5) float64 of what most points, the far ones above all, agree about; None where they do not."""
    moved = end - start
    ones = np.ones(len(start))
    bases = [
        np.stack([ones, start[:, 0], start[:, 1], disparity, start[:, axis] * disparity], axis=1) for axis in (0, 1)
    ]
    span = float(np.ptp(disparity)) or 1.0
    farness = 1.0 - 0.9 * (disparity - disparity.min()) / span
    off = np.linalg.norm(moved - np.median(moved[disparity <= np.median(disparity)], axis=0), axis=1)
    model = np.zeros(MODEL)
    for turn in range(_ROUNDS):
        limit = _AGREES * max(1.0, 2.0 ** (3 - turn))
        weight = farness / (1 + (off / limit) ** 2) ** 2
        for axis in (0, 1):
            model[axis] = _least_squares(bases[axis], moved[:, axis], weight)
        off = np.hypot(bases[0] @ model[0] - moved[:, 0], bases[1] @ model[1] - moved[:, 1])
    return model if np.count_nonzero(off < _AGREES) >= _FEWEST // 2 else None


def _least_squares(basis: Doubles, wanted: Doubles, weight: Doubles) -> Doubles:
    """Held a little at zero, so that a scene of one disparity has an answer too."""
    size = np.maximum(np.abs(basis).max(axis=0), 1e-9)
    scaled = basis / size
    left = scaled.T @ (scaled * weight[:, None]) + 1e-4 * weight.sum() * np.diag([0.0, 1.0, 1.0, 1.0, 1.0])
    return np.asarray(np.linalg.solve(left, scaled.T @ (wanted * weight)) / size)


def _in_frame(model: Doubles, scale: float) -> Floats:
    """A movement of small pixels as one of the frame's; a pixel's middle is at a whole number in both."""
    out = model.copy()
    out[:, [0, 3]] *= scale
    half = (scale - 1) / 2
    out[:, 0] -= half * (out[:, 1] + out[:, 2])
    out[0, 3] -= half * out[0, 4]
    out[1, 3] -= half * out[1, 4]
    return np.asarray(out, np.float32)
