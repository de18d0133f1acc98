"""Chunks of a compressed PLY, packed and unpacked: see `codec.py` for their layout."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.cloud import SH_C0, GaussianCloud
from immichvr_splats.compiled import F32, F64, I32, I64, U8, U64, finite_kernel, kernel
from immichvr_splats.numerics import (
    LOGITS_OF_BYTES,
    choice,
    count_outside,
    into_lanes,
    largest_magnitude,
    out_of_lanes,
    sigmoid,
)
from immichvr_splats.reach import Interval
from immichvr_splats.stream import Rows, row_numbers

U32 = NDArray[np.uint32]

CHUNK = 256
LARGEST_LOG_SCALE = 20.0
LARGEST_SH = 4.0

_LEAST_RANGE = 1e-5
_SQRT_HALF = 0.7071067811865476
_LARGEST_SH_BITS = int(np.float32(LARGEST_SH).view(np.int32))


class Planes(NamedTuple):
    """chunks: (C, 18). packed: (N, 4). sh: (N, 3 K)."""

    chunks: F32
    packed: U32
    sh: U8


def pack(block: GaussianCloud, colors: Interval) -> tuple[Planes, I64]:
    """The planes of a block that begins with a chunk, and how many Gaussians have a log-scale, SH, colour clamped.

    colors: f_dc beyond it does not count for the range of its chunk, unless all of the chunk's are.
    """
    n, coefficients = block.count, block.sh.shape[1] - 1
    rest = 3 * coefficients
    planes = Planes(
        np.empty((-(-n // CHUNK), 18), np.float32), np.empty((n, 4), np.uint32), np.empty((n, rest), np.uint8)
    )
    clamped = np.zeros(3, np.int64)
    limits = np.array([bound * SH_C0 + 0.5 for bound in colors], np.float32)
    strays = _pack(
        block.means, block.log_scales, block.quaternions, block.opacity_logits, block.flat_sh,
        limits, planes.chunks, planes.packed,
    )  # fmt: skip
    if strays:
        clamped[2] = count_outside(np.ascontiguousarray(block.flat_sh[:, :3]), *colors)
    if abs(planes.chunks[:, 6:12]).max() >= LARGEST_LOG_SCALE:
        clamped[0] = count_outside(block.log_scales, -LARGEST_LOG_SCALE, LARGEST_LOG_SCALE)
    if rest:
        places = [3 + 3 * k + c for c in range(3) for k in range(coefficients)]
        _pack_bands(block.flat_sh, np.array(places, np.uint64), planes.sh)
        if largest_magnitude(block.flat_sh.reshape(-1).view(np.int32)) > _LARGEST_SH_BITS:
            clamped[1] = count_outside(block.flat_sh[:, 3:], -LARGEST_SH, LARGEST_SH)
    return planes, clamped


def unpack(planes: Planes, which: Rows, degree: int) -> GaussianCloud:
    """The Gaussians at some rows."""
    rows = row_numbers(which)
    cloud = GaussianCloud.empty(rows.size, degree)
    arrays = (cloud.means, cloud.log_scales, cloud.quaternions, cloud.opacity_logits, cloud.flat_sh)
    _unpack(rows, planes.chunks, np.array(planes.packed[which]), LOGITS_OF_BYTES, *arrays)
    if degree:
        stored = planes.sh.shape[1] // 3
        columns = [c * stored + k for k in range(cloud.sh.shape[1] - 1) for c in range(3)]
        _unpack_bands(np.array(planes.sh[which]), np.array(columns, np.uint64), _SH_OF_BYTES, cloud.flat_sh)
    return cloud


def unpack_means(planes: Planes, which: Rows) -> F32:
    """The means at some rows, (M, 3)."""
    rows = row_numbers(which)
    means = np.empty((rows.size, 3), np.float32)
    _unpack_means(rows, planes.chunks, np.array(planes.packed[which][:, 0]), means)
    return means


# The middle of what was truncated, but for both ends, which are what is clamped there.
_SH_OF_BYTES: F32 = ((np.concatenate([[0], np.arange(1, 255) + 0.5, [256]]) - 128) / 32).astype(np.float32)


@finite_kernel
def _pack(
    means: F32,
    log_scales: F32,
    quaternions: F32,
    logits: F32,
    sh: F32,
    colors: F32,
    chunks: F32,
    packed: U32,
) -> int:
    """How many colours were clamped. colors: (2,), what counts for a chunk's range of them."""
    strays = 0
    lanes, levels = np.empty((13, CHUNK), np.float32), np.empty((11, CHUNK), np.int32)
    limit = np.float32(LARGEST_LOG_SCALE)
    for chunk in range(chunks.shape[0]):
        first = chunk * CHUNK
        size = min(CHUNK, means.shape[0] - first)
        into_lanes(means[first : first + size], lanes[:3])
        into_lanes(log_scales[first : first + size], lanes[3:6])
        into_lanes(sh[first : first + size], lanes[6:9])
        into_lanes(quaternions[first : first + size], lanes[9:])
        for j in range(3):
            for i in range(size):
                lanes[3 + j, i] = min(max(lanes[3 + j, i], -limit), limit)
                lanes[6 + j, i] = lanes[6 + j, i] * np.float32(SH_C0) + np.float32(0.5)
        for j in range(9):
            bits = 8 if j >= 6 else 10 if j % 3 == 1 else 11
            place = 6 * (j // 3) + j % 3
            low, high = _extremes(lanes[j, :size].view(np.int32))
            if j >= 6 and (low < colors[0] or high > colors[1]):
                strays += _clamp_strays(lanes[j, :size], colors[0], colors[1])
                low, high = _extremes(lanes[j, :size].view(np.int32))
            _quantise(lanes[j, :size], bits, low, high, levels[j])
            chunks[chunk, place], chunks[chunk, place + 3] = low, high
        _pack_rotations(lanes[9], lanes[10], lanes[11], lanes[12], levels[9])
        for i in range(size):
            levels[10, i] = np.int32(sigmoid(logits[first + i]) * np.float32(255) + np.float32(0.5))
        _join(levels, packed[first : first + size])
    return strays


@finite_kernel
def _quantise(values: F32, bits: int, low: np.float32, high: np.float32, levels: I32) -> None:
    """Steps of the values' range."""
    span = np.float64(high) - np.float64(low)
    steps = ((1 << bits) - 1) / span if span >= _LEAST_RANGE else 0.0
    for i in range(values.shape[0]):
        levels[i] = np.int32((np.float64(values[i]) - np.float64(low)) * steps + 0.5)


@finite_kernel
def _clamp_strays(values: F32, low: np.float32, high: np.float32) -> int:
    """Clamp values outside of `low` to `high` to the range of the others, if there are others; how many there were."""
    least, most, strays = high, low, 0
    for i in range(values.shape[0]):
        if values[i] < low or values[i] > high:
            strays += 1
        else:
            least, most = min(least, values[i]), max(most, values[i])
    if strays < values.shape[0]:
        for i in range(values.shape[0]):
            values[i] = min(max(values[i], least), most)
    return strays


@kernel
def _extremes(bits: I32) -> tuple[np.float32, np.float32]:
    # As integers that order like the numbers do: of these, LLVM finds the least and greatest with vector code.
    magnitude = np.int32(0x7FFFFFFF)
    low, high = magnitude, np.int32(-magnitude)
    for i in range(bits.shape[0]):
        ordered = bits[i] ^ ((bits[i] >> np.int32(31)) & magnitude)
        low, high = min(low, ordered), max(high, ordered)
    low, high = low ^ ((low >> np.int32(31)) & magnitude), high ^ ((high >> np.int32(31)) & magnitude)
    return np.int32(low).view(np.float32), np.int32(high).view(np.float32)


@finite_kernel
def _pack_rotations(ws: F32, xs: F32, ys: F32, zs: F32, levels: I32) -> None:
    # Without branches, which would be foreseen wrongly for every other Gaussian, and for vector code.
    for i in range(levels.shape[0]):
        w, x, y, z = ws[i], xs[i], ys[i], zs[i]
        is_x = np.int32(abs(x) > abs(w))
        is_y = np.int32(abs(y) > max(abs(w), abs(x)))
        is_z = np.int32(abs(z) > max(max(abs(w), abs(x)), abs(y)))
        largest = choice(is_z, np.int32(3), choice(is_y, np.int32(2), is_x))
        of_largest = z if is_z else y if is_y else x if is_x else w
        sign = np.float32(-1) if of_largest < 0 else np.float32(1)
        a, b, c, d = _ten_bits(sign * w), _ten_bits(sign * x), _ten_bits(sign * y), _ten_bits(sign * z)
        first = choice(np.int32(largest > 0), a, b)
        second = choice(np.int32(largest > 1), b, c)
        third = choice(np.int32(largest > 2), c, d)
        levels[i] = (largest << np.int32(30)) | (first << np.int32(20)) | (second << np.int32(10)) | third


@finite_kernel
def _ten_bits(component: np.float32) -> np.int32:
    level = (component * np.float32(_SQRT_HALF) + np.float32(0.5)) * np.float32(1023) + np.float32(0.5)
    return np.int32(min(max(level, np.float32(0)), np.float32(1023)))


@kernel
def _join(levels: I32, packed: U32) -> None:
    for i in range(packed.shape[0]):
        packed[i, 0] = (levels[0, i] << np.int32(21)) | (levels[1, i] << np.int32(11)) | levels[2, i]
        packed[i, 1] = levels[9, i]
        packed[i, 2] = (levels[3, i] << np.int32(21)) | (levels[4, i] << np.int32(11)) | levels[5, i]
        color = (levels[6, i] << np.int32(24)) | (levels[7, i] << np.int32(16)) | (levels[8, i] << np.int32(8))
        packed[i, 3] = color | levels[10, i]


@finite_kernel
def _pack_bands(sh: F32, places: U64, bands: U8) -> None:
    width = np.uint64(sh.shape[1])
    levels = np.empty(sh.shape[1], np.uint8)
    for i in range(sh.shape[0]):
        for j in range(width):
            level = sh[i, j] * np.float32(32) + np.float32(128)
            levels[j] = np.int32(min(max(level, np.float32(0)), np.float32(255)))
        for j in range(np.uint64(places.shape[0])):
            bands[i, j] = levels[places[j]]


@kernel
def _unpack(
    rows: I64,
    chunks: F32,
    packed: U32,
    logits_of_bytes: F32,
    means: F32,
    log_scales: F32,
    quaternions: F32,
    logits: F32,
    sh: F32,
) -> None:
    lows, steps, lanes = np.empty(9), np.empty(9), np.empty((4, CHUNK), np.float32)
    flat = quaternions.reshape(-1)
    start = 0
    while start < rows.shape[0]:
        chunk, stop = rows[start] // CHUNK, start + 1
        while stop < min(rows.shape[0], start + CHUNK) and rows[stop] // CHUNK == chunk:
            stop += 1
        _ranges(chunks[chunk], lows, steps)
        words = packed[start:stop]
        _unpack_parts(words, 0, lows[:3], steps[:3], means[start:stop])
        _unpack_parts(words, 2, lows[3:6], steps[3:6], log_scales[start:stop])
        _unpack_colors(words, lows[6:], steps[6:], logits_of_bytes, sh[start:stop], logits[start:stop])
        _split_rotations(words, lanes[0], lanes[1], lanes[2], lanes[3])
        out_of_lanes(lanes[0], lanes[1], lanes[2], lanes[3], flat[4 * start : 4 * stop])
        start = stop


@kernel
def _unpack_parts(packed: U32, word: int, lows: F64, steps: F64, values: F32) -> None:
    low0, low1, low2, step0, step1, step2 = lows[0], lows[1], lows[2], steps[0], steps[1], steps[2]
    for i in range(np.uint64(packed.shape[0])):
        parts = packed[i, word]
        values[i, 0] = low0 + _part(parts, 21, 2047) * step0
        values[i, 1] = low1 + _part(parts, 11, 1023) * step1
        values[i, 2] = low2 + _part(parts, 0, 2047) * step2


@kernel
def _unpack_colors(packed: U32, lows: F64, steps: F64, logits_of_bytes: F32, sh: F32, logits: F32) -> None:
    low0, low1, low2, step0, step1, step2 = lows[0], lows[1], lows[2], steps[0], steps[1], steps[2]
    for i in range(np.uint64(packed.shape[0])):
        color = packed[i, 3]
        sh[i, 0] = low0 + _part(color, 24, 255) * step0
        sh[i, 1] = low1 + _part(color, 16, 255) * step1
        sh[i, 2] = low2 + _part(color, 8, 255) * step2
        logits[i] = logits_of_bytes[color & np.uint32(255)]


@kernel
def _unpack_means(rows: I64, chunks: F32, packed: U32, means: F32) -> None:
    lows, steps = np.empty(9), np.empty(9)
    chunk = np.int64(-1)
    for i in range(np.uint64(rows.shape[0])):
        if rows[i] // CHUNK != chunk:
            chunk = rows[i] // CHUNK
            _ranges(chunks[chunk], lows, steps)
        means[i, 0] = lows[0] + _part(packed[i], 21, 2047) * steps[0]
        means[i, 1] = lows[1] + _part(packed[i], 11, 1023) * steps[1]
        means[i, 2] = lows[2] + _part(packed[i], 0, 2047) * steps[2]


@kernel
def _part(packed: np.uint32, shift: int, mask: int) -> np.int32:
    return np.int32((packed >> np.uint32(shift)) & np.uint32(mask))


@kernel
def _ranges(limits: F32, lows: F64, steps: F64) -> None:
    """Least value and step of means, log-scales and the constant harmonics of a chunk."""
    for j in range(9):
        most = 255 if j >= 6 else 1023 if j % 3 == 1 else 2047
        low, high = np.float64(limits[6 * (j // 3) + j % 3]), np.float64(limits[6 * (j // 3) + 3 + j % 3])
        unit = 1 / SH_C0 if j >= 6 else 1.0
        lows[j] = (low - 0.5) * unit if j >= 6 else low
        steps[j] = (high - low) / most * unit


@finite_kernel
def _split_rotations(words: U32, ws: F32, xs: F32, ys: F32, zs: F32) -> None:
    # Without branches, for vector code.
    unit, one = np.float32(1 / 1023 / _SQRT_HALF), np.float32(1)
    for i in range(np.uint64(words.shape[0])):
        packed = words[i, 1]
        a = (np.float32(_part(packed, 20, 1023)) - np.float32(511.5)) * unit
        b = (np.float32(_part(packed, 10, 1023)) - np.float32(511.5)) * unit
        c = (np.float32(_part(packed, 0, 1023)) - np.float32(511.5)) * unit
        squares = a * a + b * b + c * c
        rest = np.sqrt(max(np.float32(0), one - squares))
        shrink = one / np.sqrt(max(squares, one))  # where they are too long for a unit quaternion
        a, b, c = a * shrink, b * shrink, c * shrink
        largest = _part(packed, 30, 3)
        ws[i] = rest if largest == np.int32(0) else a
        xs[i] = rest if largest == np.int32(1) else (a if largest == np.int32(0) else b)
        ys[i] = rest if largest == np.int32(2) else (c if largest == np.int32(3) else b)
        zs[i] = rest if largest == np.int32(3) else c


@kernel
def _unpack_bands(bands: U8, columns: U64, sh_of_bytes: F32, sh: F32) -> None:
    for i in range(np.uint64(bands.shape[0])):
        for j in range(np.uint64(columns.shape[0])):
            sh[i, np.uint64(3) + j] = sh_of_bytes[bands[i, columns[j]]]
