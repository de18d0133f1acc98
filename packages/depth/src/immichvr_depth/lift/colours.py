"""Colours of Gaussians: not the photo's, but those that make the photo when rendered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from immichvr_splats import Camera, GaussianCloud
from immichvr_splats.rendering import fit_colors

from immichvr_depth.compiled import Bytes, Floats, Mask, kernel
from immichvr_depth.lift.grid import WorkingGrid, resample_photo

_REACH = 4
_FAR_DETAIL = 0.4
_SAME = 1.5  # tolerances between two cells of one surface
_ALIKE = 300.0  # square distance of colours (10 levels in each channel) too small to tell a blend by
_ROUNDS = 3
_FREEDOM_AT_STEPS = np.float32(0.5)  # and behind: more would take the other side's colour along to the side
_PIXELS = 1.4  # of a cell's side, in the picture that colours are fitted to: about what screens show them at
_FEWEST_PIXELS, _MOST_PIXELS = 1.15, 1.8  # with which the photo itself is that picture


@kernel
def unmix_colours(rgb: Bytes, shift: Floats, tolerance: Floats, blends: Mask) -> tuple[Floats, Floats]:
    """Colours of cells at a step without the other side's share, and how much each surface covers of its cell.

    rgb: (h, w, 3). shift, tolerance: (h, w) cells. blends: (h, w), cells near a step. Returns (h, w, 3) float32 in
    0…255 and (h, w) float32 in 0…1: 1 away from steps and on the far side. The blend C = a·F + (1 − a)·B is
    resolved with F and B the mean colours of the pure cells on either side.
    """
    height, width = shift.shape
    colours = rgb.astype(np.float32)
    coverage = np.ones((height, width), np.float32)
    reach = _REACH
    for y in range(height):
        for x in range(width):
            if not blends[y, x]:
                continue
            here = shift[y, x]
            same, other = np.zeros(3), np.zeros(3)
            same_weight, other_weight, other_shift = 0.0, 0.0, 0.0
            for ny in range(max(0, y - reach), min(height, y + reach + 1)):
                for nx in range(max(0, x - reach), min(width, x + reach + 1)):
                    if blends[ny, nx]:
                        continue
                    w = 1.0 / ((ny - y) ** 2 + (nx - x) ** 2)
                    if abs(shift[ny, nx] - here) <= _SAME * tolerance[y, x]:
                        same_weight += w
                        for channel in range(3):
                            same[channel] += w * rgb[ny, nx, channel]
                    else:
                        other_weight += w
                        other_shift += w * shift[ny, nx]
                        for channel in range(3):
                            other[channel] += w * rgb[ny, nx, channel]
            if same_weight == 0.0 or other_weight == 0.0:
                continue
            along, length = 0.0, 0.0
            for channel in range(3):
                same[channel] /= same_weight
                other[channel] /= other_weight
                axis = same[channel] - other[channel]
                along += (rgb[y, x, channel] - other[channel]) * axis
                length += axis * axis
            if length < _ALIKE:
                continue
            share = min(max(along / length, 0.0), 1.0)
            far_side = here < other_shift / other_weight
            detail = _FAR_DETAIL if far_side else 1.0
            for channel in range(3):
                corrected = rgb[y, x, channel] + (1.0 - share) * (same[channel] - other[channel])
                corrected = same[channel] + detail * (corrected - same[channel])
                colours[y, x, channel] = min(max(corrected, 0.0), 255.0)
            if not far_side:
                coverage[y, x] = share
    return colours, coverage


def fit_to_photo(cloud: GaussianCloud, rgb: Bytes, grid: WorkingGrid, blends: Mask) -> Floats:
    """Constant harmonics, (N, 3), with which a cloud looks like the photo it was lifted from.

    Nearer neighbours cover farther ones, which moves the picture by a part of a cell and blurs it, and a little
    shines through between them. cloud: with the photo's colours. rgb: (h, w, 3) uint8. grid: that of the lift.
    blends: (h, w) of the grid, cells near a step, which come first in the cloud.
    """
    size = _fitting_size(rgb.shape[1], rgb.shape[0], grid)
    focal = (grid.fx * size[0] / grid.width, grid.fy * size[1] / grid.height)
    fine = replace(grid, width=size[0], height=size[1], fx=focal[0], fy=focal[1], cx=size[0] / 2, cy=size[1] / 2)
    camera = Camera(fine.fx, fine.fy, fine.cx, fine.cy, fine.width, fine.height)
    freedom = np.full(cloud.count, _FREEDOM_AT_STEPS, np.float32)
    freedom[: blends.size][~blends.ravel()] = 1
    return fit_colors(cloud, camera, resample_photo(rgb, fine), freedom, _ROUNDS)


def _fitting_size(width: int, height: int, grid: WorkingGrid) -> tuple[int, int]:
    """Of the picture that colours are fitted to, for a photo of width × height pixels."""
    if _FEWEST_PIXELS <= width / grid.width <= _MOST_PIXELS:
        return width, height  # a size near it would be a blurred photo
    return round(_PIXELS * grid.width), round(_PIXELS * grid.height)
