"""Whether frames were taken from different spots at all: what only turns shows no depth, and is one photo.

What two pictures from one spot show is related by a rotation, H = K₂ R K₁⁻¹, whatever is in them; what is left of the
matches after the best one, in pixels, is parallax. Source: Hartley and Zisserman, "Multiple View Geometry" (2004), 8.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from immichvr_scenes.poses.matching import Matched, Pair

F64 = npt.NDArray[np.float64]

Movement = Literal["moves", "turns", "stands"]

_PARALLAX = 0.0016
"""Share of the longer side that rotations leave, from which on it is parallax however far the camera turned."""
_OFF_PX, _BENT = 0.4, 0.008
"""Pixels that features are off by, and the share of what the pictures moved by that lenses bend, and that focal lengths
which are not quite right leave: what is more than both is parallax too. A hand that holds still hardly turns."""
_STANDS = 0.0008
"""Share of the longer side below which nothing has moved between any two pictures."""
_MOST_PAIRS = 60
_FOCALS = np.geomspace(0.6, 1.7, 15)
"""Of the focal length that is told, for cameras of which it is a guess."""
_ROUNDS = 5


@dataclass(frozen=True)
class Gate:
    """What was found. parallax, shift: of pairs that have most of it, as shares of the longer side.

    degrees: parallax as an angle.
    """

    movement: Movement
    parallax: float
    shift: float
    degrees: float = 0.0


def gate(matched: Matched) -> Gate:
    """Whether the camera moved, by the pairs that have most in common and those that are farthest apart."""
    pairs = _telling(matched.pairs)
    shift = max((_shift(pair, matched) for pair in pairs), default=0.0)
    if shift < _STANDS:
        return Gate("stands", 0.0, shift)
    scales = [1.0] if all(frame.focal_known for frame in matched.frames) else _FOCALS
    # One focal length for all: each pair alone would bend its own to explain parallax away.
    left = min((np.array([_residual(pair, matched, scale) for pair in pairs]) for scale in scales), key=np.median)
    # Two pictures may agree by mistake; a tenth of all pairs does not.
    parallax = float(np.percentile(left, 90))
    fields = [max(frame.width, frame.height) / frame.focal_px for frame in matched.frames]
    degrees = float(np.degrees(parallax * np.median(fields)))
    longest = float(np.median([max(frame.width, frame.height) for frame in matched.frames]))
    enough = min(_PARALLAX, _OFF_PX / longest + _BENT * shift)
    return Gate("moves" if parallax >= enough else "turns", parallax, shift, degrees)


def rotation_between(pair: Pair, matched: Matched, scale: float = 1.0) -> tuple[F64, F64]:
    """The best rotation from the first camera's axes to the second's, (3, 3), and what it leaves, (n,) pixels."""
    first, second = matched.frames[pair.first], matched.frames[pair.second]
    rays = _rays(pair.of_first, first.camera.matrix, scale)
    others = _rays(pair.of_second, second.camera.matrix, scale)
    weights = np.ones(len(rays))
    rotation, left = np.eye(3), np.zeros(len(rays))
    for _ in range(_ROUNDS):
        u, _, vt = np.linalg.svd((others * weights[:, None]).T @ rays)
        rotation = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
        turned = rays @ rotation.T
        left = np.linalg.norm(turned[:, :2] / turned[:, 2:] - others[:, :2] / others[:, 2:], axis=1)
        left *= second.focal_px * scale
        weights = 1 / np.maximum(left, 0.5)  # least absolute deviations
    return rotation, left


def _telling(pairs: Sequence[Pair]) -> list[Pair]:
    """Those farthest apart in the order, as they have most parallax, and of them those with most matches."""
    return sorted(pairs, key=lambda pair: -(pair.second - pair.first) * min(pair.count, 200))[:_MOST_PAIRS]


def _residual(pair: Pair, matched: Matched, scale: float) -> float:
    _, left = rotation_between(pair, matched, scale)
    frame = matched.frames[pair.second]
    return float(np.percentile(left, 75)) / max(frame.width, frame.height)


def _shift(pair: Pair, matched: Matched) -> float:
    frame, other = matched.frames[pair.second], matched.frames[pair.first]
    size, first = max(frame.width, frame.height), max(other.width, other.height)
    apart = pair.of_second / size - pair.of_first / first
    return float(np.median(np.linalg.norm(apart, axis=1)))


def _rays(points: F64, matrix: F64, scale: float) -> F64:
    local = (points - matrix[:2, 2]) / (matrix[[0, 1], [0, 1]] * scale)
    rays = np.concatenate([local, np.ones((len(local), 1))], axis=1)
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))
