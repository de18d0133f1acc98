"""Depth made into something to look at within milliseconds: one Gaussian or point for each cell of a grid."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from immichvr_depth import FloatImage, unproject
from immichvr_depth.compiled import Bytes, Floats
from immichvr_depth.lift.edges import STEP, find_steps
from immichvr_depth.lift.grid import WorkingGrid, grid_size, make_grid, resample_photo
from immichvr_depth.lift.inverse_depth import clamp_depth, range_of, resample_shift
from immichvr_depth.lift.lifting import OPACITY, SIGMA
from immichvr_depth.lift.surfels import place_surfels, shift_gradients
from immichvr_splats import SH_C0, Camera
from immichvr_splats.color import dc_coefficients

from immichvr_ai.live.frames import Picture
from immichvr_ai.live.gaussians import Gaussians


@dataclass(frozen=True, eq=False)
class Disparity:
    """8-bit disparity (h, w): 255 at `near`, 0 at `far`, linear in inverse depth between."""

    values: Bytes
    near: float
    far: float


def gaussians_of(picture: Picture, depth: FloatImage, budget: int) -> Gaussians:
    """At most `budget` Gaussians that lie in the surface, one layer; depth: (h, w) of the same view, larger is farther.

    The quick half of lifting: no second layer behind edges, no colours unmixed at them. Raises LiftError where no
    depth is finite and positive.
    """
    grid, shift = _shift(picture, depth, budget)
    right, down = find_steps(shift, np.full_like(shift, STEP))
    gradient = shift_gradients(shift, right, down)
    count = shift.size
    surfels = place_surfels(
        _cells(grid), shift.ravel(), gradient.reshape(-1, 2), grid, np.full(count, SIGMA, np.float32)
    )
    return Gaussians(
        means=surfels.means,
        scales=np.exp(surfels.log_scales),
        quaternions=surfels.quaternions,
        colours=dc_coefficients(resample_photo(picture.rgb, grid).reshape(-1, 3)),
        opacities=np.full(count, OPACITY, np.float32),
    )


def points_of(picture: Picture, depth: FloatImage, budget: int) -> tuple[Floats, Bytes]:
    """At most `budget` points (n, 3) with colours (n, 3); errors as `gaussians_of`."""
    grid, shift = _shift(picture, depth, budget)
    camera = Camera(grid.fx, grid.fy, grid.cx, grid.cy, grid.width, grid.height)
    means = unproject(np.float32(grid.parallax) / shift, camera).reshape(-1, 3)
    return means, resample_photo(picture.rgb, grid).reshape(-1, 3)


def disparity_of(picture: Picture, depth: FloatImage) -> Disparity:
    """Disparity at the picture's size, or the depth's where that is smaller; errors as `gaussians_of`."""
    clamped, _ = clamp_depth(depth)
    near, far = (1 / end for end in range_of(clamped))
    inverse = np.minimum(np.float32(1) / clamped, np.float32(near))
    span = max(near - far, near * 1e-6)
    values = np.rint((inverse - far) * (255 / span)).astype(np.uint8)
    height, width = picture.rgb.shape[:2]
    if values.shape[0] > height:
        values = np.asarray(cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return Disparity(values, 1 / near, 1 / (near - span))


def points_of_gaussians(gaussians: Gaussians) -> tuple[Floats, Bytes]:
    """The middles of Gaussians as points."""
    colours = np.clip(np.nan_to_num(0.5 + SH_C0 * gaussians.colours) * 255 + 0.5, 0, 255)
    return gaussians.means, colours.astype(np.uint8)


def _shift(picture: Picture, depth: FloatImage, budget: int) -> tuple[WorkingGrid, Floats]:
    clamped, median = clamp_depth(depth)
    size = (picture.rgb.shape[1], picture.rgb.shape[0])
    grid = make_grid(grid_size(*size, budget), size, picture.focal_px, median)
    return grid, resample_shift(np.float32(grid.parallax) / clamped, grid.height, grid.width, STEP)


def _cells(grid: WorkingGrid) -> Floats:
    rows, columns = np.indices((grid.height, grid.width), np.float32)
    return np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=-1, dtype=np.float32)
