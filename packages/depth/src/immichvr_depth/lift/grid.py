"""The working grid: one cell per Gaussian of the first layer, and its parallax in cells."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from immichvr_depth.compiled import Bytes

# The sidestep that everything is designed for, as a part of the median depth. Twice of what the viewer's
# idle motion uses, so that a curious visitor sees no end of the second layer.
REFERENCE_SIDESTEP = 0.1
MOST_MAGNIFIED = 3.0
"""Cells for each pixel of a small photo's side: with fewer, one sees the Gaussians where it fills a screen."""


@dataclass(frozen=True)
class WorkingGrid:
    """A pinhole camera at the resolution of the lift.

    width, height: cells. fx, fy, cx, cy: intrinsics in cells; the centre of cell (0, 0) lies at (0.5, 0.5).
    parallax: shift of a point of inverse depth 1 in cells when the camera makes the reference sidestep.
        `shift = parallax / depth` is the unit in which depth is compared everywhere in this package: a
        difference of one shift is a gap of one cell.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    parallax: float


def grid_size(width: int, height: int, cells: float, magnified: float = 1.0) -> tuple[int, int]:
    """The largest (width, height) of the photo's aspect with at most `cells` cells, `magnified` to a pixel's side."""
    scale = min(magnified, math.sqrt(cells / (width * height)))
    grid_height = max(1, math.floor(height * scale))
    grid_width = max(1, min(math.floor(width * scale), math.floor(cells / grid_height)))
    return grid_width, min(grid_height, max(1, math.floor(cells / grid_width)))


def make_grid(size: tuple[int, int], photo_size: tuple[int, int], focal_px: float, median_depth: float) -> WorkingGrid:
    """The grid of `size` for a photo of `photo_size` (both width, height) with `focal_px` in its pixels."""
    width, height = size
    fx = focal_px * width / photo_size[0]
    fy = focal_px * height / photo_size[1]
    parallax = REFERENCE_SIDESTEP * median_depth * fx
    return WorkingGrid(width, height, fx, fy, width / 2, height / 2, parallax)


def resample_photo(rgb: Bytes, grid: WorkingGrid) -> Bytes:
    """The photo's mean colour in every cell, or a smooth one where there are more cells than pixels.

    Returns (height, width, 3) uint8.
    """
    if rgb.shape[:2] == (grid.height, grid.width):
        return np.ascontiguousarray(rgb)
    way = cv2.INTER_CUBIC if grid.width > rgb.shape[1] or grid.height > rgb.shape[0] else cv2.INTER_AREA
    return np.asarray(cv2.resize(rgb, (grid.width, grid.height), interpolation=way), np.uint8)
