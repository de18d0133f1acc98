"""Arithmetic that inner loops share, written so that LLVM makes vector code of it."""

import numpy as np

from immichvr_splats.cloud import OPACITY_LOGIT_LIMIT, SH_C0
from immichvr_splats.compiled import F32, F64, I32, finite_kernel, kernel

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

# Minimax coefficients of (log(1 + m) - m + m^2 / 2) / m^3. Source: Cephes `logf.c`.
_L0, _L1, _L2 = np.float32(7.0376836292e-2), np.float32(-1.1514610310e-1), np.float32(1.1676998740e-1)
_L3, _L4, _L5 = np.float32(-1.2420140846e-1), np.float32(1.4249322787e-1), np.float32(-1.6668057665e-1)
_L6, _L7, _L8 = np.float32(2.0000714765e-1), np.float32(-2.4999993993e-1), np.float32(3.3333331174e-1)
_SQRT_HALF_BITS, _LEAST_NORMAL_BITS = np.int32(0x3F3504F3), np.int32(0x00800000)


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
def log(x: np.float32) -> np.float32:
    """Natural logarithm to 1e-7, of subnormal numbers as of the least normal one; NaN of infinity and below zero."""
    found = np.float32(x).view(np.int32)
    bits = max(found, _LEAST_NORMAL_BITS)
    # x = 2^exponent * m with m from sqrt(1/2) to sqrt(2), around which the polynomial is made
    exponent = (bits - _SQRT_HALF_BITS) >> np.int32(23)
    m = np.int32(bits - (exponent << np.int32(23))).view(np.float32) - np.float32(1)
    p = _L0
    for factor in (_L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8):
        p = p * m + factor
    square = m * m
    e = np.float32(exponent)
    result = e * _LN_2_HIGH + (m + (p * m * square - np.float32(0.5) * square + e * _LN_2_LOW))
    usual = found > np.int32(0) and found < np.int32(0x7F800000)
    unusual = np.float32(-np.inf if found & np.int32(0x7FFFFFFF) == np.int32(0) else np.nan)
    return result if usual else unusual


def logarithms(values: F32) -> None:
    """`log` of each of `values`, in their place."""
    _logarithms(values.reshape(-1))


@kernel
def _logarithms(values: F32) -> None:
    for i in range(values.shape[0]):
        values[i] = log(values[i])


def exponentials(values: F32) -> tuple[F32, float, float]:
    """`exp` of each of `values`, which are finite, and the least and largest of them."""
    powers = np.empty_like(values)
    least, largest = _exponentials(values.reshape(-1), powers.reshape(-1), powers.reshape(-1).view(np.int32))
    return powers, float(np.int32(least).view(np.float32)), float(np.int32(largest).view(np.float32))


@finite_kernel
def _exponentials(values: F32, powers: F32, bits: I32) -> tuple[int, int]:
    for i in range(values.shape[0]):
        powers[i] = exp(values[i])
    least, largest = np.int32(0x7FFFFFFF), np.int32(0)
    for i in range(bits.shape[0]):
        least, largest = min(least, bits[i]), max(largest, bits[i])
    return int(least), int(largest)


@kernel
def rounded_byte(value: np.float32) -> np.int32:
    """The nearest of 0 to 255, halves upwards."""
    return np.int32(min(max(value + np.float32(0.5), np.float32(0)), np.float32(255)))


@finite_kernel
def color_level(coefficient: np.float32) -> np.float32:
    """The level, 0 to 255 within the gamut, of a colour's constant spherical harmonic."""
    return (np.float32(0.5) + np.float32(SH_C0) * coefficient) * np.float32(255)


@kernel
def choice(condition: np.int32, yes: np.int32, no: np.int32) -> np.int32:
    """`yes` where the condition is 1, `no` where it is 0, without a branch."""
    return np.int32(no + condition * (yes - no))


@finite_kernel
def into_lanes(rows: F32, lanes: F32) -> None:
    """The columns of `rows`, (N, M), one after the other: `lanes` is (M, N or more)."""
    values, width = rows.reshape(-1), np.uint64(rows.shape[1])
    for j in range(np.uint64(lanes.shape[0])):
        for i in range(np.uint64(rows.shape[0])):
            lanes[j, i] = values[i * width + j]


@finite_kernel
def out_of_lanes(first: F32, second: F32, third: F32, fourth: F32, values: F32) -> None:
    """Four columns as rows, one after the other: `values` is (4 N,), each lane (N or more,)."""
    four = np.uint64(4)
    for i in range(np.uint64(values.shape[0]) // four):
        values[four * i], values[four * i + np.uint64(1)] = first[i], second[i]
        values[four * i + np.uint64(2)], values[four * i + np.uint64(3)] = third[i], fourth[i]


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


@finite_kernel
def extremes_within(values: F32, first: int, low: float, high: float) -> tuple[float, float, int]:
    """Least and greatest of what is from `low` to `high` in `values`, (N, M), and how many rows have others.

    first: the column to begin at. Infinite, the least above the greatest, where there are none.
    """
    bottom, top = np.float32(low), np.float32(high)
    least, most, rows = np.float32(np.inf), np.float32(-np.inf), 0
    for i in range(values.shape[0]):
        outside = False
        for j in range(first, values.shape[1]):
            value = values[i, j]
            inside = value >= bottom and value <= top
            outside |= not inside
            least = min(least, value) if inside else least
            most = max(most, value) if inside else most
        rows += outside
    return float(least), float(most), rows


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
