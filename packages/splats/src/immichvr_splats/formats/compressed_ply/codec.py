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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.cloud import SH_C0, SH_COEFFICIENTS, STORED_SH_COEFFICIENTS
from immichvr_splats.compiled import F32, F64, I64
from immichvr_splats.errors import InvalidCloudError, MalformedFileError, UnsupportedFileError
from immichvr_splats.formats.base import Decoded, Encoded, Placed
from immichvr_splats.formats.compressed_ply.chunks import CHUNK, LARGEST_LOG_SCALE, Planes, pack, unpack, unpack_means
from immichvr_splats.formats.ply import Element, Header, comments_of, is_header_with, marks_in, read_header, unread
from immichvr_splats.losses import Loss, number
from immichvr_splats.numerics import largest_magnitude
from immichvr_splats.reach import EVERYTHING, Interval, reach_of_values, sample_of, within_reach
from immichvr_splats.source import ReadLimits, Source
from immichvr_splats.stream import SOUND, Glance, SoundStream, Stream

_ORDERS = ("morton", "file")
_RANGES = tuple(
    f"{end}_{axis}"
    for axes in (("x", "y", "z"), ("scale_x", "scale_y", "scale_z"), ("r", "g", "b"))
    for end in ("min", "max")
    for axis in axes
)
_COLOR_RANGES = dict.fromkeys(_RANGES[12:15], 0.0) | dict.fromkeys(_RANGES[15:], 1.0)
_PACKED = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
_CLAMPED = (
    "log-scale outside ±20",
    "SH coefficient outside ±4",
    "colour far outside of all others', which would lose precision",
)
_STEPS_OF_MEANS = np.array([2047, 1023, 2047])
_FINE_STEP = 1 / 4096
"""Metres, as SPZ has everywhere; coarser ones are told."""

_REST_COUNTS = tuple(3 * (k - 1) for k in STORED_SH_COEFFICIENTS)


