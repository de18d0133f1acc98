"""mkkellogg's `.ksplat` 0.1, little endian.

Header, 4096 B: u8 major 0, u8 minor 1; u32 at 4 most sections, 8 sections, 12 most splats, 16 splats; u16 at 20 level;
3 x f32 at 24 scene centre; f32 at 36, 40 least and greatest SH coefficient (both 0: -1.5 and 1.5).
Then a header of 1024 B for each section: u32 at 0 splats, 4 most splats, 8 splats per bucket, 12 buckets;
f32 at 16 side of a bucket's cube; u16 at 20 bytes per bucket; u32 at 24 compression range, 28 bytes of the section,
32 full buckets, 36 partially filled buckets; u16 at 40 SH degree. Bucket fields are 0 at level 0.
Then for each section: u32 splats of each partially filled bucket; 3 x f32 centre of each bucket, full ones first; room
for the most splats, in the order of the buckets:

| value      | level 0             | level 1                              | level 2              |
|------------|---------------------|--------------------------------------|----------------------|
| mean       | 3 x f32             | 3 x u16, see below                   | as level 1           |
| scale      | 3 x f32, linear     | 3 x f16, linear                      | as level 1           |
| quaternion | 4 x f32, w x y z    | 4 x f16, w x y z                     | as level 1           |
| colour     | 4 x u8: red, green, blue, opacity; linear in 0 to 1 | the same | the same         |
| SH         | f32                 | f16                                  | u8 in header's range |

Levels 1 and 2 store means as round((p - bucket's centre) * range / (side / 2)) + range. SH are channel-major within
each band: 3 red, 3 green, 3 blue, then 5 of each, then (only read) 7 of each. Colours are rounded, as is SH of level 2;
the reference truncates them, which darkens.
Source: github.com/mkkellogg/GaussianSplats3D, `SplatBuffer.js`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.cloud import GaussianCloud
from immichvr_splats.compiled import F32, I64, U8
from immichvr_splats.errors import InvalidCloudError, MalformedFileError, UnsupportedFileError
from immichvr_splats.formats.base import Decoded, Encoded
from immichvr_splats.formats.ksplat.buckets import Buckets, centers_of, fill_buckets, widened
from immichvr_splats.formats.ksplat.rows import (
    LARGEST_SCALE,
    SMALLEST_SCALE,
    Clamped,
    are_sound,
    bytes_per_splat,
    pack,
    unpack,
)
from immichvr_splats.losses import Loss, number
from immichvr_splats.numerics import extremes_within
from immichvr_splats.reach import EVERYTHING, reach_of_values, sample_of, within_reach
from immichvr_splats.source import ReadLimits, Source
from immichvr_splats.stream import SOUND, UNSURE, Glance, Rows, SoundStream, Stream, row_numbers
from immichvr_splats.threads import in_order

_HEADER_BYTES, _SECTION_BYTES = 4096, 1024
_HEADER = struct.Struct("<BB2xIIIIH14xff")
_SECTION = struct.Struct("<IIIIfH2xIIIIH")
_LEVELS = (0, 1, 2)
_LEVEL_OF_SH_BYTES = 2
_RANGE = 32767
_BUCKET_BYTES = 12
_MOST_READ_DEGREE = 3
_DEFAULT_SH_RANGE = (-1.5, 1.5)
_LEAST_SH_REACH = 2.0**-7
_LEAST_SH_SPAN = 0.5  # of the middle, so that what is within ±1 is kept in any case
_MOST_BYTES = 2**32 - 1
_FAR = 1e30


class _Header(NamedTuple):
    level: int
    room: int
    sections: int
    sh_range: tuple[float, float]


class _SectionHeader(NamedTuple):
    splats: int
    room: int
    bucket_size: int
    buckets: int
    bucket_side: float
    bucket_bytes: int
    range: int
    bytes: int
    full: int
    partial: int
    degree: int


@dataclass(frozen=True)
class _Section:
    """rows: (N, bytes per splat). centers: (B, 3). ends: (B,) one past the last row of each bucket."""

    header: _SectionHeader
    rows: U8
    centers: F32
    ends: I64


def read(source: Source, limits: ReadLimits) -> Decoded:
    """Decode every level, SH up to degree 3, any number of sections; the file's order is kept."""
    header = _read_header(source)
    sections: list[_Section] = []
    offset = _HEADER_BYTES + _SECTION_BYTES * header.room
    for i in range(header.sections):
        section, offset = _read_section(source, i, header.level, offset)
        sections.append(section)
        limits.check_points(sum(s.header.splats for s in sections), source.name)
    degree = max((s.header.degree for s in sections), default=0)
    starts = np.cumsum([0, *(s.header.splats for s in sections)])

    def decode(which: Rows) -> GaussianCloud:
        if len(sections) == 1:
            return _decode(sections[0], which, header, degree)
        rows = row_numbers(which)
        cloud = GaussianCloud.empty(rows.size, degree)
        owners = np.searchsorted(starts, rows, side="right") - 1
        for i in np.unique(owners):
            chosen = np.flatnonzero(owners == i)
            part = _decode(sections[i], rows[chosen] - starts[i], header, degree)
            for name in ("means", "log_scales", "quaternions", "opacity_logits", "sh"):
                getattr(cloud, name)[chosen] = getattr(part, name)
        return cloud

    moderate = all(_is_moderate(section, header) for section in sections)

    def glance(which: slice) -> Glance:
        sound = moderate and len(sections) == 1 and are_sound(sections[0].rows[which], header.level, degree)
        return SOUND if sound else UNSURE

    return Decoded(Stream(int(starts[-1]), degree, decode, glance=glance), [])


