"""Niantic `.spz`, versions 2 and 3.

gzip of: header, 16 B little endian: u32 magic "NGSP", u32 version, u32 count, u8 sh_degree, u8 fractional_bits,
u8 flags (1 antialiased, 2 extensions), u8 reserved; then planes, each for all Gaussians:

| plane     | bytes | value                                                                             |
|-----------|-------|-----------------------------------------------------------------------------------|
| positions | 9     | 3 x int24, round(p * 2^fractional_bits)                                           |
| alphas    | 1     | round(sigmoid(logit) * 255)                                                       |
| colours   | 3     | round(f_dc * 0.15 * 255 + 127.5)                                                  |
| scales    | 3     | round((ln s + 10) * 16)                                                           |
| rotations | 4     | v3, u32: index of the largest of x, y, z, w in the top 2 bits, then for the others |
|           |       | in that order a sign bit and 9 bits of |q| * sqrt(2) * 511                        |
|           | 3     | v2: xyz * sign(w) * 127.5 + 127.5                                                 |
| sh        | 3 K   | coefficient-major RGB, round(v * 128) + 128, to multiples of 8 (degree 1) or 16   |

Axes are stored as they are (RDF), as splat-transform, gsply, gaussforge and Niantic's own `ply_to_spz` command do;
the specification's RUB is what Niantic's library writes when told where the cloud comes from.
Source: github.com/nianticlabs/spz, `load-spz.cc`.
"""

import struct
from typing import NamedTuple, cast

import numpy as np
from isal import isal_zlib

from ..cloud import OPACITY_LOGIT_LIMIT, SH_COEFFICIENTS, GaussianCloud
from ..compiled import F32, I64, U8, kernel
from ..errors import InvalidCloudError, MalformedFileError, UnsupportedFileError
from ..losses import Loss, number
from ..order import morton_order
from ..source import ReadLimits, Source
from .base import Decoded, Encoded

MAGIC = 0x5053474E
_HEADER = struct.Struct("<IIIBBBB")
_FRACTIONAL_BITS = 12
_INT24_MAX = 2**23 - 1
_GZIP_WINDOW = 31
_IsalError = cast("type[Exception]", isal_zlib.error)  # isal's stub declares it as an instance
_ISAL_LEVEL = 2
_ORDERS = ("file", "morton")
_VERSIONS = (2, 3)
_FLAG_ANTIALIASED = 1
_MOST_FRACTIONAL_BITS = 24
_MOST_BYTES_PER_DEFLATED_BYTE = 1032  # deflate cannot expand by more


class _Header(NamedTuple):
    version: int
    points: int
    coefficients: int
    fractional_bits: int
    flags: int


def read(source: Source, limits: ReadLimits) -> Decoded:
    """Decode versions 2 and 3. Nothing is decompressed beyond what the header's count makes necessary."""
    header = _read_header(source)
    limits.check_points(header.points, source.name)
    size = _HEADER.size + header.points * _bytes_per_gaussian(header.version, header.coefficients)
    limits.check_decompressed(size, source.name)
    payload, losses = _inflate(source, size)
    if header.flags & _FLAG_ANTIALIASED:
        losses.append(Loss("ignored", "the mark that the cloud was trained for antialiased rendering: ignored"))
    n = header.points
    cloud = GaussianCloud(
        means=np.empty((n, 3), np.float32),
        log_scales=np.empty((n, 3), np.float32),
        quaternions=np.empty((n, 4), np.float32),
        opacity_logits=np.empty(n, np.float32),
        sh=np.empty((n, header.coefficients + 1, 3), np.float32),
    )
    _unpack(
        np.frombuffer(payload, np.uint8, offset=_HEADER.size),
        2.0**-header.fractional_bits,
        header.version >= 3,
        cloud.means,
        cloud.log_scales,
        cloud.quaternions,
        _logits_of_bytes(),
        cloud.opacity_logits,
        cloud.sh.reshape(n, 3 * (header.coefficients + 1)),
    )
    return Decoded(cloud, losses)


def write(cloud: GaussianCloud, *, order: str = "file") -> Encoded:
    """Encode as version 3.

    order: "file" keeps the cloud's order, which carries meaning (rows of a photo, importance); "morton" sorts by
    place, which makes smaller files. Positions beyond ±2048 m lower the number of fractional bits for all.
    """
    if order not in _ORDERS:
        raise InvalidCloudError(f"order is {order!r}, spz takes one of {', '.join(_ORDERS)}")
    losses = []
    if order == "morton":
        cloud = cloud.take(morton_order(cloud.means))
        losses.append(Loss("order", "Gaussians were sorted by place (Morton order)"))
    bits, precision_losses = _fractional_bits(cloud.means)
    losses += precision_losses
    coefficients = cloud.sh.shape[1] - 1
    payload = np.empty(_HEADER.size + cloud.count * _bytes_per_gaussian(3, coefficients), np.uint8)
    header = _HEADER.pack(MAGIC, 3, cloud.count, cloud.sh_degree, bits, 0, 0)
    payload[: _HEADER.size] = np.frombuffer(header, np.uint8)
    clamped = _pack(
        cloud.means,
        cloud.log_scales,
        cloud.quaternions,
        cloud.opacity_logits,
        cloud.sh.reshape(cloud.count, 3 * (coefficients + 1)),
        2.0**bits,
        payload[_HEADER.size :],
    )
    losses += _clamping_losses(clamped)
    if cloud.camera is not None:
        losses.append(Loss("camera", "spz has no place for the camera"))
    return Encoded([isal_zlib.compress(payload, _ISAL_LEVEL, _GZIP_WINDOW)], losses)


