"""The planes of SPZ, quantised and back: see `codec.py` for their layout."""

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.cloud import GaussianCloud
from immichvr_splats.compiled import F32, I32, I64, U8, finite_kernel, kernel
from immichvr_splats.numerics import (
    LOGITS_OF_BYTES,
    choice,
    count_outside,
    into_lanes,
    out_of_lanes,
    rounded_byte,
    sigmoid,
)
from immichvr_splats.stream import Rows

U32 = NDArray[np.uint32]

LARGEST_STEPS = 2**23 - 1
"""Of a mean, in units of 2^-fractional_bits m: 24 bits with sign."""

_SQRT_HALF = 0.7071067811865476
_TILE = 64
_LANE = 256


def plane_sizes(version: int, coefficients: int) -> tuple[int, ...]:
    """Bytes per Gaussian of positions, alphas, colours, scales, rotations and SH. coefficients: beyond the first."""
    return 6 if version == 1 else 9, 1, 3, 3, 4 if version >= 3 else 3, 3 * coefficients


def pack(block: GaussianCloud, version: int, fractional_bits: int) -> tuple[list[U8], I64]:
    """The planes of one block, and how many Gaussians have a mean, scale, colour, SH beyond what can be stored."""
    n, coefficients = block.count, block.sh.shape[1] - 1
    planes = [np.empty(n * size, np.uint8) for size in plane_sizes(version, coefficients)]
    positions, alphas, colors, scales, rotations, bands = planes
    clamped = np.zeros(4, np.int64)
    arrays = (block.means, block.log_scales, block.opacity_logits, block.flat_sh)
    _pack(*arrays, 2.0**fractional_bits, positions, alphas, colors, scales, bands, clamped)
    if clamped.any():  # values were counted; Gaussians are what is wanted
        clamped = _clamped(block, LARGEST_STEPS / 2.0**fractional_bits)
    if version >= 3:
        _pack_smallest_three(block.quaternions, rotations.view(np.uint32))
    else:
        _pack_xyz(block.quaternions, rotations)
    return planes, clamped


def _clamped(block: GaussianCloud, reach: float) -> I64:
    bounds = (
        (block.means, -reach, reach),
        (block.log_scales, -10 - 0.5 / 16, -10 + 255.4999 / 16),
        (block.flat_sh[:, :3], -128 / 38.25, 127.9999 / 38.25),
        (block.flat_sh[:, 3:], -128.5 / 128, 128.4999 / 128),
    )
    return np.array([count_outside(np.ascontiguousarray(values), low, high) for values, low, high in bounds], np.int64)