def is_it(source: Source) -> bool:
    """Whether a PLY is a compressed one, by its header."""
    return is_header_with(source, "packed_position")


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
    if elements["chunk"].count != -(-count // CHUNK):
        raise MalformedFileError(
            f"{source.name}: {elements['chunk'].count:,} chunks for {count:,} Gaussians, "
            f"wants one for every {CHUNK}: {-(-count // CHUNK):,}"
        )
    stored = _degree(elements.get("sh"), count, source)
    degree = min(stored, len(SH_COEFFICIENTS) - 1)
    rows = _rows(header, source)
    chunks = np.array(_columns(rows["chunk"], _RANGES, np.float32, _COLOR_RANGES))
    scales = chunks[:, 6:12]  # of flat Gaussians some writers let the range begin at minus infinity
    scales[np.isneginf(scales)] = -LARGEST_LOG_SCALE
    packed = _columns(rows["vertex"], _PACKED, np.uint32, {})
    rest = tuple(f"f_rest_{i}" for i in range(_REST_COUNTS[stored]))
    sh = _columns(rows["sh"], rest, np.uint8, {}) if rest else np.empty((count, 0), np.uint8)
    planes = Planes(chunks, packed, sh)
    ignored = [name for name in elements if name not in ("chunk", "vertex", "sh")]
    losses = [Loss("ignored", f"element {name!r}: ignored", elements[name].count) for name in ignored]
    losses += unread(list(elements["chunk"].properties), _RANGES, count)
    losses += unread(list(elements["vertex"].properties), _PACKED, count)
    if degree < stored:
        losses.append(
            Loss("sh_degree", f"spherical harmonics of degree {stored}: at most degree {degree} is read", count)
        )
    stream = Stream(
        count,
        degree,
        lambda which: unpack(planes, which, degree),
        decode_means=lambda which: unpack_means(planes, which),
        glance=lambda which: _glance(chunks[which.start // CHUNK : -(-which.stop // CHUNK)]),
        decode_less=lambda which, cut: unpack(planes, which, cut),
        marks=marks_in(header.comments),
    )
    return Decoded(stream, losses)


def write(stream: SoundStream, *, order: str = "morton") -> Encoded:
    """Encode.

    order: "morton" sorts by place, so that those who share a chunk are near to each other, which the precision of
    their values depends on; "file" keeps the cloud's order.
    """
    if order not in _ORDERS:
        raise InvalidCloudError(f"order is {order!r}, compressed-ply takes one of {', '.join(_ORDERS)}")
    stream, losses = within_reach(stream)
    if order == "morton":
        stream = stream.selected(stream.places.morton_order)
        losses.append(Loss("order", "Gaussians were sorted by place (Morton order)"))
    header = _header_bytes(stream.count, _REST_COUNTS[stream.sh_degree], comments_of(stream.marks, None))
    chunks = -(-stream.count // CHUNK)
    offsets = np.cumsum([len(header), 72 * chunks, 16 * stream.count, _REST_COUNTS[stream.sh_degree] * stream.count])
    return Encoded(Placed(int(offsets[-1]), _pieces(stream, header, offsets, losses)), losses)


def _pieces(
    stream: SoundStream, header: bytes, offsets: I64, losses: list[Loss]
) -> Iterator[tuple[int, bytes | memoryview]]:
    """offsets: (3 or more,) where the planes begin."""
    yield 0, header
    colors = _reach_of_colors(stream)
    ends = offsets[: len(Planes._fields)].copy()
    clamped = np.zeros(len(_CLAMPED), np.int64)
    steps: list[F64] = []
    for planes, block_clamped in stream.blocks(lambda block: pack(block, colors)):
        clamped += block_clamped
        spans = planes.chunks[:, 3:6].astype(np.float64) - planes.chunks[:, :3]
        steps.append((spans / _STEPS_OF_MEANS).max(axis=1))
        arrays: tuple[NDArray[Any], ...] = planes
        for i, plane in enumerate(arrays):
            yield int(ends[i]), plane.reshape(-1).view(np.uint8).data
            ends[i] += plane.nbytes
    for count, what in zip(clamped, _CLAMPED, strict=True):
        if count:
            message = f"{number(int(count), 'Gaussian')} with a {what}, clamped"
            losses.append(Loss("clamped", message, int(count)))
    losses += _precision_losses(np.concatenate(steps) if steps else np.empty(0), stream.count)


def _precision_losses(steps: F64, count: int) -> list[Loss]:
    """steps: metres between neighbouring means of each chunk, (C,)."""
    coarse = np.flatnonzero(steps > _FINE_STEP)
    if not coarse.size:
        return []
    concerned = min(coarse.size * CHUNK, count)
    message = (
        f"means are stored in steps of what their chunk of {CHUNK} spans: "
        f"up to {steps.max():.2g} m, {np.median(steps):.2g} m in the middle of all chunks"
    )
    return [Loss("precision", message, concerned)]


def _reach_of_colors(stream: SoundStream) -> Interval:
    """What f_dc has to be within to count for the range of its chunk."""
    return reach_of_values(sample_of(stream).sh, 1 / SH_C0) if stream.count else EVERYTHING


def _header_bytes(count: int, rest: int, comments: list[str]) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", f"element chunk {-(-count // CHUNK)}"]
    lines += [f"property float {name}" for name in _RANGES]
    lines += [f"element vertex {count}", *(f"property uint {name}" for name in _PACKED)]
    if rest:
        lines += [f"element sh {count}", *(f"property uchar f_rest_{i}" for i in range(rest))]
    return "\n".join([*lines, *comments, "end_header", ""]).encode("utf-8")


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


def _glance(chunks: F32) -> Glance:
    """At Gaussians by the ranges that they are in: four times these, because harmonics are colours / 0.28."""
    with np.errstate(over="ignore", invalid="ignore"):
        return SOUND._replace(largest=largest_magnitude((chunks * 4).reshape(-1).view(np.int32)))


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
