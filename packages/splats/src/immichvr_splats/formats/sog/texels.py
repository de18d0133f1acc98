"""Numbers of a cloud as bytes of SOG's textures, and back."""

import numpy as np

from immichvr_splats.compiled import F32, F64, I64, U8, kernel
from immichvr_splats.formats.sog.codebook import BINS, lookup, nearest_level
from immichvr_splats.numerics import sigmoid

_WORDS = 65_536
_FIRST_TAG = 252


LevelTable = tuple[F32, I64, float, float]


def log_of(bound: F64) -> F64:
    """sign(v) ln(|v| + 1) of three coordinates."""
    logs: F64 = np.copysign(np.log1p(np.abs(bound)), bound)
    return logs


def positions_of_words(mins: F64, maxs: F64) -> F32:
    """The coordinate, (3, 65536), that each u16 stands for on each axis; infinite where float32 ends."""
    logs = mins[:, None] + (maxs - mins)[:, None] * (np.arange(_WORDS) / (_WORDS - 1))
    with np.errstate(over="ignore"):
        return np.copysign(np.expm1(np.abs(logs)), logs).astype(np.float32)


def table(codebook: F32) -> LevelTable:
    """What `pack_levels` needs to find the nearest level of `codebook`, (256,) ascending."""
    low, high = float(codebook[0]), float(codebook[-1])
    return *lookup(codebook), low, BINS / (high - low) if high > low else 0.0


@kernel
def pack_means(means: F32, mins: F64, maxs: F64, low: U8, high: U8) -> None:
    """Low and high bytes, (pixels, 3) each, of `means`, (N, 3)."""
    steps = np.zeros(3)
    for j in range(3):
        if maxs[j] > mins[j]:
            steps[j] = (_WORDS - 1) / (maxs[j] - mins[j])
    for i in range(means.shape[0]):
        for j in range(3):
            value = np.float64(means[i, j])
            log = np.log1p(value) if value >= 0 else -np.log1p(-value)
            word = int(min(max((log - mins[j]) * steps[j] + 0.5, 0.0), _WORDS - 1.0))
            low[i, j] = word & 255
            high[i, j] = word >> 8


@kernel
def unpack_means(low: U8, high: U8, positions: F32, means: F32) -> None:
    """`means`, (N, 3), from the first pixels of both textures."""
    for i in range(means.shape[0]):
        for j in range(3):
            means[i, j] = positions[j, np.int64(low[i, j]) | np.int64(high[i, j]) << 8]


@kernel
def pack_rotations(quaternions: F32, pixels: U8) -> None:
    """The three smaller components and the tag of the largest, (pixels, 4)."""
    half_root = np.float32(0.7071067811865476)
    for i in range(quaternions.shape[0]):
        q = quaternions[i]
        largest = 0
        for j in range(1, 4):
            if abs(q[j]) > abs(q[largest]):
                largest = j
        sign = half_root if q[largest] >= 0 else -half_root
        channel = 0
        for j in range(4):
            if j != largest:
                value = (q[j] * sign + np.float32(0.5)) * np.float32(255) + np.float32(0.5)
                pixels[i, channel] = int(min(max(value, np.float32(0)), np.float32(255)))
                channel += 1
        pixels[i, 3] = _FIRST_TAG + largest


@kernel
def unpack_rotations(pixels: U8, quaternions: F32) -> None:
    """`quaternions`, (N, 4) wxyz; zeros, which cleaning counts and drops, where the tag is none."""
    root = np.float32(1.4142135623730951)
    for i in range(quaternions.shape[0]):
        largest = np.int64(pixels[i, 3]) - _FIRST_TAG
        if largest < 0:
            quaternions[i, :] = 0
            continue
        squares = np.float32(0)
        channel = 0
        for j in range(4):
            if j != largest:
                value = (pixels[i, channel] * np.float32(1 / 255) - np.float32(0.5)) * root
                quaternions[i, j] = value
                squares += value * value
                channel += 1
        quaternions[i, largest] = np.sqrt(max(np.float32(0), np.float32(1) - squares))


@kernel
def are_unit(pixels: U8) -> bool:
    """Whether all of (N, 4) are tagged and leave room for the component that is not stored."""
    most, least_tag = 0, 255
    for i in range(pixels.shape[0]):
        a, b, c = 2 * np.int64(pixels[i, 0]) - 255, 2 * np.int64(pixels[i, 1]) - 255, 2 * np.int64(pixels[i, 2]) - 255
        most = max(most, int(a * a + b * b + c * c))
        least_tag = min(least_tag, int(pixels[i, 3]))
    return bool(most <= 2 * 255 * 255 and least_tag >= _FIRST_TAG)


@kernel
def pack_levels(values: F32, levels: LevelTable, pixels: U8) -> None:
    """The nearest levels, in the first three channels of (pixels, 3 or 4), of `values`, (N, 3)."""
    midpoints, first, low, per_unit = levels
    for i in range(values.shape[0]):
        for j in range(3):
            pixels[i, j] = nearest_level(values[i, j], midpoints, first, low, per_unit)


@kernel
def pack_opacities(logits: F32, pixels: U8) -> None:
    """round(sigmoid * 255) into the fourth channel of (pixels, 4)."""
    for i in range(logits.shape[0]):
        alpha = np.float32(255) * sigmoid(logits[i])
        pixels[i, 3] = int(alpha + np.float32(0.5))
