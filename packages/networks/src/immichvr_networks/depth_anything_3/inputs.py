"""What goes into Depth Anything 3: photos resized as upstream's InputProcessor does, put on one canvas.

Source: depth_anything_3/utils/io/input_processor.py (0.1.1), method `upper_bound_resize`: the longer side becomes 504
pixels, then both sides the nearest multiple of 14; area averaging downwards, bicubic upwards; ImageNet statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_depth.depth_map import FloatImage
from immichvr_inference.network import View

from immichvr_networks.pictures import IMAGENET_MEAN, IMAGENET_STD

LONGER_SIDE = 504
"""Pixels of the longer side of the input; upstream's `process_res`."""
PATCH = 14
"""Pixels of one patch of the vision transformer."""
_MEAN, _STD = np.array(IMAGENET_MEAN, np.float32), np.array(IMAGENET_STD, np.float32)

Rgb = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Window:
    """Where on the canvas a photo lies: rows top to top + height, columns left to left + width."""

    top: int
    left: int
    height: int
    width: int

    def of(self, maps: Any) -> Any:
        """This part of an array or a tensor whose first two axes are the canvas'."""
        return maps[self.top : self.top + self.height, self.left : self.left + self.width]


@dataclass(frozen=True)
class Canvas:
    """Photos as the network gets them. pixels: (S, 3, H, W) float32, normalised; windows: of the S photos."""

    pixels: FloatImage
    windows: tuple[Window, ...]


def canvas_of(views: Sequence[View], effort: float) -> Canvas:
    """All photos on one canvas, each whole and in its own aspect ratio, in the middle of it.

    Upstream crops photos of different shapes to what they have in common, which cuts half of a portrait beside a
    landscape. Here the canvas is as high and as wide as the highest and the widest, and the rest of it is the
    statistics' mean, 0. In the middle, a photo keeps its optical axis in the centre of what the network sees.
    effort: share of the usual resolution.
    """
    photos = [resized(view.rgb, effort) for view in views]
    height, width = (max(photo.shape[axis] for photo in photos) for axis in (0, 1))
    pixels = np.zeros((len(photos), 3, height, width), np.float32)
    windows = []
    for photo, place in zip(photos, pixels, strict=True):
        high, wide = photo.shape[:2]
        window = Window((height - high) // 2, (width - wide) // 2, high, wide)
        normalised = (photo.astype(np.float32) / np.float32(255.0) - _MEAN) / _STD
        window.of(place.transpose(1, 2, 0))[...] = normalised
        windows.append(window)
    return Canvas(pixels, tuple(windows))


def resized(rgb: Rgb, effort: float = 1.0) -> Rgb:
    """The photo, (H, W, 3), at the size the network wants it; see `input_size`."""
    height, width = rgb.shape[:2]
    return _scaled(_scaled(rgb, *_bounded(height, width, effort)), *input_size(height, width, effort))


def input_size(height: int, width: int, effort: float = 1.0) -> tuple[int, int]:
    """(height, width) of the input for a photo of this size."""
    high, wide = _bounded(height, width, effort)
    return _patches(high) * PATCH, _patches(wide) * PATCH


def _bounded(height: int, width: int, effort: float) -> tuple[int, int]:
    scale = max(PATCH, round(LONGER_SIDE * effort)) / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _patches(pixels: int) -> int:
    return max(1, (2 * pixels + PATCH) // (2 * PATCH))


def _scaled(rgb: Rgb, height: int, width: int) -> Rgb:
    if rgb.shape[:2] == (height, width):
        return rgb
    up = height > rgb.shape[0] or width > rgb.shape[1]
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_CUBIC if up else cv2.INTER_AREA))
