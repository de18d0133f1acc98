"""Which other views see what a view sees, from a little beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from immichvr_scenes.cameras import View

F64 = npt.NDArray[np.float64]

_GRID = 6
_BEST_ANGLE = 7.0
"""Degrees between the rays to a point: enough to tell its distance, and little enough for it to look the same."""
_SPREAD = 1.0
"""In powers of e: an angle of a third or thrice the best one counts 0.6."""
_LEAST_SHARED = 0.35


def neighbours_of(views: Sequence[View], distances: Sequence[float], most: int) -> list[list[int]]:
    """For each view up to `most` others, the best first. distances: of what each view sees, in the median."""
    centres = np.array([view.centre for view in views])
    chosen = []
    for number, view in enumerate(views):
        depth = np.full((_GRID, _GRID), distances[number])
        points = view.unprojected(depth).reshape(-1, 3)
        scores = {
            other: _score(points, centres[number], views[other]) for other in range(len(views)) if other != number
        }
        best = sorted((other for other in scores if scores[other] > 0), key=lambda other: -scores[other])
        chosen.append(best[:most])
    return chosen


def _score(points: F64, centre: F64, other: View) -> float:
    """How much of these points the other view sees, and how well their distance can be told."""
    pixels, _ = other.projected(points)
    with np.errstate(invalid="ignore"):
        inside = ((pixels >= 0) & (pixels < [other.camera.width, other.camera.height])).all(axis=1)
    shared = float(inside.mean())
    if shared < _LEAST_SHARED:
        return 0.0
    angle = float(np.median(_angles(points[inside], centre, other.centre)))
    return shared * float(np.exp(-((np.log(max(angle, 1e-3) / _BEST_ANGLE) / (2 * _SPREAD)) ** 2)))


def _angles(points: F64, first: F64, second: F64) -> F64:
    a, b = points - first, points - second
    cosines = (a * b).sum(axis=1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-12)
    return np.asarray(np.degrees(np.arccos(np.clip(cosines, -1, 1))))
