"""Arithmetic that inner loops share, written so that LLVM makes vector code of it."""

import numpy as np

from .cloud import OPACITY_LOGIT_LIMIT
from .compiled import F32, F64, I32, kernel

LARGEST_EXPONENT = 88.0
"""exp of more than this is infinite in float32."""

LOGITS_OF_BYTES: F32 = np.clip(
    np.log(np.maximum(np.arange(256), 1e-9) / np.maximum(255.0 - np.arange(256), 1e-9)),
    -OPACITY_LOGIT_LIMIT,
    OPACITY_LOGIT_LIMIT,
).astype(np.float32)
"""The opacity logit of each opacity that is stored in a byte, (256,)."""

_LOG2_E = np.float32(1.4426950408889634)
_LN_2_HIGH = np.float32(0.693359375)  # exact in 9 bits, so that times a whole number it stays exact
_LN_2_LOW = np.float32(-2.12194440e-4)
_SMALLEST_EXPONENT = np.float32(-87.3)
# Minimax coefficients of (exp(r) - 1 - r) / r^2 on ±ln(2)/2. Source: Cephes `expf.c`.
_P0, _P1, _P2 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
_P3, _P4, _P5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)


@kernel
def exp(x: np.float32) -> np.float32:
    """e to the power of a finite x, clamped to ±LARGEST_EXPONENT, to 1e-7 of itself."""
    clamped = np.float32(min(max(x, _SMALLEST_EXPONENT), np.float32(LARGEST_EXPONENT)))
    whole = np.floor(clamped * _LOG2_E + np.float32(0.5))
    r = (clamped - whole * _LN_2_HIGH) - whole * _LN_2_LOW
    p = ((((_P0 * r + _P1) * r + _P2) * r + _P3) * r + _P4) * r + _P5
    power: np.float32 = np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32)
    return np.float32((p * r * r + r + np.float32(1)) * power)


@kernel
def sigmoid(logit: np.float32) -> np.float32:
    return np.float32(1) / (np.float32(1) + exp(-logit))


@kernel
def rounded_byte(value: np.float32) -> np.int32:
    """The nearest of 0 to 255, halves upwards."""
    return np.int32(min(max(value + np.float32(0.5), np.float32(0)), np.float32(255)))


@kernel
def choice(condition: np.int32, yes: np.int32, no: np.int32) -> np.int32:
    """`yes` where the condition is 1, `no` where it is 0, without a branch."""
    return np.int32(no + condition * (yes - no))


@kernel
def count_outside(values: F32, low: float, high: float) -> int:
    """How many rows of `values`, (N, M), have one below `low` or above `high`."""
    rows = 0
    for i in range(values.shape[0]):
        outside = False
        for j in range(values.shape[1]):
            outside |= values[i, j] < low or values[i, j] > high
        rows += outside
    return rows


@kernel
def largest_magnitude(bits: I32) -> int:
    """Of float32 values given as their bits, as bits; above those of infinity where there is a NaN."""
    largest = np.int32(0)
    for i in range(bits.shape[0]):
        largest = max(largest, bits[i] & np.int32(0x7FFFFFFF))
    return int(largest)


def bounds(points: F32) -> tuple[F64, F64]:
    """Smallest and largest of `points`, (N, 3); infinite where there is none."""
    low, high = np.empty(3), np.empty(3)
    _bounds(points, low, high)
    return low, high


@kernel
def _bounds(points: F32, low: F64, high: F64) -> None:
    infinity = np.float32(np.inf)
    x0, y0, z0, x1, y1, z1 = infinity, infinity, infinity, -infinity, -infinity, -infinity
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        x0, y0, z0 = min(x0, x), min(y0, y), min(z0, z)
        x1, y1, z1 = max(x1, x), max(y1, y), max(z1, z)
    low[0], low[1], low[2] = x0, y0, z0
    high[0], high[1], high[2] = x1, y1, z1
