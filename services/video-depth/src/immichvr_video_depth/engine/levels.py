"""From maps of a network to samples of a picture in one pass: enlarged, composed, put into a range, rounded.

The same as `DepthFrame.values`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from immichvr_depth.compiled import Floats, Indices, kernel

from immichvr_video_depth.engine.frames import NEAREST_M, DepthFrame
from immichvr_video_depth.engine.rows import add_row, grid_of, joined, mix_rows

Samples = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


def write_levels(frame: DepthFrame, top: int, out: Samples) -> None:
    """Fills `out`, (h, w) or (h, w, channels), with where the disparity lies between low (0) and high (`top`).

    All channels get the same. The frame has one share or two.
    """
    planes = out if out.ndim == 3 else out[..., None]
    height, width = planes.shape[:2]
    one, other = frame.drawn[0].raw, frame.drawn[-1].raw
    grid = grid_of(frame.drawn, width, height)
    span = np.float32(top / (frame.high - frame.low))
    _write(one, other, *grid, frame.metric, np.float32(frame.low), span, top, planes)


@kernel
def _write(
    one: Floats, other: Floats, numbers: Floats, lefts: Indices, parts: Floats, steps: npt.NDArray[np.float64],
    metric: bool, low: np.float32, span: np.float32, top: int, planes: Samples,
) -> None:  # fmt: skip
    height, width, channels = planes.shape
    line = np.empty(width, np.float32)
    blend, second = np.empty(one.shape[1] + 1, np.float32), np.empty(other.shape[1] + 1, np.float32)
    half, most, nearest = np.float32(0.5), np.float32(top), np.float32(NEAREST_M)
    plain = np.array([1, 0, 1, -np.inf], np.float32)
    are_two, are_alike = numbers.shape[0] > 1, one.shape[1] == other.shape[1]
    for y in range(height):
        line[:] = 0
        mix_rows(one, y * steps[0], blend)
        if are_two:
            mix_rows(other, y * steps[1], second)
        if are_two and are_alike and joined(blend, second, numbers):
            add_row(blend, lefts[0], parts[0], plain, line)
        else:
            add_row(blend, lefts[0], parts[0], numbers[0], line)
            if are_two:
                add_row(second, lefts[1], parts[1], numbers[1], line)
        if metric:
            for x in range(width):
                line[x] = np.float32(1) / max(line[x], nearest)
        for x in range(width):
            line[x] = min(max((line[x] - low) * span, np.float32(0)), most) + half
        for channel in range(channels):
            for x in range(width):
                planes[y, x, channel] = np.int32(line[x])
