"""One picture seen from another place: every row of pixels moved by its disparity, what is nearer over what is farther.

Between two neighbours on one surface the picture is stretched; between two surfaces it is torn, and what the nearer one
uncovers stays a hole. Each pixel of the new picture looks up where it comes from, so that no cracks open.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from immichvr_depth.compiled import Bytes, Floats, kernel

HOLE = -1.0
TEAR = 0.7
"""Pixels by which neighbours of one surface are moved apart at most."""


def warp(rgb: Bytes, values: Floats, gain: float, convergence: float) -> tuple[Bytes, Floats]:
    """The picture (h, w, 3) whose pixel x is moved to x + gain * (value - convergence).

    values: (h, w) float32, 0 farthest, 1 nearest. Returns the new picture, black in holes, and the value of what is
    seen at each of its pixels, (h, w) float32, HOLE where nothing is.
    """
    seen = np.full(values.shape, HOLE, np.float32)
    origin = np.full(values.shape, HOLE, np.float32)
    _warp_rows(values, gain, convergence, seen, origin)
    view = cv2.remap(rgb, origin, _rows(*values.shape), cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(view, np.uint8), seen


@lru_cache(maxsize=2)
def _rows(height: int, width: int) -> Floats:
    """The row of each pixel."""
    return np.repeat(np.arange(height, dtype=np.float32)[:, None], width, axis=1)


@kernel
def _warp_rows(values: Floats, gain: float, convergence: float, seen: Floats, origin: Floats) -> None:
    """Writes the value of what is seen at each pixel, and the column that it comes from."""
    height, width = values.shape
    tear = np.float32(TEAR / max(abs(gain), 1e-9))
    one, half = np.float32(1.0), np.float32(0.5)
    scale, screen = np.float32(gain), np.float32(gain * convergence)
    place = np.empty(width, np.float32)
    for y in range(height):
        row, top, source = values[y], seen[y], origin[y]
        for x in range(width):
            place[x] = np.float32(x) + (scale * row[x] - screen)
        _cover(top, source, place[0] - half, place[0], row[0], 0)
        for x in range(width - 1):
            first, second = row[x], row[x + 1]
            start, end = place[x], place[x + 1]
            if abs(second - first) > tear:
                _cover(top, source, start, start + half, first, x)
                _cover(top, source, end - half, end, second, x + 1)
                continue
            t = max(np.int32(np.ceil(start)), np.int32(0))
            if t > end:
                continue
            slope = one / (end - start)
            while t <= end and t < width:
                along = (np.float32(t) - start) * slope
                value = first + along * (second - first)
                if value > top[np.uintp(t)]:
                    top[np.uintp(t)] = value
                    source[np.uintp(t)] = np.float32(x) + along
                t += np.int32(1)
        x = width - 1
        _cover(top, source, place[x], place[x] + half, row[x], x)


@kernel
def _cover(top: Floats, source: Floats, start: float, end: float, value: float, column: int) -> None:
    """From start to end there is the pixel of that column, where nothing nearer is."""
    t = max(np.int32(np.ceil(start)), np.int32(0))
    while t <= end and t < top.shape[0]:
        if value > top[t]:
            top[t], source[t] = value, column
        t += np.int32(1)
