"""Rows of `.ksplat`, see `codec.py` for their layout."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.cloud import SH_C0, SH_COEFFICIENTS, GaussianCloud
from immichvr_splats.compiled import F32, I64, U8, finite_kernel, kernel
from immichvr_splats.numerics import (
    LOGITS_OF_BYTES,
    color_level,
    count_outside,
    exponentials,
    logarithms,
    rounded_byte,
    sigmoid,
)

U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]

SMALLEST_SCALE, LARGEST_SCALE = 2.0**-24, 65504.0
"""Metres: of what is not 0 or infinite in half precision."""

_HEAD_BYTES = (44, 24, 24)
_SH_BYTES = (4, 2, 1)
_INFINITE_HALF = np.int32(0x7C00)


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
    scales, least, largest = exponentials(block.log_scales)
    wide = 0
    if level and (least < SMALLEST_SCALE or largest > LARGEST_SCALE):
        wide = count_outside(scales, SMALLEST_SCALE, LARGEST_SCALE)
        np.clip(scales, SMALLEST_SCALE, LARGEST_SCALE, out=scales)
    colors = np.empty(block.count, np.uint32)
    clamped = Clamped(wide, _pack_colors(block.flat_sh, block.opacity_logits, colors))
    order = _places_of_sh(block.sh_degree)
    if level == 0:
        floats = rows.view(np.float32)
        _pack_floats(block.means, scales, block.quaternions, colors, block.flat_sh, order, floats, rows.view(np.uint32))
        return rows, clamped
    head = rows.view(np.uint16) if rows.shape[1] % 2 == 0 else np.empty((block.count, _HEAD_BYTES[1] // 2), np.uint16)
    places = np.empty((block.count, 3), np.uint16)
    _quantise(block.means.reshape(-1), centers.reshape(-1), steps, places.reshape(-1))
    _pack_head(places, _halves(scales), _halves(block.quaternions), colors, head)
    if level == 1:
        _pack_half_sh(_halves(np.clip(block.flat_sh, -LARGEST_SCALE, LARGEST_SCALE)), order, head)
        return rows, clamped
    if rows.shape[1] % 2:
        rows[:, : _HEAD_BYTES[2]] = head.view(np.uint8)
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
    cloud.sh[:, SH_COEFFICIENTS[stored_degree] :] = 0
    order = _places_of_sh(min(stored_degree, degree))
    arrays = (cloud.means, cloud.log_scales, cloud.quaternions, cloud.flat_sh)
    if level == 0:
        _unpack_floats(rows.view(np.float32), order, *arrays)
    else:
        words = np.ascontiguousarray(rows[:, : rows.shape[1] // 2 * 2]).view(np.uint16)
        _unpack_head(words, centers, offset, step, *arrays[:3])
        if level == 1:
            _unpack_half_sh(words, order, cloud.flat_sh)
        else:
            low, high = sh_range
            _unpack_byte_sh(rows, order, low, (high - low) / 255, cloud.flat_sh)
    logarithms(cloud.log_scales)  # what is no size is dropped by its logarithm, NaN
    at = _HEAD_BYTES[level] - 4
    _unpack_colors(np.ascontiguousarray(rows[:, at : at + 4]), LOGITS_OF_BYTES, cloud.opacity_logits, cloud.flat_sh)
    return cloud


def are_sound(rows: U8, level: int, degree: int) -> bool:
    """Whether all halves of `rows` of level 1 or 2 are finite, scales positive and quaternions not zero.

    False where that is not easily told.
    """
    if level == 0 or rows.shape[1] % 2:
        return False
    return _are_sound(rows.view(np.uint16), 3 * (SH_COEFFICIENTS[degree] - 1) if level == 1 else 0)


def _places_of_sh(degree: int) -> I64:
    """Where in a row each higher coefficient stands, (3 K,), in the cloud's order: coefficients, then channels."""
    places = []
    for band in range(1, degree + 1):
        first, width = 3 * (SH_COEFFICIENTS[band - 1] - 1), 2 * band + 1
        places += [first + channel * width + k for k in range(width) for channel in range(3)]
    return np.array(places, np.int64)


