"""The scene's layout: a ground that recedes to a horizon, and things that stand on it."""

from __future__ import annotations

import numpy as np

from immichvr_depth.depth_map import FloatImage, resized
from immichvr_depth.heuristic.cues import ramp

BACKDROP_OUTDOORS, BACKDROP_INDOORS = 0.12, 0.26
"""Disparity (1 is nearest) of what stands where the ground ends: trees and buildings, or a wall."""


def horizon(rgb: FloatImage, sky: FloatImage) -> float:
    """Row of the horizon as a fraction of the height.

    The lower end of the sky where there is one; else the strongest level change of brightness near the middle.
    """
    height = rgb.shape[0]
    columns = sky.max(axis=0) > 0.5
    if columns.mean() > 0.25:
        below = height - np.argmax(sky[::-1, columns] > 0.5, axis=0)
        return float(np.clip(np.percentile(below, 70) / height, 0.15, 0.75))
    rows = resized(np.ascontiguousarray(rgb.mean(axis=2)), 1, min(height, 48))[:, 0]
    if rows.size < 8:
        return 0.45
    change = np.abs(np.convolve(rows, [1, 1, 0, -1, -1], mode="same"))
    position = (np.arange(rows.size) + 0.5) / rows.size
    score = (change + 0.05) * np.exp(-(((position - 0.45) / 0.12) ** 2) / 2)
    score[:3] = score[-3:] = 0.0
    return float(position[int(np.argmax(score))])


def ground(height: int, width: int, horizon_at: float, backdrop: float) -> FloatImage:
    """Disparity of an upright backdrop above a level ground plane: linear in the rows below the horizon."""
    position = (np.arange(height, dtype=np.float32) + 0.5) / height
    slope = np.clip((position - horizon_at) / max(1.0 - horizon_at, 1e-3), 0.0, 1.0)
    return np.repeat((backdrop + (1.0 - backdrop) * slope)[:, None], width, axis=1).astype(np.float32)


def stand_up(plane: FloatImage, standing: FloatImage) -> FloatImage:
    """Give what stands on the ground the disparity of its foot: carried upwards, then sideways.

    plane: (h, w) disparity of the bare ground; standing: (h, w), 1 where a pixel belongs to an upright thing.
    """
    height, width = plane.shape
    open_air = 1.0 - ramp(standing, 0.2, 0.8)
    upright = plane.copy()
    _carry(upright, open_air * np.float32(6.0 / height), range(height - 2, -1, -1), 1)
    sideways, fall = upright.T, np.float32(0.5 / width) + open_air.T * np.float32(16.0 / width)
    _carry(sideways, fall, range(1, width), -1)
    _carry(sideways, fall, range(width - 2, -1, -1), 1)
    return upright


def _carry(disparity: FloatImage, fall: FloatImage, rows: range, step: int) -> None:
    """Raise each row to its neighbour's level less the fall on the way, in place."""
    for row in rows:
        disparity[row] = np.maximum(disparity[row], disparity[row + step] - fall[row])
