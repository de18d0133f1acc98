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

PARALLAX = 0.0016
"""Share of the longer side that rotations leave, from which on it is parallax however far the camera turned."""
_OFF_PX, _BENT = 0.4, 0.008
"""Pixels that features are off by, and the share of what the pictures moved by that lenses bend, and that focal lengths
which are not quite right leave: what is more than both is parallax too, where it lies along the lines on which a moving
camera has it. A hand that holds still hardly turns."""
_ALONG = 1.3
"""How much more of what is left lies along those lines than across them; of mere noise, as much."""
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
    tried = [(np.array([_residual(pair, matched, one) for pair in pairs]), float(one)) for one in scales]
    left, scale = min(tried, key=lambda one: float(np.median(one[0])))
    # Two pictures may agree by mistake; a tenth of all pairs does not.
    parallax = float(np.percentile(left, 90))
    fields = [max(frame.width, frame.height) / frame.focal_px for frame in matched.frames]
    degrees = float(np.degrees(parallax * np.median(fields)))
    longest = float(np.median([max(frame.width, frame.height) for frame in matched.frames]))
    enough = _OFF_PX / longest + _BENT * shift
    moves = parallax >= PARALLAX or (parallax >= enough and _lies_along_lines(pairs, matched, scale))
    return Gate("moves" if moves else "turns", parallax, shift, degrees)


def _rotated(pair: Pair, matched: Matched, scale: float) -> tuple[F64, F64, float]:
    """What the best rotation between two frames leaves: where the second shows its matches, and how far beside that the
    turned first has them, (n, 2) each as shares of the focal length, and that in pixels."""
    first, second = matched.frames[pair.first], matched.frames[pair.second]
    rays = _rays(pair.of_first, first.camera.matrix, scale)
    others = _rays(pair.of_second, second.camera.matrix, scale)
    weights = np.ones(len(rays))
    there, focal = others[:, :2] / others[:, 2:], second.focal_px * scale
    beside = np.zeros_like(there)
    for _ in range(_ROUNDS):
        u, _, vt = np.linalg.svd((others * weights[:, None]).T @ rays)
        rotation = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
        turned = rays @ rotation.T
        beside = turned[:, :2] / turned[:, 2:] - there
        weights = 1 / np.maximum(focal * np.linalg.norm(beside, axis=1), 0.5)  # least absolute deviations
    return there, beside, focal


def _telling(pairs: Sequence[Pair]) -> list[Pair]:
    """Those farthest apart in the order, as they have most parallax, and of them those with most matches."""
    return sorted(pairs, key=lambda pair: -(pair.second - pair.first) * min(pair.count, 200))[:_MOST_PAIRS]


def _residual(pair: Pair, matched: Matched, scale: float) -> float:
    _, beside, focal = _rotated(pair, matched, scale)
    frame = matched.frames[pair.second]
    return focal * float(np.percentile(np.linalg.norm(beside, axis=1), 75)) / max(frame.width, frame.height)


def _lies_along_lines(pairs: Sequence[Pair], matched: Matched, scale: float) -> bool:
    """Whether what rotations leave lies, in most pairs, on lines through one point, as parallax does and noise not.

    Of a camera that moves by t the flow at x lies along t_xy - t_z x (Longuet-Higgins and Prazdny, 1980).
    """
    shares = []
    for pair in pairs:
        x, flow, _ = _rotated(pair, matched, scale)
        rows = np.stack([-flow[:, 1], flow[:, 0], flow[:, 1] * x[:, 0] - flow[:, 0] * x[:, 1]], axis=1)
        weights = np.ones(len(rows))
        for _ in range(_ROUNDS):
            moved = np.linalg.svd(rows * weights[:, None], full_matrices=False)[2][-1]
            lines = moved[:2] - moved[2] * x
            length = np.maximum(np.linalg.norm(lines, axis=1), 1e-9)
            across = np.abs(rows @ moved) / length
            weights = 1 / np.sqrt(np.maximum(across, 1e-4)) / length
        along = np.abs((flow * lines).sum(axis=1)) / length
        shares.append(np.percentile(along, 75) / max(float(np.percentile(across, 75)), 1e-9))
    return float(np.median(shares)) >= _ALONG


def _shift(pair: Pair, matched: Matched) -> float:
    frame, other = matched.frames[pair.second], matched.frames[pair.first]
    size, first = max(frame.width, frame.height), max(other.width, other.height)
    apart = pair.of_second / size - pair.of_first / first
    return float(np.median(np.linalg.norm(apart, axis=1)))


def _rays(points: F64, matrix: F64, scale: float) -> F64:
    local = (points - matrix[:2, 2]) / (matrix[[0, 1], [0, 1]] * scale)
    rays = np.concatenate([local, np.ones((len(local), 1))], axis=1)
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))
