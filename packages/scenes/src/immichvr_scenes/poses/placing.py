"""The world of a place: upright, at its middle, of a size that can be walked in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from immichvr_scenes.cameras import View
from immichvr_scenes.poses.result import SparsePoints

F64 = npt.NDArray[np.float64]

USUAL_DISTANCE = 3.0
"""From a camera to what it sees, where nothing tells metres."""


def placed(
    views: Sequence[View], points: SparsePoints, *, scale: float | None = None
) -> tuple[tuple[View, ...], SparsePoints]:
    """Views and points in a world whose y is what is down in most pictures, with the cameras' middle as its origin.

    The z axis is where the first view looks, along the ground. scale: of the old unit; None: what is seen is
    USUAL_DISTANCE away, in the median.
    """
    turn = _upright(views)
    middle = np.mean([view.centre for view in views], axis=0)
    size = scale if scale is not None else _size(views, points)
    moved = [moved_view(view, turn, middle, size) for view in views]
    return tuple(moved), replace(points, xyz=(points.xyz - middle) @ turn.T * size)


def moved_view(view: View, turn: F64, origin: F64, scale: float) -> View:
    """The view after its world was moved: x → scale · turn (x - origin)."""
    return View.turned(view.name, view.camera, scale * turn @ (view.centre - origin), view.rotation @ turn.T)


def _upright(views: Sequence[View]) -> F64:
    """Old world to new, (3, 3)."""
    down = np.mean([view.rotation[1] for view in views], axis=0)
    if np.linalg.norm(down) < 0.3:  # the pictures do not agree on it
        down = views[0].rotation[1]
    down /= np.linalg.norm(down)
    ahead = views[0].rotation[2] - (views[0].rotation[2] @ down) * down
    if np.linalg.norm(ahead) < 1e-3:
        ahead = np.cross(views[0].rotation[0], down)
    ahead /= np.linalg.norm(ahead)
    return np.stack([np.cross(down, ahead), down, ahead])


def _size(views: Sequence[View], points: SparsePoints) -> float:
    if not points.count:
        return 1.0
    centres = np.array([view.centre for view in views])
    away = np.linalg.norm(points.xyz[points.seen[:, 0]] - centres[points.seen[:, 1]], axis=1)
    return USUAL_DISTANCE / max(float(np.median(away)), 1e-9)