def unpack_means(plane: U8, version: int, fractional_bits: int, which: Rows) -> F32:
    """The means at some rows, (M, 3)."""
    if version == 1:
        halves: F32 = plane.view("<f2").reshape(-1, 3)[which].astype(np.float32)
        return halves
    positions = _taken(plane, 9, which)
    means = np.empty((positions.size // 9, 3), np.float32)
    _unpack_positions(positions, np.float32(2.0**-fractional_bits), means.reshape(-1))
    return means


def unpack(
    planes: list[U8], version: int, fractional_bits: int, stored: int, degree: int, which: Rows
) -> GaussianCloud:
    """The Gaussians at some rows. stored: coefficients beyond the first in the file, at least those of `degree`."""
    sizes = plane_sizes(version, stored)
    alphas, colors, scales, rotations = (_taken(planes[i], sizes[i], which) for i in range(1, 5))
    cloud = GaussianCloud.empty(alphas.size, degree)
    cloud.means[:] = unpack_means(planes[0], version, fractional_bits, which)
    _unpack_scales(scales, cloud.log_scales.reshape(-1))
    _unpack_alphas(alphas, LOGITS_OF_BYTES, cloud.opacity_logits)
    if degree:
        _unpack_harmonics(colors, _taken(planes[5], sizes[5], which), 3 * stored, cloud.flat_sh)
    else:
        _unpack_colors(colors, cloud.sh.reshape(-1))
    (_unpack_smallest_three if version >= 3 else _unpack_xyz)(rotations, cloud.quaternions)
    return cloud


def _taken(plane: U8, size: int, which: Rows) -> U8:
    """The bytes of some rows of `size` bytes, one after the other: a view where they stand so."""
    if isinstance(which, slice):
        return plane[size * which.start : size * which.stop]
    taken = np.empty(size * which.size, np.uint8)
    _take(plane, size, which, taken)
    taken.flags.writeable = False  # as the planes are: kernels are compiled apart for what may be written
    return taken


@kernel
def _pack(
    means: F32,
    log_scales: F32,
    logits: F32,
    sh: F32,
    unit: float,
    positions: U8,
    alphas: U8,
    colors: U8,
    scales: U8,
    bands: U8,
    clamped: I64,
) -> None:
    n = logits.shape[0]
    clamped[0] = _pack_positions(means.reshape(3 * n), np.float32(unit), positions)
    flat = log_scales.reshape(3 * n)
    outside = np.int32(0)
    for i in range(3 * n):
        scale = (flat[i] + np.float32(10)) * np.float32(16)
        outside += np.int32(scale < np.float32(-0.5)) | np.int32(scale >= np.float32(255.5))
        scales[i] = rounded_byte(scale)
    clamped[1] = outside
    outside = np.int32(0)
    constant = (sh if sh.shape[1] == 3 else np.ascontiguousarray(sh[:, :3])).reshape(3 * n)
    for i in range(3 * n):
        color = constant[i] * np.float32(0.15 * 255) + np.float32(127.5)
        outside += np.int32(color < np.float32(-0.5)) | np.int32(color >= np.float32(255.5))
        colors[i] = rounded_byte(color)
    clamped[2] = outside
    for i in range(n):
        alphas[i] = rounded_byte(np.float32(255) * sigmoid(logits[i]))
    clamped[3] = _pack_bands(sh, bands)


@kernel
def _pack_positions(means: F32, unit: np.float32, positions: U8) -> int:
    most = np.float32(LARGEST_STEPS)
    whole = np.empty(means.shape[0], np.int32)
    outside = np.int32(0)
    for i in range(means.shape[0]):
        exact = means[i] * unit
        steps = np.floor(exact)
        steps += np.float32(exact - steps >= np.float32(0.5))  # adding a half first would round at 23 bits
        outside += np.int32(steps > most) | np.int32(steps < -most)
        whole[i] = np.int32(min(max(steps, -most), most))
    for i in range(means.shape[0]):
        positions[3 * i] = whole[i] & np.int32(255)
        positions[3 * i + 1] = (whole[i] >> np.int32(8)) & np.int32(255)
        positions[3 * i + 2] = (whole[i] >> np.int32(16)) & np.int32(255)
    return int(outside)


@kernel
def _pack_bands(sh: F32, bands: U8) -> int:
    width = sh.shape[1]
    if width == 3:
        return 0
    # Long runs of all coefficients make vector code; the constant ones among them are not stored, nor counted.
    place = np.arange(_TILE * width) % width
    steps = np.where(place < 12, 8, 16).astype(np.int32)
    counted = (place >= 3).astype(np.int32)
    levels = np.empty(place.shape[0], np.uint8)
    stored = bands.reshape(sh.shape[0], width - 3)
    outside = 0
    for first in range(0, sh.shape[0], _TILE):
        rows = min(_TILE, sh.shape[0] - first)
        outside += _pack_levels(sh[first : first + rows].reshape(rows * width), steps, counted, levels)
        stored[first : first + rows] = levels.reshape(_TILE, width)[:rows, 3:]
    return outside


@kernel
def _pack_levels(sh: F32, steps: I32, counted: I32, levels: U8) -> int:
    outside = np.int32(0)
    for i in range(sh.shape[0]):
        level = np.floor(sh[i] * np.float32(128) + np.float32(128.5))
        outside += (np.int32(level < np.float32(0)) | np.int32(level > np.float32(256))) & counted[i]
        whole = np.int32(min(max(level, np.float32(0)), np.float32(256)))
        levels[i] = min((whole + (steps[i] >> np.int32(1))) & -steps[i], np.int32(255))
    return int(outside)


@kernel
def _pack_smallest_three(quaternions: F32, packed: U32) -> None:
    lanes = np.empty((4, _LANE), np.float32)
    for first in range(0, packed.shape[0], _LANE):
        rows = slice(first, min(first + _LANE, packed.shape[0]))
        into_lanes(quaternions[rows], lanes)
        _join_smallest_three(lanes[0], lanes[1], lanes[2], lanes[3], packed[rows])


@finite_kernel
def _join_smallest_three(ws: F32, xs: F32, ys: F32, zs: F32, packed: U32) -> None:
    # Without branches, which would be foreseen wrongly for every other Gaussian, and for vector code.
    for i in range(packed.shape[0]):
        w, x, y, z = ws[i], xs[i], ys[i], zs[i]
        is_y = np.int32(abs(y) > abs(x))
        is_z = np.int32(abs(z) > max(abs(x), abs(y)))
        is_w = np.int32(abs(w) > max(max(abs(x), abs(y)), abs(z)))
        largest = choice(is_w, np.int32(3), choice(is_z, np.int32(2), is_y))
        negative = np.int32((w if is_w else z if is_z else y if is_y else x) < 0)
        a, b, c, d = _nine_bits(x, negative), _nine_bits(y, negative), _nine_bits(z, negative), _nine_bits(w, negative)
        first = choice(np.int32(largest > 0), a, b)
        second = choice(np.int32(largest > 1), b, c)
        third = choice(np.int32(largest > 2), c, d)
        packed[i] = (largest << np.int32(30)) | (first << np.int32(20)) | (second << np.int32(10)) | third


@kernel
def _nine_bits(component: np.float32, flipped: np.int32) -> np.int32:
    magnitude = np.int32(np.float32(511 * 1.4142135623730951) * abs(component) + np.float32(0.5))
    negative = np.int32(component < 0) ^ flipped
    return np.int32((negative << np.int32(9)) | min(magnitude, np.int32(511)))


@kernel
def _pack_xyz(quaternions: F32, packed: U8) -> None:
    for i in range(quaternions.shape[0]):
        sign = np.float32(-127.5) if quaternions[i, 0] < 0 else np.float32(127.5)
        for j in range(3):
            packed[3 * i + j] = rounded_byte(quaternions[i, 1 + j] * sign + np.float32(127.5))


@kernel
def _take(plane: U8, size: int, rows: I64, taken: U8) -> None:
    width = np.uint64(size)
    for i in range(np.uint64(rows.shape[0])):
        row = np.uint64(rows[i]) * width
        for j in range(width):
            taken[i * width + j] = plane[row + j]


@kernel
def _unpack_positions(plane: U8, step: np.float32, means: F32) -> None:
    for i in range(np.uint64(means.shape[0])):
        at = np.uint64(3) * i
        low, middle, high = plane[at], plane[at + np.uint64(1)], np.int8(plane[at + np.uint64(2)])
        bits = np.int32(np.int32(low) | np.int32(middle) << np.int32(8) | np.int32(high) << np.int32(16))
        means[i] = np.float32(bits) * step


@kernel
def _unpack_scales(levels: U8, log_scales: F32) -> None:
    for i in range(levels.shape[0]):
        log_scales[i] = np.float32(levels[i]) * np.float32(1 / 16) - np.float32(10)


@kernel
def _unpack_alphas(alphas: U8, logits_of_bytes: F32, logits: F32) -> None:
    for i in range(alphas.shape[0]):
        logits[i] = logits_of_bytes[alphas[i]]


@kernel
def _unpack_colors(levels: U8, colors: F32) -> None:
    for i in range(levels.shape[0]):
        color = np.float32(levels[i]) * np.float32(1 / 255) - np.float32(0.5)
        colors[i] = color * np.float32(1 / 0.15)


@kernel
def _unpack_harmonics(colors: U8, bands: U8, stored: int, sh: F32) -> None:
    for i in range(np.uint64(sh.shape[0])):
        for j in range(np.uint64(3)):
            color = np.float32(colors[np.uint64(3) * i + j]) * np.float32(1 / 255) - np.float32(0.5)
            sh[i, j] = color * np.float32(1 / 0.15)
        for j in range(np.uint64(sh.shape[1] - 3)):
            band = np.float32(bands[np.uint64(stored) * i + j])
            sh[i, np.uint64(3) + j] = (band - np.float32(128)) * np.float32(1 / 128)


@kernel
def _unpack_smallest_three(plane: U8, quaternions: F32) -> None:
    words, lanes = np.empty(_LANE, np.int32), np.empty((4, _LANE), np.float32)
    flat = quaternions.reshape(-1)
    for first in range(0, quaternions.shape[0], _LANE):
        rows = min(_LANE, quaternions.shape[0] - first)
        span = slice(4 * first, 4 * (first + rows))
        _copy(plane[span], words.view(np.uint8))
        _split_smallest_three(words[:rows], lanes[0], lanes[1], lanes[2], lanes[3])
        out_of_lanes(lanes[0], lanes[1], lanes[2], lanes[3], flat[span])


@kernel
def _copy(source: U8, target: U8) -> None:
    for i in range(np.uint64(source.shape[0])):
        target[i] = source[i]


@finite_kernel
def _split_smallest_three(words: I32, ws: F32, xs: F32, ys: F32, zs: F32) -> None:
    # Without branches, for vector code.
    one = np.float32(1)
    for i in range(words.shape[0]):
        packed = words[i]
        a, b, c = _signed(packed >> np.int32(20)), _signed(packed >> np.int32(10)), _signed(packed)
        squares = a * a + b * b + c * c
        shrink = one / np.sqrt(max(squares, one))  # where they are too long for a unit quaternion
        rest = np.sqrt(max(one - squares, np.float32(0)))
        a, b, c = a * shrink, b * shrink, c * shrink
        largest = np.int32((packed >> np.int32(30)) & np.int32(3))
        ws[i] = rest if largest == np.int32(3) else c
        xs[i] = rest if largest == np.int32(0) else a
        ys[i] = rest if largest == np.int32(1) else (a if largest == np.int32(0) else b)
        zs[i] = rest if largest == np.int32(2) else (c if largest == np.int32(3) else b)


@finite_kernel
def _signed(bits: int | np.int32) -> np.float32:
    magnitude = np.float32(np.int32(bits & np.int32(511))) * np.float32(_SQRT_HALF / 511)
    return np.float32(-magnitude if bits & np.int32(512) else magnitude)


@kernel
def _unit(a: np.float32, b: np.float32, c: np.float32) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Three components, shrunk where they are too long for a unit quaternion, and the fourth."""
    squares = a * a + b * b + c * c
    if squares > 1:
        shrink = np.float32(1) / np.sqrt(squares)
        return a * shrink, b * shrink, c * shrink, np.float32(0)
    return a, b, c, np.sqrt(np.float32(1) - squares)


@kernel
def _unpack_xyz(plane: U8, quaternions: F32) -> None:
    for i in range(np.uint64(quaternions.shape[0])):
        at = np.uint64(3) * i
        x = np.float32(plane[at]) * np.float32(1 / 127.5) - np.float32(1)
        y = np.float32(plane[at + np.uint64(1)]) * np.float32(1 / 127.5) - np.float32(1)
        z = np.float32(plane[at + np.uint64(2)]) * np.float32(1 / 127.5) - np.float32(1)
        quaternions[i, 1], quaternions[i, 2], quaternions[i, 3], quaternions[i, 0] = _unit(x, y, z)
