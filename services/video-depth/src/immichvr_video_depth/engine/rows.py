"""Maps of a network at the size of a picture, row by row: bilinear, corners on corners, without whole pictures of
floats in between, which cost more than the arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from immichvr_depth.compiled import Floats, Indices, kernel

from immichvr_video_depth.engine.frames import Share


class Grid(NamedTuple):
    """Where the rows of some shares come from, each at its index.

    numbers: (n, 4) scale, shift, weight, and what nothing is less than. lefts, parts: (n, width), the column in the map
    on the left of each of the picture's, and how far from it that is. steps: (n,) rows of the map for one of the
    picture.
    """

    numbers: Floats
    lefts: Indices
    parts: Floats
    steps: npt.NDArray[np.float64]


def grid_of(shares: Sequence[Share], width: int, height: int) -> Grid:
    """The grid of shares at a size."""
    floors = [np.float32(0 if share.clamped else -np.inf) for share in shares]
    numbers = [(one.scale, one.shift, one.weight, floor) for one, floor in zip(shares, floors, strict=True)]
    places = np.stack([_places(share.raw.shape[1], width) for share in shares])
    lefts, parts = places.astype(np.int32), (places - np.floor(places)).astype(np.float32)
    steps = np.array([_step(share.raw.shape[0], height) for share in shares])
    return Grid(np.array(numbers, np.float32), lefts, parts, steps)


def _places(columns: int, width: int) -> npt.NDArray[np.float64]:
    """Where in a map each column of the picture is, corners on corners; never its last one, to which it is a whole."""
    last = float(np.nextafter(columns - 1, 0)) if columns > 1 else 0.0
    return np.minimum(np.arange(width, dtype=np.float64) * _step(columns, width), last)


def _step(source: int, target: int) -> float:
    return (source - 1) / (target - 1) if target > 1 else 0.0


@kernel
def mix_rows(raw: Floats, at: float, blend: Floats) -> None:
    """Fills `blend`, one longer than a row of the map, with the map's row at a height; its last value comes twice."""
    rows, columns = raw.shape
    upper = min(int(at), rows - 1)
    lower, down = min(upper + 1, rows - 1), np.float32(at - upper)
    for column in range(columns):
        blend[column] = raw[upper, column] + (raw[lower, column] - raw[upper, column]) * down
    blend[columns] = blend[columns - 1]


@kernel
def add_row(blend: Floats, left: Indices, part: Floats, numbers: Floats, line: Floats) -> None:
    """Adds a row of one share to a line of the picture, resized first, as the clamp is not linear."""
    scale, shift, weight, floor = numbers[0], numbers[1], numbers[2], numbers[3]
    for x in range(line.shape[0]):
        first = blend[left[x]]
        value = (first + (blend[left[x] + 1] - first) * part[x]) * scale + shift
        line[x] += max(value, floor) * weight


@kernel
def joined(blend: Floats, other: Floats, numbers: Floats) -> bool:
    """Makes one row of two shares' rows, where neither is clamped in it, in `blend`; whether that was so.

    What is nowhere below 0 in a map's row is so in the picture's, and without a clamp all is linear.
    """
    scale, shift, weight, floor = numbers[0]
    other_scale, other_shift, other_weight, other_floor = numbers[1]
    below = 0
    for column in range(blend.shape[0]):
        below += (blend[column] * scale + shift < floor) + (other[column] * other_scale + other_shift < other_floor)
    if below:
        return False
    for column in range(blend.shape[0]):
        one = (blend[column] * scale + shift) * weight
        blend[column] = one + (other[column] * other_scale + other_shift) * other_weight
    return True
