"""A scene's walls and things as voxels that one cannot walk through, in bounded memory.

    found = voxels(cloud, views)              # of the finished cloud, where its cameras stood
    write_voxels(found, folder / VOXELS_FILE) # beside the scene; tens of kilobytes
    again = read_voxels(data)                 # ValueError for what is none, or too large

File layout of `write_voxels`, media type VOXELS_MEDIA_TYPE: one gzip member, in it a line of JSON in UTF-8 that ends
with "\\n", and bits up to the end:

    {"form": "immichvr-voxels", "version": 1, "origin": [x, y, z], "size": s, "shape": [nx, ny, nz]}

origin: the lower corner of voxel (0, 0, 0) in the world of the cloud and its cameras (OpenCV's axes, y down); size: of
a voxel, in its unit. There are ⌈nx ny nz / 8⌉ bytes of bits, 1 where one cannot be: voxel (x, y, z) is bit `index & 7`
of byte `index >> 3`, where index = x + nx (y + ny z). Outside of the grid one can be anywhere. There are never more
than MOST_VOXELS, so a reader needs half a megabyte of bits. In a browser:

    const plain = new Response(blob.stream().pipeThrough(new DecompressionStream("gzip")))
    const bytes = new Uint8Array(await plain.arrayBuffer())
    const end = bytes.indexOf(10)
    const {origin, size, shape} = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)))
    const bits = bytes.subarray(end + 1)
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from immichvr_splats import GaussianCloud
from immichvr_splats.compiled import F32, F64, kernel

from immichvr_scenes.cameras import View

VOXELS_FILE = "voxels.gz"
VOXELS_MEDIA_TYPE = "application/gzip"
MOST_VOXELS = 1 << 22
"""Of a grid: 16 MB of sums while it is made, half a megabyte of bits in the end."""

_FORM, _VERSION = "immichvr-voxels", 1
_LONGEST_HEADER = 4096
_FINEST = 160
"""Voxels along the longest side where nobody says how large one is."""
_SOLID = 0.5
"""Opacity of a voxel, of all Gaussians in it together, from which on it is in the way."""
_FAINT = 0.05
_BEYOND = 0.02
"""Share of Gaussians at each end of each axis that do not decide how large the grid is."""
_FAR = 2.0
"""How far outside of what decides a camera may stand that decides as well: longest sides, or as far as half of them."""
_MARGIN = 2
"""Voxels around what decides."""
_LARGER = 1.2
_SIGMAS = 1.5
"""How far a Gaussian reaches, and how many voxels along an axis at most."""
_MOST_REACH = 12
_OWN = 0.25 / _SIGMAS**2
"""Variance, in voxels, by which a Gaussian is thicker than it is: it reaches half a voxel, and so the next middle."""


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
    be more than MOST_VOXELS. views: where somebody stood with a camera is free, with a voxel to each side. Raises
    ValueError for a size that is none, and for cameras that overflow.
    """
    seen = cloud.opacity_logits > np.log(_FAINT / (1 - _FAINT))
    seen &= np.isfinite(cloud.means).all(axis=1) & np.isfinite(cloud.quaternions).all(axis=1)
    seen &= (cloud.log_scales < np.inf).all(axis=1)  # minus infinity is as thin as can be
    low, high = _ends(cloud.means[seen], views)
    size, shape = _grid(high - low, size)
    origin = low - _MARGIN * size
    through = np.zeros(shape, np.float32)
    _fill(cloud.means, cloud.log_scales, cloud.quaternions, cloud.opacity_logits, seen, origin, size, through)
    solid = through > -np.log(1 - _SOLID)
    for view in views:
        x, y, z = np.floor((view.centre - origin) / size).astype(np.int64)
        solid[max(0, x - 1) : x + 2, max(0, y - 1) : y + 2, max(0, z - 1) : z + 2] = False
    return Voxels(origin, size, solid)


def write_voxels(found: Voxels, path: Path) -> int:
    """Write the file; its bytes. The same voxels are the same bytes."""
    header = {
        "form": _FORM,
        "version": _VERSION,
        "origin": [float(value) for value in found.origin],
        "size": found.size,
        "shape": list(found.solid.shape),
    }
    bits = np.packbits(found.solid.transpose(2, 1, 0).reshape(-1), bitorder="little")
    return path.write_bytes(gzip.compress(json.dumps(header).encode() + b"\n" + bits.tobytes(), mtime=0))


