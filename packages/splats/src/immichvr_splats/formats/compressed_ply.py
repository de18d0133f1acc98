"""PlayCanvas' compressed PLY, usually `*.compressed.ply`: chunks of 256 Gaussians that share the range of their values.

A binary little-endian PLY with these elements:

| element, properties         | value                                                                     |
|-----------------------------|---------------------------------------------------------------------------|
| chunk: 18 x f32             | min_ and max_ of x y z; of scale_x scale_y scale_z (ln, within ±20); of   |
|                             | r g b (0.5 + 0.28209479177387814 * f_dc; 0 to 1 where they are left out)  |
| vertex: packed_position u32 | 11, 10, 11 bits of x y z in the chunk's range                             |
|   packed_rotation u32       | 2 bits: which of w x y z is largest; 10 bits each of the others, made to  |
|                             | belong to a positive largest: q * sqrt(1/2) + 1/2                         |
|   packed_scale u32          | 11, 10, 11 bits of ln scale in the chunk's range                          |
|   packed_color u32          | 8 bits each of r g b in the chunk's range, 8 bits of sigmoid(logit)       |
| sh: f_rest_0.. u8           | trunc((v / 8 + 1/2) * 256), channel-major; left out at degree 0           |

n bits of v in 0 to 1 are floor(v * (2^n - 1) + 1/2); v is 0 where the range is below 1e-5. The last chunk may be short.
Source: github.com/playcanvas/splat-transform, `write-compressed-ply.ts`.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..cloud import SH_C0, SH_COEFFICIENTS, GaussianCloud
from ..compiled import F32, I64, U8, finite_kernel, kernel
from ..errors import InvalidCloudError, MalformedFileError, UnsupportedFileError
from ..losses import Loss, number
from ..numerics import LOGITS_OF_BYTES, choice, count_outside, sigmoid
from ..source import ReadLimits, Source
from ..stream import Rows, SoundStream, Stream, row_numbers
from .base import Decoded, Encoded
from .ply_header import MAX_HEADER_BYTES, Element, Header, read_header

U32 = NDArray[np.uint32]

_CHUNK = 256
_LARGEST_LOG_SCALE = 20.0
_LARGEST_SH = 4.0
_LEAST_RANGE = 1e-5
_SQRT_HALF = 0.7071067811865476
_ORDERS = ("morton", "file")
_RANGES = tuple(
    f"{end}_{axis}"
    for axes in (("x", "y", "z"), ("scale_x", "scale_y", "scale_z"), ("r", "g", "b"))
    for end in ("min", "max")
    for axis in axes
)
_COLOR_RANGES = dict.fromkeys(_RANGES[12:15], 0.0) | dict.fromkeys(_RANGES[15:], 1.0)
_PACKED = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
_REST_COUNTS = tuple(3 * (k - 1) for k in SH_COEFFICIENTS)


class _Planes(NamedTuple):
    """chunks: (C, 18). packed: (N, 4). sh: (N, 3 K)."""

    chunks: F32
    packed: U32
    sh: U8


def is_it(source: Source) -> bool:
    """Whether a PLY is a compressed one, by its header."""
    head = bytes(source.data[:MAX_HEADER_BYTES])
    return b" packed_position" in head[: head.find(b"end_header")]


def read(source: Source, limits: ReadLimits) -> Decoded:
    """Decode; the file's order is kept."""
    header = read_header(source)
    if header.byte_order != "<":
        raise UnsupportedFileError(f"{source.name}: a compressed PLY is binary_little_endian, this one is not")
    elements = {element.name: element for element in header.elements}
    for wanted, properties in (("chunk", _RANGES[:12]), ("vertex", _PACKED)):
        missing = [p for p in properties if wanted not in elements or p not in elements[wanted].properties]
        if missing:
            raise MalformedFileError(f"{source.name}: element {wanted!r} lacks the properties {', '.join(missing)}")
    count = elements["vertex"].count
    limits.check_points(count, source.name)
    if elements["chunk"].count != -(-count // _CHUNK):
        raise MalformedFileError(
            f"{source.name}: {elements['chunk'].count:,} chunks for {count:,} Gaussians, "
            f"wants one for every {_CHUNK}: {-(-count // _CHUNK):,}"
        )
    degree = _degree(elements.get("sh"), count, source)
    rows = _rows(header, source)
    chunks = np.array(_columns(rows["chunk"], _RANGES, np.float32, _COLOR_RANGES))
    packed = _columns(rows["vertex"], _PACKED, np.uint32, {})
    rest = tuple(f"f_rest_{i}" for i in range(_REST_COUNTS[degree]))
    sh = _columns(rows["sh"], rest, np.uint8, {}) if rest else np.empty((count, 0), np.uint8)
    planes = _Planes(chunks, packed, sh)
    ignored = [name for name in elements if name not in ("chunk", "vertex", "sh")]
    losses = [Loss("ignored", f"element {name!r}: ignored") for name in ignored]
    return Decoded(Stream(count, degree, lambda which: _decode(planes, which, degree)), losses)


def write(stream: SoundStream, *, order: str = "morton") -> Encoded:
    """Encode.

    order: "morton" sorts by place, so that those who share a chunk are near to each other, which the precision of
    their values depends on; "file" keeps the cloud's order.
    """
    if order not in _ORDERS:
        raise InvalidCloudError(f"order is {order!r}, compressed-ply takes one of {', '.join(_ORDERS)}")
    losses = []
    if order == "morton":
        stream = stream.selected(stream.places.morton_order)
        losses.append(Loss("order", "Gaussians were sorted by place (Morton order)"))
    return Encoded(_chunks(stream, losses), losses)


def _chunks(stream: SoundStream, losses: list[Loss]) -> Iterator[bytes | memoryview]:
    blocks: list[_Planes] = []
    clamped = np.zeros(2, np.int64)
    for planes, block_clamped in stream.blocks(_encode):
        blocks.append(planes)
        clamped += block_clamped
    for count, what in zip(clamped, ("log-scale outside ±20", "SH coefficient outside ±4"), strict=True):
        if count:
            message = f"{number(int(count), 'Gaussian')} with a {what}, clamped"
            losses.append(Loss("clamped", message, int(count)))
    yield _header_bytes(stream.count, _REST_COUNTS[stream.sh_degree])
    for part in range(len(_Planes._fields)):
        for block in blocks:
            yield block[part].reshape(-1).view(np.uint8).data


def _header_bytes(count: int, rest: int) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", f"element chunk {-(-count // _CHUNK)}"]
    lines += [f"property float {name}" for name in _RANGES]
    lines += [f"element vertex {count}", *(f"property uint {name}" for name in _PACKED)]
    if rest:
        lines += [f"element sh {count}", *(f"property uchar f_rest_{i}" for i in range(rest))]
    return "\n".join([*lines, "end_header", ""]).encode("ascii")


def _degree(sh: Element | None, count: int, source: Source) -> int:
    if sh is None:
        return 0
    names = {f"f_rest_{i}" for i in range(len(sh.properties))}
    if sh.count != count or len(sh.properties) not in _REST_COUNTS or names != set(sh.properties):
        raise MalformedFileError(
            f"{source.name}: element 'sh' has {sh.count:,} rows of {len(sh.properties)} properties, wants {count:,} of "
            f"{', '.join(map(str, _REST_COUNTS))}, called f_rest_0 and so on"
        )
    return _REST_COUNTS.index(len(sh.properties))


def _rows(header: Header, source: Source) -> dict[str, NDArray[np.void]]:
    """The rows of each element, views into the file."""
    rows = {}
    offset = header.data_offset
    for element in header.elements:
        if element.lists:
            raise UnsupportedFileError(f"{source.name}: element {element.name!r} holds a list, which is not read here")
        dtype = element.dtype("<")
        left = source.size - offset
        if element.count * dtype.itemsize > left:
            raise MalformedFileError(
                f"{source.name}: header announces {element.count:,} rows of element {element.name!r} with "
                f"{dtype.itemsize} bytes each, but only {left:,} bytes follow at offset {offset:,}"
            )
        if element.count and dtype.itemsize:
            rows[element.name] = np.frombuffer(source.data, dtype, element.count, offset)
        else:
            rows[element.name] = np.empty(0, dtype)
        offset += element.count * dtype.itemsize
    return rows


def _columns(
    rows: NDArray[np.void], names: Iterable[str], scalar: type[np.generic], defaults: dict[str, float]
) -> NDArray[Any]:
    """The properties `names` side by side, (N, M): a view where the file has them so."""
    names = tuple(names)
    wanted = np.dtype(scalar)
    if rows.dtype.names == names and all(rows.dtype[i] == wanted for i in range(len(names))):
        return rows.view(wanted).reshape(rows.size, len(names))
    columns = np.empty((rows.size, len(names)), wanted)
    with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 is infinite, and treated as such
        for i, name in enumerate(names):
            columns[:, i] = rows[name] if name in (rows.dtype.names or ()) else defaults[name]
    return columns


def _encode(block: GaussianCloud) -> tuple[_Planes, I64]:
    n, rest = block.count, 3 * (block.sh.shape[1] - 1)
    planes = _Planes(
        np.empty((-(-n // _CHUNK), 18), np.float32), np.empty((n, 4), np.uint32), np.empty((n, rest), np.uint8)
    )
    _pack(block.means, block.log_scales, block.quaternions, block.opacity_logits, block.flat_sh, *planes)
    limit = _LARGEST_LOG_SCALE
    clamped = [
        count_outside(block.log_scales, -limit, limit),
        count_outside(block.sh[:, 1:].reshape(n, rest), -_LARGEST_SH, _LARGEST_SH),
    ]
    return planes, np.array(clamped, np.int64)


def _decode(planes: _Planes, which: Rows, degree: int) -> GaussianCloud:
    rows = row_numbers(which)
    cloud = GaussianCloud.empty(rows.size, degree)
    _unpack(
        rows, planes.chunks, np.array(planes.packed[which]), np.array(planes.sh[which]),
        LOGITS_OF_BYTES, cloud.means, cloud.log_scales, cloud.quaternions, cloud.opacity_logits, cloud.flat_sh,
    )  # fmt: skip
    return cloud


@kernel
def _pack(
    means: F32, log_scales: F32, quaternions: F32, logits: F32, sh: F32, chunks: F32, packed: U32, bands: U8
) -> None:
    lanes = np.empty((9, _CHUNK), np.float32)
    for chunk in range(chunks.shape[0]):
        first = chunk * _CHUNK
        size = min(_CHUNK, means.shape[0] - first)
        for i in range(size):
            for j in range(3):
                lanes[j, i] = means[first + i, j]
                lanes[3 + j, i] = log_scales[first + i, j]
                lanes[6 + j, i] = sh[first + i, j]
        _pack_chunk(lanes, size, chunks[chunk], packed[first : first + size])
    for i in range(means.shape[0]):
        packed[i, 1] = _pack_rotation(quaternions[i, 0], quaternions[i, 1], quaternions[i, 2], quaternions[i, 3])
        alpha = np.uint32(np.int32(sigmoid(logits[i]) * np.float32(255) + np.float32(0.5)))
        packed[i, 3] = (packed[i, 3] << np.uint32(8)) | alpha
    coefficients = bands.shape[1] // 3
    for i in range(bands.shape[0]):
        for c in range(3):
            for k in range(coefficients):
                level = sh[i, 3 + 3 * k + c] * np.float32(32) + np.float32(128)
                bands[i, c * coefficients + k] = np.int32(min(max(level, np.float32(0)), np.float32(255)))


@finite_kernel
def _pack_chunk(lanes: F32, size: int, limits: F32, packed: U32) -> None:
    """Positions, log-scales and colours of one chunk, (9, size), each in steps of its range, left in `limits`."""
    limit = np.float32(_LARGEST_LOG_SCALE)
    for j in range(3):
        for i in range(size):
            lanes[3 + j, i] = min(max(lanes[3 + j, i], -limit), limit)
            lanes[6 + j, i] = lanes[6 + j, i] * np.float32(SH_C0) + np.float32(0.5)
    levels = np.empty((9, _CHUNK), np.int32)
    for j in range(9):
        low, high = lanes[j, 0], lanes[j, 0]
        for i in range(size):
            low = min(low, lanes[j, i])
            high = max(high, lanes[j, i])
        limits[6 * (j // 3) + j % 3] = low
        limits[6 * (j // 3) + 3 + j % 3] = high
        bits = 8 if j >= 6 else 10 if j % 3 == 1 else 11
        span = np.float64(high) - np.float64(low)
        steps = ((1 << bits) - 1) / span if span >= _LEAST_RANGE else 0.0
        for i in range(size):
            levels[j, i] = np.int32((np.float64(lanes[j, i]) - np.float64(low)) * steps + 0.5)
    for i in range(size):
        packed[i, 0] = (levels[0, i] << 21) | (levels[1, i] << 11) | levels[2, i]
        packed[i, 2] = (levels[3, i] << 21) | (levels[4, i] << 11) | levels[5, i]
        packed[i, 3] = (levels[6, i] << 16) | (levels[7, i] << 8) | levels[8, i]


@kernel
def _pack_rotation(w: np.float32, x: np.float32, y: np.float32, z: np.float32) -> np.int32:
    # Without branches, which would be foreseen wrongly for every other Gaussian.
    is_x = np.int32(abs(x) > abs(w))
    is_y = np.int32(abs(y) > max(abs(w), abs(x)))
    is_z = np.int32(abs(z) > max(max(abs(w), abs(x)), abs(y)))
    largest = choice(is_z, np.int32(3), choice(is_y, np.int32(2), is_x))
    negative = choice(
        is_z, np.int32(z < 0), choice(is_y, np.int32(y < 0), choice(is_x, np.int32(x < 0), np.int32(w < 0)))
    )
    sign = np.float32(1 - 2 * negative)
    a, b, c, d = _ten_bits(sign * w), _ten_bits(sign * x), _ten_bits(sign * y), _ten_bits(sign * z)
    first = choice(np.int32(largest > 0), a, b)
    second = choice(np.int32(largest > 1), b, c)
    third = choice(np.int32(largest > 2), c, d)
    return np.int32((largest << np.int32(30)) | (first << np.int32(20)) | (second << np.int32(10)) | third)


@kernel
def _ten_bits(component: np.float32) -> np.int32:
    level = (component * np.float32(_SQRT_HALF) + np.float32(0.5)) * np.float32(1023) + np.float32(0.5)
    return np.int32(min(max(level, np.float32(0)), np.float32(1023)))


@kernel
def _unpack(
    rows: I64,
    chunks: F32,
    packed: U32,
    bands: U8,
    logits_of_bytes: F32,
    means: F32,
    log_scales: F32,
    quaternions: F32,
    logits: F32,
    sh: F32,
) -> None:
    coefficients = bands.shape[1] // 3
    for i in range(rows.shape[0]):
        limits = chunks[rows[i] // _CHUNK]
        color = packed[i, 3]
        for j in range(3):
            shift = np.uint32((21, 11, 0)[j])
            most = np.uint32((2047, 1023, 2047)[j])
            means[i, j] = _between(limits[j], limits[3 + j], (packed[i, 0] >> shift) & most, most)
            log_scales[i, j] = _between(limits[6 + j], limits[9 + j], (packed[i, 2] >> shift) & most, most)
            level = (color >> np.uint32(24 - 8 * j)) & np.uint32(255)
            shade = _between(limits[12 + j], limits[15 + j], level, np.uint32(255))
            sh[i, j] = (shade - np.float32(0.5)) * np.float32(1 / SH_C0)
        logits[i] = logits_of_bytes[color & np.uint32(255)]
        _unpack_rotation(packed[i, 1], quaternions[i])
        for c in range(3):
            for k in range(coefficients):
                level = bands[i, c * coefficients + k]
                # The middle of what was truncated, but for both ends, which are what is clamped there.
                middle = np.float32(level) + np.float32(0.5)
                if level == 0 or level == 255:
                    middle = np.float32(256 if level else 0)
                sh[i, 3 + 3 * k + c] = (middle - np.float32(128)) * np.float32(1 / 32)


@kernel
def _between(low: np.float32, high: np.float32, level: np.uint32, most: np.uint32) -> np.float32:
    share = np.float64(level) / np.float64(most)
    return np.float32(np.float64(low) * (1 - share) + np.float64(high) * share)


@kernel
def _unpack_rotation(packed: np.uint32, quaternion: F32) -> None:
    largest = np.int64(packed >> np.uint32(30))
    squares = np.float32(0)
    shift = 20
    for component in range(4):
        if component != largest:
            level = np.float32((np.int64(packed) >> shift) & 1023)
            value = (level * np.float32(1 / 1023) - np.float32(0.5)) * np.float32(1 / _SQRT_HALF)
            quaternion[component] = value
            squares += value * value
            shift -= 10
    quaternion[largest] = np.sqrt(max(np.float32(0), np.float32(1) - squares))
