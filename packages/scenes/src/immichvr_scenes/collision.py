"""A scene's walls and things as voxels that one cannot walk through, in bounded memory.

File layout of `write_voxels`, little endian, for the viewer: magic "IVRV", uint32 version 1, float32 origin x, y, z
(the lower corner of voxel 0, in the cloud's world), float32 size of a voxel, uint32 nx, ny, nz, then from byte 36 on
ceil(nx ny nz / 8) bytes of bits, 1 where one cannot be: voxel (x, y, z) is bit `index & 7` of byte `index >> 3`, where
index = x + nx (y + ny z).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from immichvr_splats import GaussianCloud
from immichvr_splats.compiled import F32, F64, kernel

from immichvr_scenes.cameras import View

MAGIC, VERSION = b"IVRV", 1
_HEADER = struct.Struct("<4sI3ffIII")
_MOST_VOXELS = 1 << 24
"""Of a grid: 64 MB of sums while it is made, 2 MB in the end."""
_SOLID = 0.5
"""Opacity of a voxel, of all Gaussians in it together, from which on it is in the way."""
_FAINT = 0.05
_BEYOND = 0.02
"""Share of Gaussians at each end of each axis that do not decide how large the grid is."""
_MARGIN = 2
"""Voxels around what decides."""
_SIGMAS = 1.5
"""How far a Gaussian reaches into other voxels, and how many of them along its axes at most."""
_MOST_REACH = 6


@dataclass(frozen=True, eq=False)
class Voxels:
    """origin: (3,) lower corner, size: of a voxel, both in the unit of the world. solid: (nx, ny, nz) bool."""

    origin: F64
    size: float
    solid: npt.NDArray[np.bool_]

    def at(self, points: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Whether points, (N, 3), are where one cannot be; outside of the grid one can."""
        cells = np.floor((np.asarray(points, np.float64) - self.origin) / self.size)
        inside = np.asarray(((cells >= 0) & (cells < self.solid.shape)).all(axis=1))
        x, y, z = np.where(inside[:, None], cells, 0).astype(np.int64).T
        return np.asarray(inside & self.solid[x, y, z], np.bool_)


def voxels(cloud: GaussianCloud, views: Sequence[View] = (), size: float | None = None) -> Voxels:
    """What is solid of a cloud.

    size: of a voxel in the unit of the world; None: a hundred and sixtieth of the scene. It is larger where there would
    be too many. views: where somebody stood with a camera is free, with a voxel to each side.
    """
    seen = cloud.opacity_logits > np.log(_FAINT / (1 - _FAINT))
    seen &= np.isfinite(cloud.means).all(axis=1) & np.isfinite(cloud.log_scales).all(axis=1)
    kept = cloud.take(np.flatnonzero(seen))
    low, high = _ends(kept.means, views)
    size = size if size is not None else float(max(high - low)) / 160
    size = max(size, float(np.cbrt(np.prod(high - low + size) / (_MOST_VOXELS / 4))), 1e-6)
    shape = np.ceil((high - low) / size).astype(np.int64) + 2 * _MARGIN
    origin = low - _MARGIN * size
    through = np.zeros(tuple(int(count) for count in shape), np.float32)
    _fill(kept.means, kept.log_scales, kept.opacity_logits, origin, size, through)
    solid = through > -np.log(1 - _SOLID)
    for view in views:
        x, y, z = np.floor((view.centre - origin) / size).astype(np.int64)
        if ((np.array([x, y, z]) >= 0) & (np.array([x, y, z]) < shape)).all():
            solid[max(0, x - 1) : x + 2, max(0, y - 1) : y + 2, max(0, z - 1) : z + 2] = False
    return Voxels(origin, size, solid)


def write_voxels(found: Voxels, path: Path) -> int:
    """Write the file; its bytes."""
    bits = np.packbits(found.solid.transpose(2, 1, 0).reshape(-1), bitorder="little")
    data = _HEADER.pack(MAGIC, VERSION, *found.origin, found.size, *found.solid.shape) + bits.tobytes()
    return path.write_bytes(data)


def read_voxels(data: bytes) -> Voxels:
    """What `write_voxels` wrote. Raises ValueError for anything else."""
    if len(data) < _HEADER.size or data[:4] != MAGIC:
        raise ValueError("this is no file of voxels")
    _, version, x, y, z, size, *shape = _HEADER.unpack_from(data)
    count = shape[0] * shape[1] * shape[2]
    if version != VERSION or not 0 < count <= _MOST_VOXELS or len(data) != _HEADER.size + -(-count // 8):
        raise ValueError(f"this file of voxels is of version {version}, cut short or too large")
    bits = np.unpackbits(np.frombuffer(data, np.uint8, offset=_HEADER.size), count=count, bitorder="little")
    solid = bits.reshape(shape[::-1]).transpose(2, 1, 0).astype(np.bool_)
    return Voxels(np.array([x, y, z], np.float64), size, solid)


def _ends(means: F32, views: Sequence[View]) -> tuple[F64, F64]:
    """Lower and upper corner of what most Gaussians and all cameras are in."""
    points = [means.astype(np.float64)] if means.shape[0] else [np.zeros((1, 3))]
    low, high = np.quantile(points[0], [_BEYOND, 1 - _BEYOND], axis=0)
    spare = 0.1 * (high - low)
    centres = np.array([view.centre for view in views]).reshape(-1, 3)
    low, high = low - spare, high + spare
    if centres.size:
        low, high = np.minimum(low, centres.min(axis=0)), np.maximum(high, centres.max(axis=0))
    return low, np.maximum(high, low + 1e-3)


@kernel
def _fill(means: F32, log_scales: F32, logits: F32, origin: F64, size: float, through: F32) -> None:
    """Add to each voxel by how much, as a logarithm, the Gaussians in it let less light through.

    A Gaussian is spread over the box of its axes' root mean square, each voxel getting a share of its opacity.
    """
    for i in range(means.shape[0]):
        opacity = min(1 / (1 + np.exp(-np.float64(logits[i]))), 0.999)
        mean_square = 0.0
        for k in range(3):
            mean_square += np.exp(2 * min(np.float64(log_scales[i, k]), 30.0)) / 3
        reach = min(int(_SIGMAS * np.sqrt(mean_square) / size), _MOST_REACH)
        along = (np.float64(means[i, 0]) - origin[0]) / size
        down = (np.float64(means[i, 1]) - origin[1]) / size
        ahead = (np.float64(means[i, 2]) - origin[2]) / size
        largest = _MOST_REACH + max(through.shape[0], through.shape[1], through.shape[2])
        if not max(abs(along), abs(down), abs(ahead)) < largest:  # more than an integer may hold
            continue
        x, y, z = int(np.floor(along)), int(np.floor(down)), int(np.floor(ahead))
        spread = (2.0 * reach + 1) ** 2  # of a surface: as many voxels as it crosses
        taken = -np.log(1 - opacity) / spread
        for cx in range(max(0, x - reach), min(through.shape[0], x + reach + 1)):
            for cy in range(max(0, y - reach), min(through.shape[1], y + reach + 1)):
                for cz in range(max(0, z - reach), min(through.shape[2], z + reach + 1)):
                    through[cx, cy, cz] += taken