def read_voxels(data: bytes) -> Voxels:
    """What `write_voxels` wrote. Raises ValueError for anything else, and unpacks no more than there may be."""
    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        whole = unpacking.decompress(data, _LONGEST_HEADER + MOST_VOXELS // 8)
    except zlib.error as error:
        raise ValueError(f"this is no file of voxels: {error}") from error
    line, _, bits = whole.partition(b"\n")
    if len(line) > _LONGEST_HEADER:
        raise ValueError("this is no file of voxels: its first line has no end")
    origin, size, shape = _read_header(line)
    count = shape[0] * shape[1] * shape[2]
    if not unpacking.eof or len(bits) != -(-count // 8):
        raise ValueError(f"this file of voxels is cut short or too long for {count:,} of them")
    flat = np.unpackbits(np.frombuffer(bits, np.uint8), count=count, bitorder="little")
    return Voxels(origin, size, flat.reshape(shape[::-1]).transpose(2, 1, 0).astype(np.bool_))


def _read_header(line: bytes) -> tuple[F64, float, tuple[int, int, int]]:
    try:
        told: dict[str, Any] = json.loads(line)
        if told["form"] != _FORM or told["version"] != _VERSION:
            raise ValueError(f"it is {told['form']!r}, version {told['version']!r}")
        origin, size = np.array(told["origin"], np.float64), float(told["size"])
        x, y, z = (int(count) for count in told["shape"])
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"this is no file of voxels that can be read here: {error}") from error
    if origin.shape != (3,) or not np.isfinite(origin).all() or not 0 < size < np.inf or min(x, y, z) < 1:
        raise ValueError("this file of voxels does not tell where they are")
    if x * y * z > MOST_VOXELS:
        raise ValueError(f"this file has {x * y * z:,} voxels; there may be {MOST_VOXELS:,}")
    return origin, size, (x, y, z)


def _ends(means: F32, views: Sequence[View]) -> tuple[F64, F64]:
    """Lower and upper corner of what most Gaussians and all cameras but far ones are in."""
    points = means.astype(np.float64) if means.shape[0] else np.zeros((1, 3))
    low, high = np.quantile(points, [_BEYOND, 1 - _BEYOND], axis=0)
    spare = 0.1 * (high - low)
    low, high = low - spare, high + spare
    if views:
        centres = np.array([view.centre for view in views])
        outside = np.maximum(low - centres, centres - high).max(axis=1)
        usual = max(float((high - low).max()), float(np.quantile(outside, 0.5, method="lower")))
        near = centres[outside <= _FAR * usual]
        low, high = np.minimum(low, near.min(axis=0)), np.maximum(high, near.max(axis=0))
    return low, high


def _grid(sides: F64, size: float | None) -> tuple[float, tuple[int, int, int]]:
    """Size of a voxel, and how many there are along each side: larger ones until there are few enough.

    Raises ValueError for sides and sizes that are none.
    """
    if not np.isfinite(sides).all() or not (size is None or 0 < size < np.inf):
        raise ValueError(f"a grid of voxels has finite sides and a size above zero, not {sides} and {size}")
    longest = max(float(sides.max()), 1e-6)
    size = max(longest / _FINEST if size is None else size, longest / MOST_VOXELS)
    while True:
        counts = np.ceil(sides / size) + 2 * _MARGIN
        if np.prod(counts) <= MOST_VOXELS:
            x, y, z = (int(count) for count in counts)
            return size, (x, y, z)
        size *= _LARGER


@kernel
def _fill(
    means: F32,
    log_scales: F32,
    quaternions: F32,
    logits: F32,
    seen: npt.NDArray[np.bool_],
    origin: F64,
    size: float,
    through: F32,
) -> None:
    """Add to each voxel by how much, as a logarithm, the Gaussians in it let less light through.

    A Gaussian counts in its own voxel and in those whose middle it reaches, by its opacity and the share of a voxel's
    face that it could cover: a speck is no wall, and a thin wall is one voxel thick.
    """
    axes, at, squares = np.empty((3, 3)), np.empty(3), np.empty(3)
    for i in range(means.shape[0]):
        if not seen[i]:
            continue
        near = True
        for k in range(3):
            at[k] = (np.float64(means[i, k]) - origin[k]) / size
            near = near and -_MOST_REACH < at[k] < through.shape[k] + _MOST_REACH
            squares[k] = min(np.exp(2 * min(np.float64(log_scales[i, k]), 30.0)) / size**2, 1e6)
        if not near:
            continue
        # Of its two longer axes: what it covers when it is seen from where that is most.
        product = max(squares[0] * squares[1], squares[0] * squares[2], squares[1] * squares[2])
        opacity = min(1 / (1 + np.exp(-np.float64(logits[i]))), 0.999)
        _axes(quaternions, i, axes)
        _add(at, axes, squares, -np.log(1 - opacity) * min(1.0, 2 * np.pi * np.sqrt(product)), through)


@kernel
def _axes(quaternions: F32, i: int, out: F64) -> None:
    """The axes of a Gaussian as rows."""
    w, x, y, z = quaternions[i, 0], quaternions[i, 1], quaternions[i, 2], quaternions[i, 3]
    w, x, y, z = np.float64(w), np.float64(x), np.float64(y), np.float64(z)
    twice = 2 / max(w * w + x * x + y * y + z * z, 1e-300)
    out[0, 0], out[0, 1], out[0, 2] = 1 - twice * (y * y + z * z), twice * (x * y + w * z), twice * (x * z - w * y)
    out[1, 0], out[1, 1], out[1, 2] = twice * (x * y - w * z), 1 - twice * (x * x + z * z), twice * (y * z + w * x)
    out[2, 0], out[2, 1], out[2, 2] = twice * (x * z + w * y), twice * (y * z - w * x), 1 - twice * (x * x + y * y)


@kernel
def _add(at: F64, axes: F64, squares: F64, taken: float, through: F32) -> None:
    """Add to the voxels that a Gaussian reaches. at: its mean, squares: its variances along `axes`, both in voxels."""
    own, low, high = np.empty(3, np.int64), np.empty(3, np.int64), np.empty(3, np.int64)
    for k in range(3):
        variance = _OWN
        for axis in range(3):
            variance += axes[axis, k] ** 2 * squares[axis]
        reach = min(_SIGMAS * np.sqrt(variance), np.float64(_MOST_REACH))
        own[k] = int(np.floor(at[k]))
        low[k], high[k] = max(0, int(np.floor(at[k] - reach))), min(through.shape[k], int(np.floor(at[k] + reach)) + 1)
    for x in range(low[0], high[0]):
        for y in range(low[1], high[1]):
            for z in range(low[2], high[2]):
                away = 0.0
                for axis in range(3):
                    along = axes[axis, 0] * (x + 0.5 - at[0])
                    along += axes[axis, 1] * (y + 0.5 - at[1]) + axes[axis, 2] * (z + 0.5 - at[2])
                    away += along * along / (squares[axis] + _OWN)
                if away <= _SIGMAS**2 or (x == own[0] and y == own[1] and z == own[2]):
                    through[x, y, z] += taken
