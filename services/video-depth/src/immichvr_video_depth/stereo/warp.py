"""One picture seen from another place: every row of pixels moved by its disparity, what is nearer over what is farther.

Between two neighbours on one surface the picture is stretched; between two surfaces it is torn, and what the nearer one
uncovers stays a hole. Each pixel of the new picture looks up where it comes from, so that no cracks open.
"""

from __future__ import annotations

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
    view, seen = np.empty(rgb.shape, np.uint8), np.empty(values.shape, np.float32)
    _warp_rows(np.ascontiguousarray(rgb), values, gain, convergence, view, seen)
    return view, seen


@kernel
def _warp_rows(rgb: Bytes, values: Floats, gain: float, convergence: float, view: Bytes, seen: Floats) -> None:
    """Writes the value of what is seen at each pixel, and its colour."""
    height, width = values.shape
    tear = np.float32(TEAR / max(abs(gain), 1e-9))
    one, half = np.float32(1.0), np.float32(0.5)
    scale, screen = np.float32(gain), np.float32(gain * convergence)
    place, source = np.empty(width, np.float32), np.zeros(width, np.float32)
    for y in range(height):
        row, top = values[y], seen[y]
        top[:] = HOLE
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
        _colour(view[y], rgb[y], top, source)


@kernel
def _colour(view: Bytes, rgb: Bytes, top: Floats, source: Floats) -> None:
    """One row, from the columns that its pixels come from, to a 256th of a pixel; black where nothing is seen."""
    # Unsigned places: compiled code need not ask whether they count from the end.
    pixels, drawn = rgb.reshape(-1), view.reshape(-1)
    for t in range(source.shape[0]):
        is_seen = np.int32(top[t] != HOLE)
        origin = max(source[t], np.float32(0))
        left = np.int32(origin)
        right = min(left + np.int32(1), np.int32(source.shape[0] - 1))
        share = np.int32((origin - np.float32(left)) * np.float32(256))
        one, other, to = np.uintp(3) * np.uintp(left), np.uintp(3) * np.uintp(right), np.uintp(3) * np.uintp(t)
        for channel in range(3):
            colour = np.int32(pixels[one + np.uintp(channel)])
            beside = np.int32(pixels[other + np.uintp(channel)])
            drawn[to + np.uintp(channel)] = is_seen * (((colour << 8) + (beside - colour) * share + 128) >> 8)


@kernel
def _cover(top: Floats, source: Floats, start: float, end: float, value: float, column: int) -> None:
    """From start to end there is the pixel of that column, where nothing nearer is."""
    t = max(np.int32(np.ceil(start)), np.int32(0))
    while t <= end and t < top.shape[0]:
        if value > top[t]:
            top[t], source[t] = value, column
        t += np.int32(1)
