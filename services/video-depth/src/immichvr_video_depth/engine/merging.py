"""Two maps of neighbouring windows as one where that makes no difference, once for all that is drawn of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from immichvr_depth.compiled import Floats, kernel

from immichvr_video_depth.engine.frames import Share


def merged(shares: Sequence[Share]) -> tuple[Share, ...]:
    """The same depth in one share where neither is clamped anywhere, so that all of it is linear; else the shares."""
    if len(shares) != 2 or shares[0].raw.shape != shares[1].raw.shape:
        return tuple(shares)
    numbers = [(one.scale, one.shift, one.weight, 0 if one.clamped else -np.inf) for one in shares]
    made = np.empty_like(shares[0].raw)
    if not _mix(shares[0].raw, shares[1].raw, np.array(numbers, np.float32), made):
        return tuple(shares)
    return (Share(made, clamped=False),)


@kernel
def _mix(one: Floats, other: Floats, numbers: npt.NDArray[np.float32], made: Floats) -> bool:
    """Fills `made`; whether nothing was below what nothing is less than."""
    scale, shift, weight, floor = numbers[0]
    other_scale, other_shift, other_weight, other_floor = numbers[1]
    rows, columns = made.shape
    for row in range(rows):
        below = 0
        for column in range(columns):
            first = one[row, column] * scale + shift
            second = other[row, column] * other_scale + other_shift
            below += (first < floor) + (second < other_floor)
            made[row, column] = first * weight + second * other_weight
        if below:
            return False
    return True