def _halves(values: F32) -> U16:
    """In half precision, of the same shape: values of at most LARGEST_SCALE."""
    halves = np.empty(values.shape, np.uint16)
    _into_halves(values.reshape(-1), halves.reshape(-1))
    return halves


@finite_kernel
def _pack_colors(sh: F32, logits: F32, colors: U32) -> int:
    for i in range(logits.shape[0]):  # apart from the rest, to be vector code
        colors[i] = rounded_byte(np.float32(255) * sigmoid(logits[i])) << np.int32(24)
    outside = np.int32(0)
    for i in range(np.uint64(logits.shape[0])):
        red, green, blue = color_level(sh[i, 0]), color_level(sh[i, 1]), color_level(sh[i, 2])
        least, largest = min(min(red, green), blue), max(max(red, green), blue)
        outside += np.int32(least < np.float32(-0.5)) | np.int32(largest >= np.float32(255.5))
        color = rounded_byte(red) | (rounded_byte(green) << np.int32(8)) | (rounded_byte(blue) << np.int32(16))
        colors[i] |= np.uint32(color)
    return int(outside)


@kernel
def _pack_floats(
    means: F32, scales: F32, quaternions: F32, colors: U32, sh: F32, order: I64, rows: F32, words: U32
) -> None:
    for i in range(np.uint64(means.shape[0])):
        for j in range(np.uint64(3)):
            rows[i, j] = means[i, j]
            rows[i, np.uint64(3) + j] = scales[i, j]
        for j in range(np.uint64(4)):
            rows[i, np.uint64(6) + j] = quaternions[i, j]
        words[i, 10] = colors[i]
        for j in range(np.uint64(order.shape[0])):
            rows[i, np.uint64(11) + np.uint64(order[j])] = sh[i, np.uint64(3) + j]


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
def _into_halves(values: F32, halves: U16) -> None:
    for i in range(values.shape[0]):
        halves[i] = _half(values[i])


@finite_kernel
def _quantise(means: F32, centers: F32, steps: float, places: U16) -> None:
    for i in range(means.shape[0]):
        away = (np.float64(means[i]) - np.float64(centers[i])) * steps + 32767.5
        places[i] = np.int32(min(max(away, 0.0), 65535.0))


@kernel
def _pack_head(places: U16, scales: U16, quaternions: U16, colors: U32, words: U16) -> None:
    for i in range(np.uint64(places.shape[0])):
        for j in range(np.uint64(3)):
            words[i, j] = places[i, j]
            words[i, np.uint64(3) + j] = scales[i, j]
        for j in range(np.uint64(4)):
            words[i, np.uint64(6) + j] = quaternions[i, j]
        words[i, 10] = colors[i] & np.uint32(0xFFFF)
        words[i, 11] = colors[i] >> np.uint32(16)


@kernel
def _pack_half_sh(halves: U16, order: I64, words: U16) -> None:
    for i in range(np.uint64(words.shape[0])):
        for j in range(np.uint64(order.shape[0])):
            words[i, np.uint64(12) + np.uint64(order[j])] = halves[i, np.uint64(3) + j]


@finite_kernel
def _pack_byte_sh(sh: F32, order: I64, low: float, high: float, rows: U8) -> None:
    steps = np.float32(255 / (high - low) if high > low else 0)
    levels = np.empty(sh.shape[1], np.uint8)
    for i in range(np.uint64(rows.shape[0])):
        for j in range(np.uint64(sh.shape[1])):
            levels[j] = rounded_byte((sh[i, j] - np.float32(low)) * steps)
        for j in range(np.uint64(order.shape[0])):
            rows[i, np.uint64(24) + np.uint64(order[j])] = levels[np.uint64(3) + j]


