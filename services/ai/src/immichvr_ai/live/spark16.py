"""Spark's packed splats, 16 bytes each, as four little-endian 32-bit words.

| word | bits 0-7          | 8-15              | 16-23      | 24-31     |
|------|-------------------|-------------------|------------|-----------|
| 0    | red               | green             | blue       | opacity   |
| 1    | x as float16      |                   | y as float16 |         |
| 2    | z as float16      |                   | axis u     | axis v    |
| 3    | ln of x scale     | ln of y scale     | ln of z scale | angle  |

Colours and opacity are round(255 v), sRGB and linear. A scale s is 0 below e^-30, else
round((ln s + 12) · 254 / 21) + 1 within 1 and 255. The rotation is an axis, octahedral, and an angle of 0 to π, of the
quaternion with w ≥ 0. Source: Spark 2.2.0, `setPackedSplat`, whose `Math.round` rounds halves up.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from immichvr_depth.compiled import Floats, Indices, kernel
from immichvr_splats import SH_C0

from immichvr_ai.live.gaussians import Gaussians

BYTES = 16
_LN_SCALE_MIN, _LN_SCALE_MAX = -12.0, 9.0
_LN_SCALE_STEP = 254 / (_LN_SCALE_MAX - _LN_SCALE_MIN)
_SCALE_ZERO = math.exp(-30.0)
_ANGLE_STEP = 255 / math.pi

Words = npt.NDArray[np.uint32]


@kernel
def _unit_byte(value: float) -> int:
    return int(max(0.0, min(255.0, math.floor(value * 255.0 + 0.5))))


@kernel
def _half(bits: int) -> int:
    """float16 nearest to the float32 with these bits, ties to even; for finite values that fit."""
    sign = (bits >> 16) & 0x8000
    a = bits & 0x7FFFFFFF
    if a >= 0x38800000:
        return sign | ((a + 0x0FFF + ((a >> 13) & 1) - 0x38000000) >> 13)
    if a < 0x33000000:
        return sign
    shift = 126 - (a >> 23)
    mantissa = (a & 0x7FFFFF) | 0x800000
    half = mantissa >> shift
    rest = mantissa & ((1 << shift) - 1)
    middle = 1 << (shift - 1)
    if rest > middle or (rest == middle and half & 1):
        half += 1
    return sign | half


@kernel
def _scale_byte(scale: float) -> int:
    if scale < _SCALE_ZERO:
        return 0
    step = math.floor((math.log(scale) - _LN_SCALE_MIN) * _LN_SCALE_STEP + 0.5) + 1.0
    return int(min(255.0, max(1.0, step)))


@kernel
def _rotation_bytes(w: float, x: float, y: float, z: float) -> int:
    """u, v and angle, in bits 0, 8 and 16."""
    over = 1.0 / math.sqrt(x * x + y * y + z * z + w * w)
    w, x, y, z = w * over, x * over, y * over, z * over
    if w < 0.0:
        w, x, y, z = -w, -x, -y, -z
    angle = 2.0 * math.acos(min(w, 1.0))
    norm = math.sqrt(x * x + y * y + z * z)
    if norm < 1e-6:
        x, y, z = 1.0, 0.0, 0.0
    else:
        over = 1.0 / norm
        x, y, z = x * over, y * over, z * over
    total = abs(x) + abs(y) + abs(z)
    u, v = x / total, y / total
    if z < 0.0:
        u, v = (1.0 - abs(v)) * (1.0 if u >= 0.0 else -1.0), (1.0 - abs(u)) * (1.0 if v >= 0.0 else -1.0)
    low = math.floor((u * 0.5 + 0.5) * 255.0 + 0.5)
    high = math.floor((v * 0.5 + 0.5) * 255.0 + 0.5)
    return low | high << 8 | math.floor(angle * _ANGLE_STEP + 0.5) << 16


@kernel
def _pack(
    rows: Indices,
    mean_bits: npt.NDArray[np.uint32],
    scales: Floats,
    quaternions: Floats,
    colours: Floats,
    opacities: Floats,
    out: Words,
) -> None:
    for k in range(rows.size):
        i = rows[k]
        word = _unit_byte(float(opacities[i])) << 24
        for channel in range(3):
            word |= _unit_byte(0.5 + SH_C0 * float(colours[i, channel])) << (8 * channel)
        turn = _rotation_bytes(
            float(quaternions[i, 0]), float(quaternions[i, 1]), float(quaternions[i, 2]), float(quaternions[i, 3])
        )
        size = _scale_byte(float(scales[i, 0]))
        size |= _scale_byte(float(scales[i, 1])) << 8
        size |= _scale_byte(float(scales[i, 2])) << 16
        out[k, 0] = word
        out[k, 1] = _half(int(mean_bits[i, 0])) | _half(int(mean_bits[i, 1])) << 16
        out[k, 2] = _half(int(mean_bits[i, 2])) | (turn & 0xFFFF) << 16
        out[k, 3] = size | (turn >> 16) << 24


def pack_spark16(gaussians: Gaussians, rows: Indices) -> bytes:
    """The Gaussians at `rows`, which must be valid, as 16 bytes each."""
    out = np.empty((rows.size, 4), "<u4")
    _pack(
        rows,
        gaussians.means.view(np.uint32),
        gaussians.scales,
        gaussians.quaternions,
        gaussians.colours,
        gaussians.opacities,
        out,
    )
    return out.tobytes()
