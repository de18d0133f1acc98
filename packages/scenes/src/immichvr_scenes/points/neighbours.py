"""Which other views see what a view sees, from a little beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    if not views:
        return []
    others = _Others.of(views)
    chosen = []
    for number, view in enumerate(views):
        points = view.unprojected(np.full((_GRID, _GRID), distances[number])).reshape(-1, 3)
        scores = others.scores(points, others.centres[number])
        scores[number] = 0
        best = np.argsort(-scores, kind="stable")[:most]
        chosen.append([int(other) for other in best if scores[other] > 0])
    return chosen


@dataclass(frozen=True, eq=False)
class _Others:
    """All views at once. places: (V, 3, 4), world to camera. focal, principal, sizes: (V, 2). centres: (V, 3)."""

    places: F64
    focal: F64
    principal: F64
    sizes: F64
    centres: F64

    @classmethod
    def of(cls, views: Sequence[View]) -> _Others:
        cameras = [view.camera for view in views]
        return cls(
            np.stack([view.world_to_camera[:3] for view in views]),
            np.array([[camera.fx, camera.fy] for camera in cameras]),
            np.array([[camera.cx, camera.cy] for camera in cameras]),
            np.array([[camera.width, camera.height] for camera in cameras], np.float64),
            np.stack([view.centre for view in views]),
        )

    def scores(self, points: F64, centre: F64) -> F64:
        """How much of these points, (n, 3), each view sees, and how well their distance from `centre` is told: (V,)."""
        local = points @ self.places[:, :, :3].transpose(0, 2, 1) + self.places[:, None, :, 3]
        depth = local[..., 2]
        ahead = np.where(depth > 0, depth, np.nan)
        pixels = local[..., :2] / ahead[..., None] * self.focal[:, None] + self.principal[:, None]
        with np.errstate(invalid="ignore"):
            inside = np.asarray(((pixels >= 0) & (pixels < self.sizes[:, None])).all(axis=2))
        shared = inside.mean(axis=1)
        angle = _middle(np.where(inside, _angles(points - centre, points - self.centres[:, None]), np.inf), inside)
        away = np.log(np.maximum(angle, 1e-3) / _BEST_ANGLE) / (2 * _SPREAD)
        return np.where(shared >= _LEAST_SHARED, shared * np.exp(-np.square(away)), 0)


def _middle(values: F64, counted: npt.NDArray[np.bool_]) -> F64:
    """The median of each row's values that are counted; the others are infinite. 0 where none is."""
    rows, count = np.arange(len(values)), counted.sum(axis=1)
    ordered = np.sort(values, axis=1)
    middle = (ordered[rows, np.maximum(count - 1, 0) // 2] + ordered[rows, count // 2]) / 2
    return np.where(count > 0, middle, 0)


def _angles(a: F64, b: F64) -> F64:
    """Degrees between directions, (n, 3) and (V, n, 3)."""
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return np.asarray(np.degrees(np.arccos(np.clip((a * b).sum(axis=-1) / np.maximum(lengths, 1e-12), -1, 1))))
