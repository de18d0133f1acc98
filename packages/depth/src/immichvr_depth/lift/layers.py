"""A photo as two layers of pictures, for a camera that moves a little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from immichvr_depth.compiled import Bytes, Floats, Mask
from immichvr_depth.depth_map import DepthMap
from immichvr_depth.lift.background import background_images
from immichvr_depth.lift.grid import make_grid
from immichvr_depth.lift.inverse_depth import clamp_depth
from immichvr_depth.lift.surface import check_view, first_layer, hidden_sheets


@dataclass(frozen=True)
class Layers:
    """A photo and what is behind the rims of its foreground, pixel by pixel.

    rgb, background_rgb: (h, w, 3) uint8. pure_rgb: (h, w, 3) uint8, the photo with every pixel at a step in the
    colour of its own surface alone. shift, background_shift: (h, w) float32, by how many pixels a point moves
    when the camera makes the reference sidestep (grid.py): in proportion to 1/depth. right, down: (h, w), a step
    between a pixel and its right, and its lower, neighbour. focal_px: of the camera, in these pixels.
    parallax: the shift of a point at depth 1.
    """

    rgb: Bytes
    pure_rgb: Bytes
    shift: Floats
    right: Mask
    down: Mask
    background_rgb: Bytes
    background_shift: Floats
    focal_px: float
    parallax: float


def split_layers(rgb: Bytes, depth: DepthMap, focal_px: float) -> Layers:
    """Split a photo at its own resolution; what the reference sidestep reveals is in the background.

    rgb: (h, w, 3) uint8, sRGB, upright. depth: of the same view, any resolution. focal_px: in pixels of `rgb`.
    Raises LiftError where one of them cannot be right.
    """
    check_view(rgb, depth, focal_px)
    clamped, median = clamp_depth(depth.depth)
    size = (rgb.shape[1], rgb.shape[0])
    grid = make_grid(size, size, focal_px, median)
    surface = first_layer(rgb, clamped, grid)
    pure = np.rint(surface.colours).astype(np.uint8)
    background_rgb, background_shift = background_images(hidden_sheets(surface)[:1], surface.shift, pure)
    return Layers(
        rgb=surface.rgb,
        pure_rgb=pure,
        shift=surface.shift,
        right=surface.right,
        down=surface.down,
        background_rgb=background_rgb,
        background_shift=background_shift,
        focal_px=focal_px,
        parallax=grid.parallax,
    )
