"""What a photo shows, cell by cell: one surface each, with its parallax and its edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from immichvr_depth.compiled import Bytes, Floats, Mask
from immichvr_depth.depth_map import DepthMap
from immichvr_depth.errors import LiftError
from immichvr_depth.lift.background import Sheet, build_sheets
from immichvr_depth.lift.colours import unmix_colours
from immichvr_depth.lift.edges import STEP, around_steps, find_steps, snap
from immichvr_depth.lift.grid import WorkingGrid, resample_photo
from immichvr_depth.lift.inverse_depth import dequantise, quantum_of, resample_shift
from immichvr_depth.lift.surfels import shift_gradients

_QUANTA = 1.2  # steps of quantisation that are no step between surfaces


@dataclass(frozen=True)
class Surface:
    """The first layer on its grid, before it becomes Gaussians; magnified: cells for each pixel of the photo's side."""

    grid: WorkingGrid
    rgb: Bytes
    shift: Floats
    tolerance: Floats
    right: Mask
    down: Mask
    blends: Mask
    gradient: Floats
    colours: Floats
    coverage: Floats
    magnified: float


def check_view(rgb: Bytes, depth: DepthMap, focal_px: float) -> None:
    """Raises LiftError where a photo, its depth or its focal length cannot be right."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or min(rgb.shape) < 1:
        raise LiftError(f"the photo is {rgb.dtype} {rgb.shape}; (height, width, 3) uint8 is needed")
    if depth.depth.ndim != 2 or min(depth.depth.shape) < 1:
        raise LiftError(f"the depth map has shape {depth.depth.shape}; (height, width) is needed")
    photo_aspect = rgb.shape[1] / rgb.shape[0]
    map_aspect = depth.depth.shape[1] / depth.depth.shape[0]
    slack = 1.05 + 1.0 / min(depth.depth.shape)
    if not 1 / slack <= photo_aspect / map_aspect <= slack:
        raise LiftError(
            f"the photo is {rgb.shape[1]}×{rgb.shape[0]} and its depth map "
            f"{depth.depth.shape[1]}×{depth.depth.shape[0]}; they must show the same view"
        )
    if not (np.isfinite(focal_px) and focal_px > 0):
        raise LiftError(f"the focal length is {focal_px} pixels; a positive number is needed")


def first_layer(rgb: Bytes, clamped: Floats, grid: WorkingGrid) -> Surface:
    """The nearest surface in every cell, its edges on those of the photo.

    rgb: (h, w, 3) uint8. clamped: depth of the same view, any resolution, as `clamp_depth` leaves it.
    """
    stored = np.float32(grid.parallax) / clamped
    quantum = quantum_of(stored)
    tolerance = np.full((grid.height, grid.width), STEP, np.float32)
    if quantum is not None:
        steps = resample_shift(quantum, grid.height, grid.width, np.inf)
        tolerance += _QUANTA * steps
    shift = resample_shift(stored, grid.height, grid.width, STEP)
    if quantum is not None:
        shift = dequantise(shift, steps)
    photo = resample_photo(rgb, grid)
    shift, doubt = snap(shift, photo, tolerance, grid.width / clamped.shape[1])
    right, down = find_steps(shift, tolerance)
    blends = around_steps(right, down, doubt)
    colours, coverage = unmix_colours(photo, shift, tolerance, blends)
    gradient = shift_gradients(shift, right, down)
    magnified = grid.width / rgb.shape[1]
    return Surface(grid, photo, shift, tolerance, right, down, blends, gradient, colours, coverage, magnified)


def hidden_sheets(surface: Surface) -> tuple[Sheet, Sheet]:
    """What lies behind the edges of a surface: see `build_sheets`."""
    return build_sheets(surface.shift, surface.gradient, surface.colours, surface.blends, surface.right, surface.down)
