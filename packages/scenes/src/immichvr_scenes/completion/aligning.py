"""Depth of a network, brought to the scale of the scene by what is known around the holes."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_RING = 16
"""Pixels around a hole that count in full; those farther away count a tenth."""
_ROUNDS = 10
_LEAST = 50
"""Known pixels without which there is nothing to fit to."""


def aligned(estimate: F32, known: F32, missing: Mask) -> F32 | None:
    """The estimate, (h, w) > 0, with the scale and shift of disparity by which it fits what is known best.

    known: depth, (h, w), of the pixels that are not missing. Robust: weights fall with the residual (Geman-McClure).
    None where too little is known, or what fits is no depth (the estimate turned round).
    """
    use = ~missing & np.isfinite(known) & (known > 0) & np.isfinite(estimate) & (estimate > 0)
    if np.count_nonzero(use) < _LEAST:
        return None
    there, here = 1 / estimate[use].astype(np.float64), 1 / known[use].astype(np.float64)
    near = cv2.distanceTransform((~missing).astype(np.uint8), cv2.DIST_L2, 5)[use] <= _RING
    base = np.where(near, 1.0, 0.1)
    weights = base
    scale, shift = 1.0, 0.0
    for _ in range(_ROUNDS):
        total = weights.sum()
        mean_there, mean_here = (weights * there).sum() / total, (weights * here).sum() / total
        spread = (weights * (there - mean_there) ** 2).sum()
        scale = (weights * (there - mean_there) * (here - mean_here)).sum() / spread if spread > 1e-12 else 0.0
        if scale <= 0:  # flat: only its level can be told
            scale = mean_here / mean_there
        shift = mean_here - scale * mean_there
        residuals = np.abs(scale * there + shift - here)
        usual = 1.4826 * float(np.median(residuals)) + 1e-9
        weights = base / (1 + (residuals / (3 * usual)) ** 2) ** 2
    fitted = scale / estimate + shift
    if scale <= 0 or np.mean(fitted[missing] > 0) < 0.9:
        return None
    floor = 0.25 * here.min()
    return np.asarray(1 / np.maximum(fitted, floor), np.float32)


def blended(estimate: F32, carried: F32, missing: Mask) -> F32:
    """An aligned estimate inside the hole that meets at its rim what was carried on: no step where they join."""
    inside = cv2.distanceTransform(missing.astype(np.uint8), cv2.DIST_L2, 5)
    share = np.clip(inside / 8, 0, 1)
    disparity = share / estimate + (1 - share) / carried
    return np.where(missing, 1 / disparity, carried).astype(np.float32)
