"""Two pictures, which are no set for a mapper: their relative pose and what they see, with focal lengths as told.

Source: Nistér, "An efficient solution to the five-point relative pose problem" (2004), through pycolmap; points by the
midpoint of their rays.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pycolmap

from immichvr_scenes.cameras import View
from immichvr_scenes.poses.matching import LEAST_MATCHES, Matched, Pair
from immichvr_scenes.poses.result import SparsePoints

F64 = npt.NDArray[np.float64]

_OFF = 4.0
"""Pixels by which a point may be off."""


def by_two_views(matched: Matched, pair: Pair) -> tuple[list[View], SparsePoints] | None:
    """Two views and their points; None where they do not tell it."""
    first, second = matched.frames[pair.first], matched.frames[pair.second]
    cameras = [
        pycolmap.Camera(model="PINHOLE", width=one.width, height=one.height, params=_parameters(one.camera.matrix))
        for one in (first, second)
    ]
    ransac = pycolmap.RANSACOptions()
    ransac.random_seed, ransac.max_error = 0, _OFF
    found = pycolmap.estimate_relative_pose(cameras[0], pair.of_first, cameras[1], pair.of_second, ransac)
    if found is None:
        return None
    pose = np.eye(4)
    pose[:3] = found["cam2_from_cam1"].matrix()
    views = [View(first.name, first.camera, np.eye(4)), View(second.name, second.camera, pose)]
    xyz = _midpoints(views, pair)
    errors = np.max([np.linalg.norm(_shown(view, xyz) - pixels, axis=1) for view, pixels in _both(views, pair)], axis=0)
    with np.errstate(invalid="ignore"):
        good = np.flatnonzero(errors < _OFF)
    if len(good) < LEAST_MATCHES:
        return None
    seen = np.stack([np.tile(np.arange(len(good)), 2), np.repeat([0, 1], len(good))], axis=1)
    pixels = np.concatenate([pair.of_first[good], pair.of_second[good]])
    return views, SparsePoints(xyz[good], errors[good], seen, pixels)


def _parameters(matrix: F64) -> list[float]:
    return [float(matrix[0, 0]), float(matrix[1, 1]), float(matrix[0, 2]), float(matrix[1, 2])]


def _both(views: list[View], pair: Pair) -> list[tuple[View, F64]]:
    return [(views[0], pair.of_first), (views[1], pair.of_second)]


def _shown(view: View, points: F64) -> F64:
    return view.projected(points)[0]


def _midpoints(views: list[View], pair: Pair) -> F64:
    """Where the rays through matched pixels come nearest to each other, (n, 3)."""
    rays = []
    for view, pixels in _both(views, pair):
        camera = view.camera
        local = np.column_stack([(pixels - [camera.cx, camera.cy]) / [camera.fx, camera.fy], np.ones(len(pixels))])
        world = local @ view.rotation
        rays.append(world / np.linalg.norm(world, axis=1, keepdims=True))
    (a, b), step = rays, views[1].centre - views[0].centre
    together = (a * b).sum(axis=1)
    lower = np.maximum(1 - together**2, 1e-12)
    along_a = (a @ step - together * (b @ step)) / lower
    along_b = (together * (a @ step) - b @ step) / lower
    return np.asarray((views[0].centre + along_a[:, None] * a + views[1].centre + along_b[:, None] * b) / 2)
