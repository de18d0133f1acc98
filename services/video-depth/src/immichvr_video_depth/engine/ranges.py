"""Near and far of each frame: robust, knowing what comes, and slow to change.

A maximum would follow every particle before the lens. Here each frame gives two percentiles; over all frames that a
window knows, those ahead included, their medians are the target; near and far approach it slowly, and go evenly from
one window to the next.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from immichvr_video_depth.engine.frames import FloatImage, Share, disparity_of

_BEYOND = 0.01
"""The part of a frame that is left out at each end."""
_MARGIN = 0.05
"""Left free at both ends, as part of the range: what lies beyond the percentiles is not all cut off."""
_SAMPLES = 8_000
_WIDENING_S, _NARROWING_S = 1.0, 4.0
"""How long it takes to get most of the way to a target outside of the range, or inside of it."""
_LEAST = 1e-3
"""The least range, as part of the greater of its ends."""

Bounds = tuple[float, float]


class SlowRange:
    """The range over one shot. state: of an earlier one, to go on."""

    def __init__(self, state: Mapping[str, npt.NDArray[np.generic]] | None = None) -> None:
        self._node: tuple[float, float, float] | None = None
        if state is not None and "range" in state:
            time, low, high = (float(value) for value in state["range"].astype(np.float64))
            self._node = time, low, high

    def over(self, times: Sequence[float], seen: Sequence[Bounds]) -> list[Bounds]:
        """Low and high for the frames at these times, in seconds.

        seen: percentiles of these frames and then of those that come after them, as far as they are known.
        """
        if not times:
            return []
        low, high = (float(value) for value in np.median(np.array(seen, np.float64), axis=0))
        room = _MARGIN * (high - low)
        target = low - room, high + room
        before = self._node or (times[0], *target)
        passed = max(times[-1] - before[0], 0.0)
        low = _approached(before[1], target[0], passed, widens=target[0] < before[1])
        high = _approached(before[2], target[1], passed, widens=target[1] > before[2])
        self._node = times[-1], low, high
        along = [min(max((time - before[0]) / passed, 0.0), 1.0) if passed else 1.0 for time in times]
        return [_wide(before[1] + (low - before[1]) * part, before[2] + (high - before[2]) * part) for part in along]

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """What it takes to go on after these frames."""
        return {} if self._node is None else {"range": np.array(self._node, np.float64)}


def percentiles(shares: Sequence[Share], metric: bool) -> Bounds:
    """Between which values nearly all of a frame's disparity lies."""
    rows, columns = shares[0].raw.shape
    every = max(1, math.isqrt(rows * columns // _SAMPLES))
    thinned = [
        Share(_every(share.raw, every), share.scale, share.shift, share.weight, share.clamped) for share in shares
    ]
    height, width = thinned[0].raw.shape
    values = disparity_of(thinned, metric, width, height).ravel()
    low, high = round(_BEYOND * (values.size - 1)), round((1 - _BEYOND) * (values.size - 1))
    ordered = np.partition(values, (low, high))
    return float(ordered[low]), float(ordered[high])


def _every(raw: FloatImage, step: int) -> FloatImage:
    return np.ascontiguousarray(raw[step // 2 :: step, step // 2 :: step])


def _approached(value: float, target: float, passed_s: float, *, widens: bool) -> float:
    return target + (value - target) * math.exp(-passed_s / (_WIDENING_S if widens else _NARROWING_S))


def _wide(low: float, high: float) -> Bounds:
    """A range that can be divided by."""
    lacking = max(_LEAST * max(abs(low), abs(high)), 1e-6) - (high - low)
    return (low, high) if lacking <= 0 else (low - lacking / 2, high + lacking / 2)
