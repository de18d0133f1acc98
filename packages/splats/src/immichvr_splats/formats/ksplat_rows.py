"""Rows of `.ksplat`, see `ksplat.py` for their layout."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..cloud import SH_C0, SH_COEFFICIENTS, GaussianCloud
from ..compiled import F32, I64, U8, kernel
from ..numerics import LOGITS_OF_BYTES, exp, rounded_byte, sigmoid

U16 = NDArray[np.uint16]

SMALLEST_SCALE, LARGEST_SCALE = 2.0**-24, 65504.0
"""Metres: of what is not 0 or infinite in half precision."""

_HEAD_BYTES = (44, 24, 24)
_SH_BYTES = (4, 2, 1)


class Clamped(NamedTuple):
    """Gaussians with a scale, or a colour, that could not be stored as it is."""

    scales: int
    colors: int


def bytes_per_splat(level: int, degree: int) -> int:
    return _HEAD_BYTES[level] + _SH_BYTES[level] * 3 * (SH_COEFFICIENTS[degree] - 1)


def pack(
    block: GaussianCloud, level: int, centers: F32, steps: float, sh_range: tuple[float, float]
) -> tuple[U8, Clamped]:
    """Rows, (N, bytes per splat). centers: (N, 3) of the buckets, and `steps` per metre, from level 1 on."""
    rows = np.empty((block.count, bytes_per_splat(level, block.sh_degree)), np.uint8)
    scales, colors = np.empty((block.count, 3), np.float32), np.empty((block.count, 4), np.uint8)
    limits = (SMALLEST_SCALE, LARGEST_SCALE) if level else (0.0, np.inf)
    clamped = Clamped(*_pack_common(block.log_scales, block.flat_sh, block.opacity_logits, *limits, scales, colors))
    order = _places_of_sh(block.sh_degree)
    if level == 0:
        floats = rows.view(np.float32)
        _pack_floats(block.means, scales, block.quaternions, block.flat_sh, order, floats)
        rows[:, 40:44] = colors
        return rows, clamped
    halves = np.empty((block.count, 10), np.uint16)
    _pack_halves(block.means, centers, steps, scales, block.quaternions, halves)
    rows[:, :20] = halves.view(np.uint8)
    rows[:, 20:24] = colors
    if level == 1:
        _pack_half_sh(block.flat_sh, order, rows.view(np.uint16))
    else:
        _pack_byte_sh(block.flat_sh, order, *sh_range, rows)
    return rows, clamped


def unpack(
    rows: U8,
    level: int,
    centers: F32,
    offset: int,
    step: float,
    sh_range: tuple[float, float],
    stored_degree: int,
    degree: int,
) -> GaussianCloud:
    """Gaussians of `rows`, (N, bytes per splat). centers: (N, 3), from level 1 on. degree: of the cloud."""
    cloud = GaussianCloud.empty(rows.shape[0], degree)
    if level == 0:
        values = rows.view(np.float32)
        head, colors, sh = values[:, :10], rows[:, 40:44], values[:, 11:]
        cloud.means[:] = head[:, :3]
    else:
        head = rows[:, 6:20].copy().view(np.float16).astype(np.float32)
        head = np.concatenate([np.empty((rows.shape[0], 3), np.float32), head], axis=1)
        colors, sh = rows[:, 20:24], _unpack_sh(rows[:, 24:], level, sh_range)
        _unpack_means(rows[:, :6].copy().view(np.uint16), centers, offset, step, cloud.means)
    order = _places_of_sh(stored_degree)
    cloud.sh[:, SH_COEFFICIENTS[stored_degree] :] = 0
    arrays = (cloud.log_scales, cloud.quaternions, cloud.opacity_logits, cloud.flat_sh)
    _unpack(np.ascontiguousarray(head), np.array(colors), np.ascontiguousarray(sh), order, LOGITS_OF_BYTES, *arrays)
    return cloud


def _unpack_sh(stored: U8, level: int, sh_range: tuple[float, float]) -> F32:
    if level == 1:
        return stored.copy().view(np.float16).astype(np.float32)
    low, high = sh_range
    sh: F32 = stored.astype(np.float32) * np.float32((high - low) / 255) + np.float32(low)
    return sh


def _places_of_sh(degree: int) -> I64:
    """Where in a row each higher coefficient stands, (3 K,), in the cloud's order: coefficients, then channels."""
    places = []
    for band in range(1, degree + 1):
        first, width = 3 * (SH_COEFFICIENTS[band - 1] - 1), 2 * band + 1
        places += [first + channel * width + k for k in range(width) for channel in range(3)]
    return np.array(places, np.int64)