def _read_header(source: Source) -> _Header:
    name = source.name
    if bytes(source.data[:4]) == b"NGSP":
        raise UnsupportedFileError(f"{name}: spz of version 4 or later, versions {_VERSIONS} are read")
    try:
        raw = isal_zlib.decompressobj(_GZIP_WINDOW).decompress(source.data[:4096], _HEADER.size)
    except _IsalError as error:
        raise MalformedFileError(f"{name}: not an spz file, no gzip stream at offset 0 ({error})") from error
    if len(raw) < _HEADER.size:
        raise MalformedFileError(f"{name}: {len(raw)} bytes decompressed, the header alone has {_HEADER.size}")
    magic, version, count, degree, bits, flags, _ = _HEADER.unpack(raw)
    if magic != MAGIC:
        raise MalformedFileError(f"{name}: gzip of something else, begins with {raw[:4]!r}, wants b'NGSP'")
    if version not in _VERSIONS:
        raise UnsupportedFileError(f"{name}: spz version {version}, versions {_VERSIONS} are read")
    if degree >= len(SH_COEFFICIENTS):
        raise UnsupportedFileError(f"{name}: spherical harmonics of degree {degree}, at most 3 is read")
    if bits > _MOST_FRACTIONAL_BITS:
        raise MalformedFileError(f"{name}: {bits} fractional bits, a mean has {_MOST_FRACTIONAL_BITS} bits")
    return _Header(version, count, SH_COEFFICIENTS[degree] - 1, bits, flags)


def _inflate(source: Source, size: int) -> tuple[bytes, list[Loss]]:
    """The first `size` bytes inside the gzip stream, whose end is checked too if it comes after them."""
    short = f"{source.name}: header announces {size:,} bytes decompressed, "
    if size > source.size * _MOST_BYTES_PER_DEFLATED_BYTE:
        raise MalformedFileError(f"{short}{source.size:,} bytes cannot hold them")
    stream = isal_zlib.decompressobj(_GZIP_WINDOW)
    try:
        payload = stream.decompress(source.data, size)
        more = b"" if stream.eof else stream.decompress(stream.unconsumed_tail, 1)
    except _IsalError as error:
        raise MalformedFileError(f"{source.name}: damaged gzip stream ({error})") from error
    if len(payload) < size:
        raise MalformedFileError(f"{short}the stream ends after {len(payload):,}")
    if more:
        return payload, [Loss("ignored", "what follows the Gaussians in the spz stream: ignored")]
    if not stream.eof:
        raise MalformedFileError(f"{source.name}: the gzip stream is cut off before its checksum")
    return payload, []


def _logits_of_bytes() -> F32:
    with np.errstate(divide="ignore"):
        alpha = np.arange(256) / 255
        logits = np.log(alpha / (1 - alpha))
    return np.clip(logits, -OPACITY_LOGIT_LIMIT, OPACITY_LOGIT_LIMIT).astype(np.float32)


def _bytes_per_gaussian(version: int, coefficients: int) -> int:
    return 9 + 1 + 3 + 3 + (4 if version >= 3 else 3) + 3 * coefficients


def _fractional_bits(means: F32) -> tuple[int, list[Loss]]:
    reach = float(max(means.max(), -means.min())) if means.size else 0.0
    bits = _FRACTIONAL_BITS
    while bits > 0 and reach * 2.0**bits > _INT24_MAX:
        bits -= 1
    if bits == _FRACTIONAL_BITS:
        return bits, []
    step = 2.0**-bits
    return bits, [Loss("precision", f"means reach {reach:g} m, so all are stored in steps of {step:g} m")]


def _clamping_losses(clamped: I64) -> list[Loss]:
    ranges = {
        "mean": "±8,388,607 m",
        "log-scale": "-10 to 5.94",
        "colour": "-0.44 to 1.44",
        "SH coefficient": "±1",
    }
    return [
        Loss("clamped", f"{number(int(count), 'Gaussian')} with a {what} outside {span}, clamped", int(count))
        for (what, span), count in zip(ranges.items(), clamped, strict=True)
        if count
    ]


@kernel
def _byte(value: float) -> int:
    return int(min(max(np.floor(value + np.float32(0.5)), np.float32(0)), np.float32(255)))


