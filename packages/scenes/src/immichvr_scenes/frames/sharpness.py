"""How sharp a picture is, whatever it shows.

Source: Crété, Dolmiere, Ladret, Nicolas, "The blur effect: perception and estimation with a new no-reference perceptual
blur metric" (2007): what is blurred already changes little when it is blurred again.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

_ACROSS = 512
"""Pixels of the longer side at which a picture is looked at."""
_WINDOW = 9
_LEAST_CHANGE = 0.35
"""Mean difference of neighbours, of 255, below which there is nothing but noise and compression."""


def blur(rgb: npt.NDArray[np.uint8]) -> float:
    """0 sharp to 1 blurred, along the axis along which it is worse; infinite where there is no edge that could be.

    rgb: (h, w, 3) or (h, w).
    """
    grey = grey_of(rgb, _ACROSS).astype(np.float32)
    if min(grey.shape) <= _WINDOW:
        return math.inf
    return max(_blur_along(grey, 0), _blur_along(grey, 1))


def grey_of(rgb: npt.NDArray[np.uint8], longest_side: int) -> npt.NDArray[np.uint8]:
    """Grey, (h, w) uint8, with at most so many pixels along the longer side."""
    scale = min(1.0, longest_side / max(rgb.shape[:2]))
    size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if scale < 1 else rgb
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY) if small.ndim == 3 else small)


def _blur_along(grey: npt.NDArray[np.float32], axis: int) -> float:
    size = (1, _WINDOW) if axis == 0 else (_WINDOW, 1)
    again = cv2.blur(grey, size)
    before = np.abs(np.diff(grey, axis=axis))
    if float(before.mean()) < _LEAST_CHANGE:
        return math.inf
    lost = np.maximum(0, before - np.abs(np.diff(again, axis=axis)))
    return float(1 - lost.sum() / before.sum())


def sharpness(blurred: float) -> float:
    """1 sharp to 0, of what `blur` said."""
    return 1 - min(1.0, blurred)