@kernel
def _single(half: np.uint16) -> np.float32:
    """A half-precision number; NaN where it is infinite too."""
    magnitude = np.uint32(half) & np.uint32(0x7FFF)
    sign = (np.uint32(half) & np.uint32(0x8000)) << np.uint32(16)
    # Put among the smallest numbers of float32, whose exponents are 112 less, and moved up from there.
    small = np.uint32(magnitude << np.uint32(13)).view(np.float32)
    bits = np.float32(small * np.float32(2.0**112)).view(np.uint32)
    return np.uint32((bits | sign) if magnitude < np.uint32(0x7C00) else np.uint32(0x7FC00000)).view(np.float32)


@kernel
def _unpack_head(words: U16, centers: F32, offset: int, step: float, means: F32, scales: F32, quaternions: F32) -> None:
    for i in range(np.uint64(words.shape[0])):
        for j in range(np.uint64(3)):
            means[i, j] = (np.int64(words[i, j]) - offset) * step + np.float64(centers[i, j])
            scales[i, j] = _single(words[i, np.uint64(3) + j])
        w, x, y, z = _single(words[i, 6]), _single(words[i, 7]), _single(words[i, 8]), _single(words[i, 9])
        inverse = np.float32(1) / np.sqrt(w * w + x * x + y * y + z * z)
        quaternions[i, 0], quaternions[i, 1] = w * inverse, x * inverse
        quaternions[i, 2], quaternions[i, 3] = y * inverse, z * inverse


@kernel
def _unpack_floats(rows: F32, order: I64, means: F32, scales: F32, quaternions: F32, sh: F32) -> None:
    for i in range(np.uint64(rows.shape[0])):
        for j in range(np.uint64(3)):
            means[i, j] = rows[i, j]
            scales[i, j] = rows[i, np.uint64(3) + j]
        for j in range(np.uint64(4)):
            quaternions[i, j] = rows[i, np.uint64(6) + j]
        for j in range(np.uint64(order.shape[0])):
            sh[i, np.uint64(3) + j] = rows[i, np.uint64(11) + np.uint64(order[j])]


@kernel
def _unpack_half_sh(words: U16, order: I64, sh: F32) -> None:
    for i in range(np.uint64(words.shape[0])):
        for j in range(np.uint64(order.shape[0])):
            sh[i, np.uint64(3) + j] = _single(words[i, np.uint64(12) + np.uint64(order[j])])


@kernel
def _unpack_byte_sh(rows: U8, order: I64, low: float, step: float, sh: F32) -> None:
    for i in range(np.uint64(rows.shape[0])):
        for j in range(np.uint64(order.shape[0])):
            level = np.float32(rows[i, np.uint64(24) + np.uint64(order[j])])
            sh[i, np.uint64(3) + j] = level * np.float32(step) + np.float32(low)


@kernel
def _are_sound(words: U16, halves_of_sh: int) -> bool:
    largest, least, turned = np.int32(0), np.int32(0x7FFF), True
    for i in range(np.uint64(words.shape[0])):
        for j in range(np.uint64(3)):
            scale = np.int32(words[i, np.uint64(3) + j])
            largest, least = max(largest, scale), min(least, scale)  # negative ones are the largest
        parts = np.int32(0)
        for j in range(np.uint64(4)):
            part = np.int32(words[i, np.uint64(6) + j]) & np.int32(0x7FFF)
            largest, parts = max(largest, part), parts | part
        turned &= parts != 0
        for j in range(np.uint64(halves_of_sh)):
            largest = max(largest, np.int32(words[i, np.uint64(12) + j]) & np.int32(0x7FFF))
    return bool(largest < _INFINITE_HALF and least > 0 and turned)


@kernel
def _unpack_colors(colors: U8, logits_of_bytes: F32, logits: F32, sh: F32) -> None:
    for i in range(np.uint64(colors.shape[0])):
        for j in range(np.uint64(3)):
            sh[i, j] = (np.float32(colors[i, j]) * np.float32(1 / 255) - np.float32(0.5)) * np.float32(1 / SH_C0)
        logits[i] = logits_of_bytes[colors[i, 3]]
