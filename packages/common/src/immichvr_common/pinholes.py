"""What makes a pinhole camera one that cannot be, told by plain arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence

_MOST_PIXELS = 2**32 - 1
_MATRIX = 16
_SKEW = 0.01
"""Of its size squared, how far a matrix may be from a rotation of one size along all axes."""


def camera_fault(
    fx: float, fy: float, cx: float, cy: float, width: int, height: int, extrinsic: Sequence[float] = ()
) -> str:
    """Why there can be no such camera, empty for one that can be.

    extrinsic: world to camera, 4 × 4, row by row, a rotation of one size along all axes; empty where the camera is
    where the axes begin.
    """
    if not all(map(math.isfinite, (fx, fy, cx, cy))) or fx <= 0 or fy <= 0:
        return f"a camera wants a positive focal length and a middle, has fx={fx} fy={fy} cx={cx} cy={cy}"
    if not (1 <= width <= _MOST_PIXELS and 1 <= height <= _MOST_PIXELS):
        return f"a camera wants a size of 1 to {_MOST_PIXELS} pixels, has {width} x {height}"
    if extrinsic and len(extrinsic) != _MATRIX:
        return f"a camera's extrinsic has {_MATRIX} values or none, not {len(extrinsic)}"
    if not all(map(math.isfinite, extrinsic)) or (extrinsic and not _is_turn(extrinsic)):
        return "a camera's extrinsic is no rotation"
    return ""


def _is_turn(extrinsic: Sequence[float]) -> bool:
    rows = [extrinsic[at : at + 3] for at in (0, 4, 8)]
    size = math.hypot(*rows[0])
    if not 0 < size < math.inf:
        return False
    a, b, c = ([one / size for one in row] for row in rows)
    lengths = (math.hypot(*b), math.hypot(*c))
    angles = (_dot(a, b), _dot(a, c), _dot(b, c))
    across = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return (
        all(abs(one - 1) < _SKEW for one in lengths) and all(abs(one) < _SKEW for one in angles) and _dot(across, c) > 0
    )


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
