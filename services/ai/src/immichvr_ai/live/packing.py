"""What a model made of a frame, as bytes for the listener.

| format    | layout, little endian                                                                               |
|-----------|-----------------------------------------------------------------------------------------------------|
| `spark16` | 16 bytes a splat: see `spark16.py`                                                                    |
| `fp32`, `fp16` | planes: means (n, 3), scales (n, 3) linear, rotations (n, 4) wxyz, colours (n, 3) DC coefficients, |
|           | opacities (n,) linear [, spherical harmonics of degree 1 and 2 (n, 8, 3)]                             |
| `spz`     | a file of Niantic's format, version 2                                                                 |
| points    | planes: means (n, 3) float32, colours (n, 3) uint8                                                    |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import immichvr_splats
import numpy as np
from immichvr_depth.compiled import Bytes, Floats

from immichvr_ai.live.gaussians import Gaussians, choose, to_cloud
from immichvr_ai.live.spark16 import pack_spark16

Format = Literal["spark16", "fp16", "fp32", "spz"]
FORMATS: tuple[Format, ...] = ("spark16", "fp16", "fp32", "spz")
BYTES_PER_SPLAT = {"spark16": 16, "fp16": 28, "fp32": 56, "spz": 20}
"""Without spherical harmonics; of `spz` at most."""
_SH_FLOATS = 24
_FLOAT_BYTES = {"fp16": 2, "fp32": 4}
LARGEST_DATA = 12 * 1024 * 1024
"""Bytes of one result's data, at most: what fits into one message with room to spare."""


@dataclass(frozen=True)
class Packed:
    """Bytes, how many splats or points they hold, and how many were left out because they cannot be drawn."""

    data: bytes
    count: int
    invalid: int


def most_gaussians(wanted: int, output_format: Format, sh_degree: int) -> int:
    """How many Gaussians a session may send, of those its client wants."""
    size = BYTES_PER_SPLAT[output_format] + (_FLOAT_BYTES.get(output_format, 0) * _SH_FLOATS if sh_degree else 0)
    return min(wanted, LARGEST_DATA // size)


def pack(gaussians: Gaussians, output_format: Format, threshold: float, budget: int) -> Packed:
    """Those Gaussians that are worth sending, in a format.

    threshold: opacity below which nothing is sent; budget: splats, at most.
    """
    rows, invalid = choose(gaussians, threshold, budget)
    match output_format:
        case "spark16":
            data = pack_spark16(gaussians, rows)
        case "spz":
            data = bytes(immichvr_splats.to_bytes(to_cloud(gaussians.take(rows)), "spz", version=2))
        case _:
            chosen = gaussians if rows.size == gaussians.count else gaussians.take(rows)
            data = _planes(chosen, np.dtype("<f4" if output_format == "fp32" else "<f2"))
    return Packed(data, int(rows.size), invalid)


def pack_points(means: Floats, colours: Bytes, budget: int) -> Packed:
    """Points (n, 3) float32 with colours (n, 3) uint8; evenly thinned out where they are more than the budget."""
    usable = np.isfinite(means).all(axis=1)
    rows = np.flatnonzero(usable)
    invalid = int(means.shape[0] - rows.size)
    if rows.size > budget:
        rows = rows[np.linspace(0, rows.size - 1, budget).astype(np.int64)]
    if rows.size != means.shape[0]:
        means, colours = means[rows], colours[rows]
    data = np.ascontiguousarray(means, "<f4").tobytes() + np.ascontiguousarray(colours, np.uint8).tobytes()
    return Packed(data, int(rows.size), invalid)


def _planes(gaussians: Gaussians, dtype: np.dtype[np.floating]) -> bytes:
    planes = [gaussians.means, gaussians.scales, gaussians.quaternions, gaussians.colours, gaussians.opacities]
    if gaussians.sh is not None:
        limit = np.float32(np.finfo(dtype).max)
        planes.append(np.clip(np.nan_to_num(gaussians.sh, posinf=0.0, neginf=0.0), -limit, limit))
    return b"".join(np.ascontiguousarray(plane, dtype).tobytes() for plane in planes)