@kernel
def _pack_common(
    log_scales: F32, sh: F32, logits: F32, smallest: float, largest: float, scales: F32, colors: U8
) -> tuple[int, int]:
    low, high = np.float32(smallest), np.float32(largest)
    wide, vivid = 0, 0
    for i in range(logits.shape[0]):
        unfit, outside = False, False
        for j in range(3):
            scale = exp(log_scales[i, j])
            unfit |= bool(scale < low or scale > high)
            scales[i, j] = min(max(scale, low), high)
            level = (np.float32(0.5) + np.float32(SH_C0) * sh[i, j]) * np.float32(255)
            outside |= bool(level < np.float32(-0.5) or level >= np.float32(255.5))
            colors[i, j] = rounded_byte(level)
        colors[i, 3] = rounded_byte(np.float32(255) * sigmoid(logits[i]))
        wide += unfit
        vivid += outside
    return wide, vivid


@kernel
def _pack_floats(means: F32, scales: F32, quaternions: F32, sh: F32, order: I64, rows: F32) -> None:
    for i in range(means.shape[0]):
        for j in range(3):
            rows[i, j] = means[i, j]
            rows[i, 3 + j] = scales[i, j]
        for j in range(4):
            rows[i, 6 + j] = quaternions[i, j]
        for j in range(order.shape[0]):
            rows[i, 11 + order[j]] = sh[i, 3 + j]


@kernel
def _half(value: np.float32) -> np.uint16:
    """The bits of the nearest half-precision number, halves to even, of a value within its range."""
    bits = np.float32(value).view(np.uint32)
    magnitude = bits & np.uint32(0x7FFFFFFF)
    odd = (magnitude >> np.uint32(13)) & np.uint32(1)
    normal = (magnitude - np.uint32(0x38000000) + np.uint32(0xFFF) + odd) >> np.uint32(13)
    # Below 2^-14 the steps are 2^-24, which is what float32 rounds to next to a half.
    subnormal = np.float32(abs(value) + np.float32(0.5)).view(np.uint32) - np.uint32(0x3F000000)
    half = normal if magnitude >= np.uint32(0x38800000) else subnormal
    return np.uint16(half | ((bits >> np.uint32(16)) & np.uint32(0x8000)))


@kernel
def _pack_halves(means: F32, centers: F32, steps: float, scales: F32, quaternions: F32, halves: U16) -> None:
    for i in range(means.shape[0]):
        for j in range(3):
            away = np.floor((np.float64(means[i, j]) - np.float64(centers[i, j])) * steps + 0.5) + 32767
            halves[i, j] = np.int32(min(max(away, 0.0), 65535.0))
            halves[i, 3 + j] = _half(scales[i, j])
        for j in range(4):
            halves[i, 6 + j] = _half(quaternions[i, j])


@kernel
def _pack_half_sh(sh: F32, order: I64, rows: U16) -> None:
    most = np.float32(LARGEST_SCALE)
    for i in range(rows.shape[0]):
        for j in range(order.shape[0]):
            rows[i, 12 + order[j]] = _half(min(max(sh[i, 3 + j], -most), most))


@kernel
def _pack_byte_sh(sh: F32, order: I64, low: float, high: float, rows: U8) -> None:
    steps = np.float32(255 / (high - low) if high > low else 0)
    for i in range(rows.shape[0]):
        for j in range(order.shape[0]):
            rows[i, 24 + order[j]] = rounded_byte((sh[i, 3 + j] - np.float32(low)) * steps)


@kernel
def _unpack_means(levels: U16, centers: F32, offset: int, step: float, means: F32) -> None:
    for i in range(means.shape[0]):
        for j in range(3):
            means[i, j] = (np.int64(levels[i, j]) - offset) * step + np.float64(centers[i, j])


@kernel
def _unpack(
    head: F32,
    colors: U8,
    sh: F32,
    order: I64,
    logits_of_bytes: F32,
    log_scales: F32,
    quaternions: F32,
    logits: F32,
    unpacked: F32,
) -> None:
    for i in range(head.shape[0]):
        for j in range(3):
            log_scales[i, j] = np.log(head[i, 3 + j])  # what is no size is dropped by its non-finite logarithm
            unpacked[i, j] = (colors[i, j] * np.float32(1 / 255) - np.float32(0.5)) * np.float32(1 / SH_C0)
        for j in range(4):
            quaternions[i, j] = head[i, 6 + j]
        logits[i] = logits_of_bytes[colors[i, 3]]
        for j in range(order.shape[0]):
            unpacked[i, 3 + j] = sh[i, order[j]]
