"""Disparity at the size of the picture, its edges where the picture has them.

Networks see a smaller picture, and their maps blur over edges. Between two surfaces there is nothing: near an edge
every pixel is given to the surface whose colours around it are more like its own (joint bilateral upsampling, Kopf
2007, with a hard choice in place of a mean, which would leave a sheet of rubber between the two).
"""

from __future__ import annotations

import cv2
import numpy as np
from immichvr_depth.compiled import Bytes, Floats, kernel

_RADIUS = 2  # samples of the map on either side
_COLOUR_SIGMA = 14.0  # levels by which colours of one surface differ
_TABLE = 3 * 256  # sums of three differences of colour
_DOUBT = 0.05  # how much of the other side there may be where the map shows none of it
_FLYING = 0.25  # of a step: values so far from both sides are blends of them
_WHOLE = 0.75  # of the picture's size: a map so large has its own edges


def at_full_size(values: Floats, rgb: Bytes, step: float) -> Floats:
    """Values (h', w') brought to the size of `rgb` (h, w, 3): (h, w) float32.

    step: the least difference of values that parts two surfaces.
    """
    height, width = rgb.shape[:2]
    large = np.asarray(cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    if values.shape[1] > _WHOLE * width:
        return large
    guide = _reduced(rgb, values.shape[1], values.shape[0])
    around = np.ones((2 * _RADIUS + 1, 2 * _RADIUS + 1), np.uint8)
    highest, lowest = cv2.dilate(values, around), cv2.erode(values, around)
    _choose(large, values, rgb, guide, highest, lowest, step, _space(), _likeness())
    return np.asarray(cv2.medianBlur(large, 3), np.float32)


def _reduced(rgb: Bytes, width: int, height: int) -> Bytes:
    """The picture at the size of the map, each sample a mean of about the pixels that it stands for.

    Means over parts of pixels (INTER_AREA) take as long as all else here.
    """
    step = round(rgb.shape[1] / width)
    smooth = cv2.blur(rgb, (step, step)) if step > 2 else rgb  # two by two are what the next line takes
    return np.asarray(cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _space() -> Floats:
    """Weights of samples by their distance, (2r + 1, 2r + 1)."""
    steps = np.arange(-_RADIUS, _RADIUS + 1, dtype=np.float32)
    squared = steps[:, None] ** 2 + steps**2
    return np.asarray(np.exp(-squared / (2 * (0.6 * _RADIUS) ** 2)), np.float32)


def _likeness() -> Floats:
    """Weights of samples by the sum of their differences of colour."""
    return np.exp(-((np.arange(_TABLE) / (3 * _COLOUR_SIGMA)) ** 2)).astype(np.float32)


@kernel
def _choose(
    large: Floats,
    values: Floats,
    rgb: Bytes,
    guide: Bytes,
    highest: Floats,
    lowest: Floats,
    step: float,
    space: Floats,
    likeness: Floats,
) -> None:
    rows, columns = values.shape
    height, width = large.shape
    for y in range(height):
        row = min(int((y + 0.5) * rows / height), rows - 1)
        for column in range(columns):
            if highest[row, column] - lowest[row, column] <= step:
                continue
            for x in range(_first(column, columns, width), _first(column + 1, columns, width)):
                _choose_side(large, values, rgb, guide, highest, lowest, y, x, row, column, space, likeness)


@kernel
def _first(column: int, columns: int, width: int) -> int:
    """The first pixel whose middle is in this column of the map."""
    return int(np.ceil(column * width / columns - 0.5))


@kernel
def _choose_side(
    large: Floats, values: Floats, rgb: Bytes, guide: Bytes, highest: Floats, lowest: Floats,
    y: int, x: int, row: int, column: int, space: Floats, likeness: Floats,
) -> None:  # fmt: skip
    rows, columns = values.shape
    radius = space.shape[0] // 2
    high, low = highest[row, column], lowest[row, column]
    middle = 0.5 * (high + low)
    blend = _FLYING * (high - low)
    # Signed: differences of bytes wrap in compiled code.
    red, green, blue = np.int32(rgb[y, x, 0]), np.int32(rgb[y, x, 1]), np.int32(rgb[y, x, 2])
    near_weight = far_weight = 1e-6
    near_alike = far_alike = 1e-6
    near_sum = far_sum = 0.0
    for sy in range(max(0, row - radius), min(rows, row + radius + 1)):
        for sx in range(max(0, column - radius), min(columns, column + radius + 1)):
            value = values[sy, sx]
            weight = space[sy - row + radius, sx - column + radius]
            if low + blend < value < high - blend:
                continue
            difference = (
                abs(red - np.int32(guide[sy, sx, 0]))
                + abs(green - np.int32(guide[sy, sx, 1]))
                + abs(blue - np.int32(guide[sy, sx, 2]))
            )
            alike = weight * (likeness[difference] + 1e-4)
            if value > middle:
                near_weight += weight
                near_alike += alike
                near_sum += alike * value
            else:
                far_weight += weight
                far_alike += alike
                far_sum += alike * value
    if near_sum == 0.0 and far_sum == 0.0:
        return
    # What is there of each side counts a little too: where colours say nothing, the map does.
    share = (large[y, x] - low) / (high - low)
    near = near_alike / near_weight * (_DOUBT + share)
    far = far_alike / far_weight * (1 + _DOUBT - share)
    if far_sum == 0.0 or (near_sum > 0.0 and near > far):
        large[y, x] = near_sum / (near_alike - 1e-6)
    else:
        large[y, x] = far_sum / (far_alike - 1e-6)
