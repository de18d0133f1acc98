"""Fewer points, evenly: those that share a voxel become their mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]

_LARGER = 1.3
_MOST_CELLS = 1 << 20
"""Along an axis; three of them fit into 63 bits."""


def thinned(xyz: F32, rgb: U8, normals: F32, weights: F32, voxel: float, most: int) -> tuple[F32, U8, F32, F32]:
    """At most `most` points: means of all that share a voxel of this size, or of a larger one if they are too many.

    weights: (n,), of the means; of those of a voxel the largest is kept.
    """
    size = voxel
    if size <= 0 and len(xyz) > most:
        size = _first_size(xyz, most)
    while size > 0:
        made = _means(xyz, rgb, normals, weights, size)
        if len(made[0]) <= most:
            return made
        size *= _LARGER
    return xyz, rgb, normals, weights


def _first_size(xyz: F32, most: int) -> float:
    """That of a surface's share: points lie on walls, not all through a room."""
    low, high = np.percentile(xyz, (2, 98), axis=0)
    sides = np.sort(high - low)
    area = 2 * (sides[2] * sides[1] + sides[2] * sides[0] + sides[1] * sides[0])
    return float(np.sqrt(max(area, 1e-12) / most) / 2)


def _means(xyz: F32, rgb: U8, normals: F32, weights: F32, size: float) -> tuple[F32, U8, F32, F32]:
    cells = np.floor((xyz - xyz.min(axis=0)) / size).astype(np.int64).clip(0, _MOST_CELLS - 1)
    keys = (cells[:, 0] * _MOST_CELLS + cells[:, 1]) * _MOST_CELLS + cells[:, 2]
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(keys[order]) > 0])
    share = (weights[order].astype(np.float64) + 1e-6)[:, None]
    total = np.add.reduceat(share, starts, axis=0)

    def mean(values: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
        return np.asarray(np.add.reduceat(values[order].astype(np.float64) * share, starts, axis=0) / total)

    towards = mean(normals)
    towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-12)
    return (
        mean(xyz).astype(np.float32),
        np.rint(mean(rgb)).astype(np.uint8),
        towards.astype(np.float32),
        np.maximum.reduceat(weights[order], starts),
    )
