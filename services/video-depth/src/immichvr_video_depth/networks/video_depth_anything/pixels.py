"""Frames as the network takes them."""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from immichvr_video_depth.networks.video_depth_anything.shapes import PATCH

SHORTER_SIDE = 518
"""Pixels of the input's shorter side; the network was trained at 518 × 518."""
_WIDEST = 1.78
"""Aspect ratio from which on the shorter side yields, so that the longer one does not grow further."""
_WIDE = 1.777
_MEAN = 255 * np.array((0.485, 0.456, 0.406), np.float32)
_STD = 255 * np.array((0.229, 0.224, 0.225), np.float32)
"""ImageNet's, in steps of 8 bits."""


def network_size(height: int, width: int, shorter: int = SHORTER_SIDE) -> tuple[int, int]:
    """(height, width) of the input for frames of this size: multiples of 14 near the frames' aspect ratio."""
    ratio = max(height, width) / min(height, width)
    if ratio > _WIDEST:
        shorter = max(1, round(int(shorter * _WIDE / ratio) / PATCH)) * PATCH
    scale = max(shorter / height, shorter / width)
    return _side(scale * height, shorter), _side(scale * width, shorter)


def _side(wanted: float, least: int) -> int:
    nearest = round(wanted / PATCH) * PATCH
    return nearest if nearest >= least else math.ceil(wanted / PATCH) * PATCH


def prepared(frames: Iterable[npt.NDArray[np.uint8]], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Frames (h, w, 3) uint8, sRGB, as an input (1, T, 3, H, W) float32 of `size`, normalised.

    Cubic and without antialiasing, as the network was trained; the values of sharp edges may leave the usual range.
    """
    return np.stack([normalised(frame, size) for frame in frames])[None]


def smaller(prepared: npt.NDArray[np.float32], shorter: int) -> npt.NDArray[np.float32]:
    """A frame (3, H, W) that was prepared, as an input whose shorter side has about so many pixels."""
    _, rows, columns = prepared.shape
    height, width = network_size(rows, columns, shorter)
    planes = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_CUBIC) for plane in prepared]
    return np.stack(planes).astype(np.float32, copy=False)


def normalised(frame: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """One frame of `prepared`: (3, H, W)."""
    pixels = frame.astype(np.float32)
    if frame.shape[:2] != size:
        pixels = np.asarray(cv2.resize(pixels, (size[1], size[0]), interpolation=cv2.INTER_CUBIC), np.float32)
    pixels -= _MEAN
    pixels /= _STD
    return pixels.transpose(2, 0, 1)