def _is_moderate(section: _Section, header: _Header) -> bool:
    """Whether what is common to many Gaussians is far from infinite."""
    common = (section.centers, section.header.bucket_side, header.sh_range)
    return all(np.all(np.abs(values) < _FAR) for values in common)


def write(stream: SoundStream, *, level: int = 1) -> Encoded:
    """Encode as one section.

    level: 0 keeps float32 and the cloud's order; 1 has 16 bits for most values, 2 has 8 bits for SH. Those two group
    Gaussians that share a cube of 5 m, larger where the cloud is so wide that there would be too many.
    """
    if level not in _LEVELS:
        raise InvalidCloudError(f"level is {level!r}, ksplat takes one of {', '.join(map(str, _LEVELS))}")
    losses: list[Loss] = []
    row_bytes = bytes_per_splat(level, stream.sh_degree)
    if level == 0:
        buckets = Buckets.none(stream.count)
    else:
        if widened(stream.places):
            stream, losses = within_reach(stream)
        buckets = fill_buckets(stream.places)
        stream = stream.selected(buckets.order)
        losses.append(Loss("order", "Gaussians were grouped by the cube they are in"))
        if buckets.widened:
            step = buckets.side / 2 / _RANGE
            losses.append(Loss("precision", f"means lie so far apart that all are stored in steps of {step:g} m"))
    size = stream.count * row_bytes + buckets.partial.nbytes + buckets.centers.nbytes
    if size > _MOST_BYTES:
        raise InvalidCloudError(
            f"{stream.count:,} Gaussians are {size:,} bytes, a ksplat section holds {_MOST_BYTES:,}"
        )
    sh_range = _DEFAULT_SH_RANGE
    if stream.sh_degree and level == _LEVEL_OF_SH_BYTES:
        sh_range, clamped = _sh_range(stream)
        losses += clamped
    return Encoded(_chunks(stream, level, buckets, sh_range, size, losses), losses)


def _chunks(
    stream: SoundStream,
    level: int,
    buckets: Buckets,
    sh_range: tuple[float, float],
    size: int,
    losses: list[Loss],
) -> Iterator[bytes | memoryview]:
    n = stream.count
    header = bytearray(_HEADER_BYTES + _SECTION_BYTES)
    _HEADER.pack_into(header, 0, 0, 1, 1, 1, n, n, level, *sh_range)
    bucketed = (buckets.size, buckets.count, buckets.side, _BUCKET_BYTES, _RANGE) if level else (0, 0, 0.0, 0, 0)
    counts = (buckets.count - buckets.partial.size, buckets.partial.size)
    _SECTION.pack_into(header, _HEADER_BYTES, n, n, *bucketed, size, *counts, stream.sh_degree)
    yield bytes(header)
    yield buckets.partial.tobytes()
    yield buckets.centers.tobytes()

    def encode(rows: slice) -> tuple[U8, Clamped]:
        centers = centers_of(row_numbers(rows), buckets.ends, buckets.centers) if level else _NO_CENTERS
        return pack(stream.decode(rows), level, centers, _RANGE / (buckets.side / 2), sh_range)

    clamped = Clamped(0, 0)
    for packed, block in in_order(encode, stream.slices()):
        clamped = Clamped(clamped.scales + block.scales, clamped.colors + block.colors)
        yield packed.reshape(-1).data
    scales = f"{SMALLEST_SCALE:g} to {LARGEST_SCALE:g} m"
    for count, what in ((clamped.scales, f"scale outside {scales}"), (clamped.colors, "colour outside 0 to 1")):
        if count:
            losses.append(Loss("clamped", f"{number(count, 'Gaussian')} with a {what}, clamped", count))


def _sh_range(stream: SoundStream) -> tuple[tuple[float, float], list[Loss]]:
    """Least and greatest coefficient beyond the colour, but for those that stray from all others."""
    reach = (
        reach_of_values(sample_of(stream, stream.sh_degree).sh[:, 1:], _LEAST_SH_SPAN) if stream.count else EVERYTHING
    )
    found = list(stream.blocks(lambda block: extremes_within(block.flat_sh, 3, *reach)))
    least = _LEAST_SH_REACH  # a limit of 0 would be read as the default
    span = min([-least, *(low for low, _, _ in found)]), max([least, *(high for _, high, _ in found)])
    strays = sum(strays for _, _, strays in found)
    if not strays:
        return span, []
    message = (
        f"{number(strays, 'Gaussian')} with an SH coefficient so far from all others that they would lose precision, "
        f"clamped to {span[0]:.3g} to {span[1]:.3g}"
    )
    return span, [Loss("clamped", message, strays)]