@kernel
def _smallest_three(w: float, x: float, y: float, z: float) -> int:
    q = (x, y, z, w)
    largest = 0
    for i in range(1, 4):
        if abs(q[i]) > abs(q[largest]):
            largest = i
    packed = largest
    for i in range(4):
        if i != largest:
            negative = (q[i] < 0) != (q[largest] < 0)
            magnitude = int(511 * (abs(q[i]) * 1.4142135623730951) + 0.5)
            packed = (packed << 10) | (int(negative) << 9) | min(magnitude, 511)
    return packed


@kernel
def _pack(means: F32, log_scales: F32, quaternions: F32, logits: F32, sh: F32, unit: float, out: U8) -> I64:
    n = means.shape[0]
    rest = sh.shape[1] - 3
    alphas, colors, scales, rotations, bands = 9 * n, 10 * n, 13 * n, 16 * n, 20 * n
    clamped = np.zeros(4, np.int64)
    for i in range(n):
        far, wide, vivid, strong = False, False, False, False
        for j in range(3):
            steps = np.floor(np.float64(means[i, j]) * unit + 0.5)
            far |= abs(steps) > 8388607
            position = int(min(max(steps, -8388607.0), 8388607.0))
            out[9 * i + 3 * j] = position & 255
            out[9 * i + 3 * j + 1] = (position >> 8) & 255
            out[9 * i + 3 * j + 2] = (position >> 16) & 255
            scale = (log_scales[i, j] + np.float32(10)) * np.float32(16)
            wide |= scale < np.float32(-0.5) or scale >= np.float32(255.5)
            out[scales + 3 * i + j] = _byte(scale)
            color = sh[i, j] * np.float32(0.15 * 255) + np.float32(127.5)
            vivid |= color < np.float32(-0.5) or color >= np.float32(255.5)
            out[colors + 3 * i + j] = _byte(color)
        out[alphas + i] = _byte(np.float32(255) / (np.float32(1) + np.exp(-logits[i])))
        q = quaternions[i]
        packed = _smallest_three(q[0], q[1], q[2], q[3])
        for j in range(4):
            out[rotations + 4 * i + j] = (packed >> (8 * j)) & 255
        for j in range(rest):
            bucket = np.float32(8) if j < 9 else np.float32(16)
            level = np.floor(sh[i, 3 + j] * np.float32(128) + np.float32(128.5))
            strong |= level < 0 or level > 256
            level = np.floor((level + bucket / 2) / bucket) * bucket
            out[bands + rest * i + j] = _byte(level)
        clamped[0] += far
        clamped[1] += wide
        clamped[2] += vivid
        clamped[3] += strong
    return clamped


@kernel
def _unpack_rotation(packed: int, quaternion: F32) -> None:
    largest = packed >> 30
    squares = 0.0
    for component in range(3, -1, -1):
        if component != largest:
            value = (packed & 511) * (0.7071067811865476 / 511)
            squares += value * value
            quaternion[(component + 1) % 4] = -value if packed & 512 else value
            packed >>= 10
    quaternion[(largest + 1) % 4] = np.sqrt(max(0.0, 1 - squares))


@kernel
def _unpack(
    data: U8,
    step: float,
    smallest_three: bool,
    means: F32,
    log_scales: F32,
    quaternions: F32,
    logits_of_bytes: F32,
    logits: F32,
    sh: F32,
) -> None:
    n = means.shape[0]
    rest = sh.shape[1] - 3
    rotation_bytes = 4 if smallest_three else 3
    alphas, colors, scales, rotations = 9 * n, 10 * n, 13 * n, 16 * n
    bands = rotations + rotation_bytes * n
    for i in range(n):
        for j in range(3):
            at = 9 * i + 3 * j
            bits = np.int64(data[at]) | np.int64(data[at + 1]) << 8 | np.int64(data[at + 2]) << 16
            means[i, j] = (bits - ((bits & 0x800000) << 1)) * step
            log_scales[i, j] = data[scales + 3 * i + j] * np.float32(1 / 16) - np.float32(10)
            sh[i, j] = (data[colors + 3 * i + j] * np.float32(1 / 255) - np.float32(0.5)) * np.float32(1 / 0.15)
        logits[i] = logits_of_bytes[data[alphas + i]]
        at = rotations + rotation_bytes * i
        if smallest_three:
            packed = np.int64(data[at]) | np.int64(data[at + 1]) << 8 | np.int64(data[at + 2]) << 16
            _unpack_rotation(int(packed | np.int64(data[at + 3]) << 24), quaternions[i])
        else:
            squares = 0.0
            for j in range(3):
                value = data[at + j] / 127.5 - 1
                squares += value * value
                quaternions[i, 1 + j] = value
            quaternions[i, 0] = np.sqrt(max(0.0, 1 - squares))
        for j in range(rest):
            sh[i, 3 + j] = (np.float32(data[bands + rest * i + j]) - np.float32(128)) * np.float32(1 / 128)
