"""From maps of a network to samples of a picture in one pass: enlarged, composed, put into a range, rounded.

The same as `DepthFrame.values`, without whole pictures of floats in between, which cost more than the arithmetic.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from immichvr_depth.compiled import Floats, Indices, kernel

from immichvr_video_depth.engine.frames import NEAREST_M, DepthFrame

Samples = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


def write_levels(frame: DepthFrame, top: int, out: Samples) -> None:
    """Fills `out`, (h, w) or (h, w, channels), with where the disparity lies between low (0) and high (`top`).

    All channels get the same. The frame has one share or two.
    """
    planes = out if out.ndim == 3 else out[..., None]
    height, width = planes.shape[:2]
    floors = [np.float32(0 if share.clamped else -np.inf) for share in frame.shares]
    numbers = np.array(
        [(share.scale, share.shift, share.weight, floor) for share, floor in zip(frame.shares, floors, strict=True)],
        np.float32,
    )
    one, other = frame.shares[0].raw, frame.shares[-1].raw
    places = np.stack([_places(raw.shape[1], width) for raw in (one, other)])
    lefts, parts = places.astype(np.int32), (places - np.floor(places)).astype(np.float32)
    steps = np.array([_step(raw.shape[0], height) for raw in (one, other)])
    span = np.float32(top / (frame.high - frame.low))
    _write(one, other, numbers, lefts, parts, steps, frame.metric, np.float32(frame.low), span, top, planes)


def _places(columns: int, width: int) -> npt.NDArray[np.float64]:
    """Where in a map each column of the picture is, corners on corners; never its last one, to which it is a whole."""
    last = float(np.nextafter(columns - 1, 0)) if columns > 1 else 0.0
    return np.minimum(np.arange(width, dtype=np.float64) * _step(columns, width), last)


def _step(source: int, target: int) -> float:
    return (source - 1) / (target - 1) if target > 1 else 0.0


@kernel
def _write(
    one: Floats, other: Floats, numbers: Floats, lefts: Indices, parts: Floats, steps: npt.NDArray[np.float64],
    metric: bool, low: np.float32, span: np.float32, top: int, planes: Samples,
) -> None:  # fmt: skip
    height, width, channels = planes.shape
    line = np.empty(width, np.float32)
    blend = np.empty(max(one.shape[1], other.shape[1]) + 1, np.float32)
    half, most, nearest = np.float32(0.5), np.float32(top), np.float32(NEAREST_M)
    for y in range(height):
        line[:] = 0
        _add(one, y * steps[0], lefts[0], parts[0], numbers[0], blend, line)
        if numbers.shape[0] > 1:
            _add(other, y * steps[1], lefts[1], parts[1], numbers[1], blend, line)
        if metric:
            for x in range(width):
                line[x] = np.float32(1) / max(line[x], nearest)
        for x in range(width):
            line[x] = min(max((line[x] - low) * span, np.float32(0)), most) + half
        for channel in range(channels):
            for x in range(width):
                planes[y, x, channel] = np.int32(line[x])


@kernel
def _add(raw: Floats, at: float, left: Indices, part: Floats, numbers: Floats, blend: Floats, line: Floats) -> None:
    """Adds a row of one share, resized first, as the clamp is not linear."""
    rows, columns = raw.shape
    upper = min(int(at), rows - 1)
    lower, down = min(upper + 1, rows - 1), np.float32(at - upper)
    for column in range(columns):
        blend[column] = raw[upper, column] + (raw[lower, column] - raw[upper, column]) * down
    blend[columns] = blend[columns - 1]
    scale, shift, weight, floor = numbers[0], numbers[1], numbers[2], numbers[3]
    for x in range(line.shape[0]):
        first = blend[left[x]]
        value = (first + (blend[left[x] + 1] - first) * part[x]) * scale + shift
        line[x] += max(value, floor) * weight