def _read_header(source: Source) -> _Header:
    name = source.name
    if source.size < _HEADER_BYTES:
        raise MalformedFileError(f"{name}: {source.size:,} bytes, the header alone has {_HEADER_BYTES:,}")
    major, minor, room, sections, _, splats, level, low, high = _HEADER.unpack_from(source.data)
    if (major, minor) != (0, 1):
        raise UnsupportedFileError(f"{name}: ksplat version {major}.{minor}, version 0.1 is read")
    if level not in _LEVELS:
        raise MalformedFileError(f"{name}: compression level {level} at offset 20, wants 0, 1 or 2")
    if sections > room:
        raise MalformedFileError(f"{name}: {sections:,} sections at offset 8, at most {room:,} at offset 4")
    if splats and not sections:
        raise MalformedFileError(f"{name}: no section at offset 8, but {splats:,} splats at offset 16")
    if not (np.isfinite(low) and np.isfinite(high)):
        raise MalformedFileError(f"{name}: SH range at offset 36 is {low} to {high}, wants finite numbers")
    # Each of them 0 stands for its default, as the reference reads them.
    return _Header(level, room, sections, (low or _DEFAULT_SH_RANGE[0], high or _DEFAULT_SH_RANGE[1]))


def _read_section(source: Source, number: int, level: int, base: int) -> tuple[_Section, int]:
    """The section and where it ends."""
    at = _HEADER_BYTES + _SECTION_BYTES * number
    where = f"{source.name}: section {number} at offset {at:,}"
    if at + _SECTION_BYTES > source.size:
        raise MalformedFileError(f"{where}: the header is cut off")
    header = _SectionHeader(*_SECTION.unpack_from(source.data, at))
    if header.degree > _MOST_READ_DEGREE:
        raise UnsupportedFileError(f"{where}: spherical harmonics of degree {header.degree}, at most 3 is read")
    if header.splats > header.room:
        raise MalformedFileError(f"{where}: {header.splats:,} splats, room for {header.room:,}")
    row_bytes = bytes_per_splat(level, header.degree)
    bucketed = 4 * header.partial + header.bucket_bytes * header.buckets
    if base + bucketed + row_bytes * header.room > source.size:
        raise MalformedFileError(
            f"{where}: {header.room:,} splats of {row_bytes} bytes and {bucketed:,} bytes of buckets at offset "
            f"{base:,}, but the file ends at {source.size:,}"
        )
    data = base + bucketed
    rows = np.frombuffer(source.data, np.uint8, header.splats * row_bytes, data).reshape(header.splats, row_bytes)
    centers, ends = _read_buckets(source, header, base, where) if level else (_NO_CENTERS, _NO_ENDS)
    return _Section(header, rows, centers, ends), data + row_bytes * header.room


_NO_CENTERS: F32 = np.zeros((1, 3), np.float32)
_NO_ENDS: I64 = np.zeros(0, np.int64)


def _read_buckets(source: Source, header: _SectionHeader, base: int, where: str) -> tuple[F32, I64]:
    if header.bucket_bytes < _BUCKET_BYTES or header.full + header.partial != header.buckets:
        raise MalformedFileError(
            f"{where}: {header.buckets:,} buckets of {header.bucket_bytes} bytes, {header.full:,} full and "
            f"{header.partial:,} not; wants the sum of these, with {_BUCKET_BYTES} bytes each"
        )
    if not (np.isfinite(header.bucket_side) and header.bucket_side > 0):
        raise MalformedFileError(f"{where}: buckets have a side of {header.bucket_side} m")
    partial = np.frombuffer(source.data, "<u4", header.partial, base).astype(np.int64)
    lengths = np.concatenate([np.full(header.full, header.bucket_size, np.int64), partial])
    ends = np.cumsum(lengths)
    if header.splats and (not ends.size or ends[-1] < header.splats):
        held = int(ends[-1]) if ends.size else 0
        raise MalformedFileError(f"{where}: {header.splats:,} splats, its buckets hold {held:,}")
    raw = np.frombuffer(source.data, np.uint8, header.buckets * header.bucket_bytes, base + 4 * header.partial)
    table: NDArray[np.uint8] = raw.reshape(header.buckets, header.bucket_bytes)[:, :_BUCKET_BYTES]
    return table.copy().view(np.float32).reshape(-1, 3), ends


def _decode(section: _Section, which: Rows, header: _Header, degree: int) -> GaussianCloud:
    scale_range = section.header.range or _RANGE
    step = section.header.bucket_side / 2 / scale_range if header.level else 0.0
    centers = centers_of(row_numbers(which), section.ends, section.centers) if header.level else _NO_CENTERS
    block = np.array(section.rows[which])
    return unpack(block, header.level, centers, scale_range, step, header.sh_range, section.header.degree, degree)
