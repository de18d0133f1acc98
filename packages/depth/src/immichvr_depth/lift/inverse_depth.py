"""From a depth map of any size and precision to a smooth, sharp-edged shift for every cell of the grid."""

from __future__ import annotations

import numpy as np

from immichvr_depth.compiled import Floats, kernel
from immichvr_depth.errors import LiftError

NEAREST_MEDIANS = 0.02  # nearer than 1/50 of the median depth is a fault of the estimate
_FEW_PIXELS = 0.001  # of all; what is really so near takes up more of a photo
_FAULTY_RATIO = 4.0
FARTHEST_MEDIANS = 50.0  # moves 0.2 % of the median's shift: indistinguishable from infinity
FARTHEST = 2000.0  # the 24-bit positions of .spz end at 2048
_SAMPLE = 40_000
_FLOAT_LEVELS = 4096  # more distinct values than this in a sample: not a quantised map


def clamp_depth(depth: Floats) -> tuple[Floats, float]:
    """Depth with sky and faults brought to a sane range, and the median depth.

    depth: (h, w) float32; the result is finite and > 0. Raises LiftError where nothing in it is.
    """
    values = np.asarray(depth, np.float32)
    stride = max(1, int(np.sqrt(values.size / _SAMPLE)))
    sample = values[::stride, ::stride]
    sample = sample[np.isfinite(sample) & (sample > 0)]
    if sample.size == 0:
        raise LiftError("the depth map has no finite, positive value; depth is needed along the optical axis")
    median = float(np.median(sample))
    farthest = max(4 * median, min(FARTHEST_MEDIANS * median, FARTHEST))
    finite = np.nan_to_num(values, nan=median, posinf=farthest, neginf=farthest)
    # Zero means "unknown" in the depth that phones store; unknown is mostly sky or beyond the sensor's range.
    finite = np.where(finite <= 0, farthest, finite)
    return np.clip(finite, NEAREST_MEDIANS * median, farthest).astype(np.float32), median


def range_of(*layers: Floats) -> tuple[float, float]:
    """The nearest and the farthest of depth maps, (h, w) finite and > 0, for steps that are even in inverse depth.

    A few pixels many times nearer than all others are faults of the estimate; as the near end they would leave a few
    steps for everything else. They do not count, and are to be clipped.
    """
    inverse = np.concatenate([np.float32(1) / layer.ravel() for layer in layers])
    sample = inverse[:: max(1, inverse.size // _SAMPLE)]
    limit = _FAULTY_RATIO * float(np.quantile(sample, 1 - _FEW_PIXELS, method="lower"))
    nearest = float(inverse.max())
    if nearest > limit:
        nearest = float(inverse[inverse <= limit].max())
    return 1 / nearest, 1 / float(inverse.min())


def quantum_of(shift: Floats) -> Floats | None:
    """The step of quantisation at every value of a map stored with few levels; None for a float map."""
    stride = max(1, int(np.sqrt(shift.size / _SAMPLE)))
    levels = np.unique(shift[::stride, ::stride])
    if not 2 < levels.size < _FLOAT_LEVELS:
        return None
    steps = np.gradient(levels.astype(np.float64))
    # A gap in the histogram (nothing between foreground and background) is not a step of quantisation.
    steps = np.minimum(steps, 4 * np.median(steps))
    return np.interp(shift, levels, steps).astype(np.float32)


@kernel
def _breaks(line: Floats, first: int, second: int, step: float) -> bool:
    """Whether two neighbours differ by more than `step`, and not as part of a slope on either side."""
    jump = line[second] - line[first]
    if abs(jump) <= step:
        return False
    limit = step + 0.25 * abs(jump)
    if first > 0 and abs(jump - (line[first] - line[first - 1])) <= limit:
        return False
    return not (second + 1 < line.size and abs(jump - (line[second + 1] - line[second])) <= limit)


@kernel
def resample_shift(shift_map: Floats, height: int, width: int, step: float) -> Floats:
    """The map at another size: linear on surfaces, nearest across breaks of more than `step`."""
    map_height, map_width = shift_map.shape
    out = np.empty((height, width), np.float32)
    scale_y, scale_x = map_height / height, map_width / width
    for y in range(height):
        source_y = min(max((y + 0.5) * scale_y - 0.5, 0.0), map_height - 1.0)
        y0 = min(int(source_y), max(map_height - 2, 0))
        y1 = min(y0 + 1, map_height - 1)
        fy = source_y - y0
        for x in range(width):
            source_x = min(max((x + 0.5) * scale_x - 0.5, 0.0), map_width - 1.0)
            x0 = min(int(source_x), max(map_width - 2, 0))
            x1 = min(x0 + 1, map_width - 1)
            fx = source_x - x0
            a, b = shift_map[y0, x0], shift_map[y0, x1]
            c, d = shift_map[y1, x0], shift_map[y1, x1]
            if (
                _breaks(shift_map[y0], x0, x1, step)
                or _breaks(shift_map[y1], x0, x1, step)
                or _breaks(shift_map[:, x0], y0, y1, step)
                or _breaks(shift_map[:, x1], y0, y1, step)
            ):
                out[y, x] = shift_map[y1 if fy >= 0.5 else y0, x1 if fx >= 0.5 else x0]
            else:
                out[y, x] = (a * (1 - fx) + b * fx) * (1 - fy) + (c * (1 - fx) + d * fx) * fy
    return out


@kernel
def _dequantise_pass(
    shift: Floats,
    stored: Floats,
    quantum: Floats,
    reach: int,
) -> Floats:
    height, width = shift.shape
    out = np.empty_like(shift)
    for y in range(height):
        for x in range(width):
            centre = shift[y, x]
            tolerance = 1.5 * quantum[y, x]
            total, weight = centre, 1.0
            for dy, dx in ((reach, 0), (0, reach)):
                if not (dy <= y < height - dy and dx <= x < width - dx):
                    continue
                # Only in pairs: one neighbour alone would pull a slope towards its end.
                before, after = shift[y - dy, x - dx], shift[y + dy, x + dx]
                if abs(before - centre) <= tolerance and abs(after - centre) <= tolerance:
                    total += before + after
                    weight += 2.0
            half = 0.5 * quantum[y, x]
            out[y, x] = min(max(total / weight, stored[y, x] - half), stored[y, x] + half)
    return out


def dequantise(shift: Floats, quantum: Floats) -> Floats:
    """Slopes instead of stairs; no value leaves the interval that its stored level stands for."""
    smooth = shift
    for reach in (8, 4, 2, 1, 8, 4, 2, 1):
        smooth = _dequantise_pass(smooth, shift, quantum, reach)
    return smooth
