"""antimatter15's `.splat`: no header, 32 bytes per Gaussian, little endian.

| bytes | value                                                                    |
|-------|--------------------------------------------------------------------------|
| 0-11  | mean, 3 x f32                                                            |
| 12-23 | scale, 3 x f32, linear (metres)                                          |
| 24-26 | red, green, blue: trunc((0.5 + 0.28209479177387814 * f_dc) * 255)        |
| 27    | opacity: trunc(sigmoid(logit) * 255)                                     |
| 28-31 | quaternion w, x, y, z: trunc(q * 128 + 128)                              |

No spherical harmonics beyond the colour, no camera. Bytes are truncated, not rounded, as the reference does.
Source: github.com/antimatter15/splat `convert.py`.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.cloud import SH_C0, GaussianCloud
from immichvr_splats.compiled import F32, I32, U8, finite_kernel, kernel
from immichvr_splats.errors import InvalidCloudError, MalformedFileError
from immichvr_splats.formats.base import Decoded, Encoded
from immichvr_splats.losses import Loss, number
from immichvr_splats.numerics import LOGITS_OF_BYTES, color_level, exponentials, logarithms, sigmoid
from immichvr_splats.source import ReadLimits, Source
from immichvr_splats.stream import SOUND, UNSURE, SoundStream, Stream

U32 = NDArray[np.uint32]

_BYTES = 32
_ORDERS = ("file", "importance")
_NO_QUATERNION = np.int32(np.uint32(0x80808080).view(np.int32))
_INFINITY = np.int32(0x7F800000)


def read(source: Source, limits: ReadLimits) -> Decoded:
    """Decode; the file's order is kept."""
    count, left = divmod(source.size, _BYTES)
    if left:
        raise MalformedFileError(
            f"{source.name}: {source.size:,} bytes are no multiple of {_BYTES}; "
            f"{left} bytes are left at offset {count * _BYTES:,}"
        )
    limits.check_points(count, source.name)
    rows = np.frombuffer(source.data, np.float32).reshape(count, _BYTES // 4)
    stream = Stream(
        count,
        0,
        lambda which: _decode(np.array(rows[which])),
        decode_means=lambda which: np.array(rows[which, :3]),
        glance=lambda which: SOUND if _is_sound(rows[which].view(np.int32)) else UNSURE,
    )
    return Decoded(stream, [])


def write(stream: SoundStream, *, order: str = "file") -> Encoded:
    """Encode.

    order: "file" keeps the cloud's order; "importance" puts large opaque Gaussians first, so that viewers that draw
    while loading show the scene early.
    """
    if order not in _ORDERS:
        raise InvalidCloudError(f"order is {order!r}, splat takes one of {', '.join(_ORDERS)}")
    losses: list[Loss] = []
    if order == "importance":
        importance = np.concatenate([np.empty(0, np.float32), *stream.blocks(_importance)])
        stream = stream.selected(np.argsort(-importance, kind="stable"))
        losses.append(Loss("order", "Gaussians were sorted by size and opacity"))
    return Encoded(_chunks(stream, losses), losses)


def _chunks(stream: SoundStream, losses: list[Loss]) -> Iterator[memoryview]:
    vivid = 0
    for rows, block_vivid in stream.blocks(_encode):
        vivid += block_vivid
        yield rows.reshape(-1).view(np.uint8).data
    if vivid:
        losses.append(Loss("clamped", f"{number(vivid, 'Gaussian')} with a colour outside 0 to 1, clamped", vivid))


def _importance(cloud: GaussianCloud) -> F32:
    # ln(volume * opacity): the same order as the product, which could overflow
    log_volume: F32 = cloud.log_scales.sum(axis=1)
    return log_volume - np.logaddexp(np.float32(0), -cloud.opacity_logits)


def _encode(block: GaussianCloud) -> tuple[F32, int]:
    """Rows, (N, 8) words, and how many have a colour that had to be clamped."""
    rows = np.empty((block.count, _BYTES // 4), np.float32)
    colors, rotations = np.empty(block.count, np.uint32), np.empty(block.count, np.uint32)
    vivid = _pack_colors(block.flat_sh, block.opacity_logits, colors)
    _pack_rotations(block.quaternions, rotations)
    _pack(block.means, exponentials(block.log_scales)[0], colors, rotations, rows, rows.view(np.uint32))
    return rows, vivid


def _decode(rows: F32) -> GaussianCloud:
    cloud = GaussianCloud.empty(rows.shape[0], 0)
    arrays = (cloud.means, cloud.log_scales, cloud.quaternions, cloud.opacity_logits, cloud.flat_sh)
    _unpack(rows, rows.view(np.uint8), LOGITS_OF_BYTES, *arrays)
    logarithms(cloud.log_scales)  # what is no size is dropped by its logarithm, NaN
    return cloud


@kernel
def _is_sound(bits: I32) -> bool:
    largest, least, turned = np.int32(0), np.int32(0x7FFFFFFF), True
    for i in range(np.uint64(bits.shape[0])):
        for j in range(np.uint64(3)):
            scale = bits[i, np.uint64(3) + j]
            largest = max(largest, max(bits[i, j] & np.int32(0x7FFFFFFF), scale & np.int32(0x7FFFFFFF)))
            least = min(least, scale)
        turned &= bits[i, 7] != _NO_QUATERNION
    return bool(largest < _INFINITY and least > 0 and turned)


@kernel
def _unpack(
    rows: F32,
    bytes_of_rows: U8,
    logits_of_bytes: F32,
    means: F32,
    scales: F32,
    quaternions: F32,
    logits: F32,
    colors: F32,
) -> None:
    for i in range(np.uint64(rows.shape[0])):
        for j in range(np.uint64(3)):
            means[i, j] = rows[i, j]
            scales[i, j] = rows[i, np.uint64(3) + j]
            color = np.float32(bytes_of_rows[i, np.uint64(24) + j]) * np.float32(1 / 255)
            colors[i, j] = (color - np.float32(0.5)) * np.float32(1 / SH_C0)
        logits[i] = logits_of_bytes[bytes_of_rows[i, 27]]
        squares = np.float32(0)
        for j in range(np.uint64(4)):
            level = np.float32(bytes_of_rows[i, np.uint64(28) + j]) - np.float32(128)
            quaternions[i, j] = level
            squares += level * level
        inverse = np.float32(1) / np.sqrt(squares)
        for j in range(np.uint64(4)):
            quaternions[i, j] *= inverse


@finite_kernel
def _pack_colors(sh: F32, logits: F32, colors: U32) -> int:
    for i in range(logits.shape[0]):  # apart from the rest, to be vector code
        colors[i] = np.int32(np.float32(255) * sigmoid(logits[i])) << np.int32(24)
    outside = np.int32(0)
    for i in range(np.uint64(logits.shape[0])):
        red, green, blue = color_level(sh[i, 0]), color_level(sh[i, 1]), color_level(sh[i, 2])
        least, largest = min(min(red, green), blue), max(max(red, green), blue)
        outside += np.int32(least < np.float32(0)) | np.int32(largest >= np.float32(256))
        colors[i] |= np.uint32(_byte(red) | (_byte(green) << np.int32(8)) | (_byte(blue) << np.int32(16)))
    return int(outside)


@finite_kernel
def _byte(level: np.float32) -> np.int32:
    return np.int32(min(max(level, np.float32(0)), np.float32(255)))


@finite_kernel
def _pack_rotations(quaternions: F32, rotations: U32) -> None:
    half = np.float32(128)
    for i in range(np.uint64(rotations.shape[0])):
        w, x = _byte(quaternions[i, 0] * half + half), _byte(quaternions[i, 1] * half + half)
        y, z = _byte(quaternions[i, 2] * half + half), _byte(quaternions[i, 3] * half + half)
        rotations[i] = w | (x << np.int32(8)) | (y << np.int32(16)) | (z << np.int32(24))


@kernel
def _pack(means: F32, scales: F32, colors: U32, rotations: U32, rows: F32, words: U32) -> None:
    for i in range(np.uint64(rows.shape[0])):
        for j in range(np.uint64(3)):
            rows[i, j] = means[i, j]
            rows[i, np.uint64(3) + j] = scales[i, j]
        words[i, 6] = colors[i]
        words[i, 7] = rotations[i]
