"""Niantic `.spz`, versions 1 to 4.

Versions 1 to 3 are gzip of: header, 16 B little endian: u32 magic "NGSP", u32 version, u32 count, u8 sh_degree,
u8 fractional_bits, u8 flags (1 antialiased, 2 extensions), u8 reserved; then planes, each for all Gaussians;
then extensions. Version 4 has a plain header of 32 B: the same up to flags, then u8 streams, u32 offset of the table
of contents, 12 B zero; extensions; the table, u64 compressed and u64 uncompressed size of each stream; then a zstd
frame for each plane that is not empty, in the same order.

| plane     | bytes | value                                                                             |
|-----------|-------|-----------------------------------------------------------------------------------|
| positions | 9     | 3 x int24, round(p * 2^fractional_bits); v1: 6 B, 3 x f16                         |
| alphas    | 1     | round(sigmoid(logit) * 255)                                                       |
| colours   | 3     | round(f_dc * 0.15 * 255 + 127.5)                                                  |
| scales    | 3     | round((ln s + 10) * 16)                                                           |
| rotations | 4     | v3+, u32: index of the largest of x, y, z, w in the top 2 bits, then for the      |
|           |       | others in that order a sign bit and 9 bits of |q| * sqrt(2) * 511                 |
|           | 3     | v1, v2: xyz * sign(w) * 127.5 + 127.5                                             |
| sh        | 3 K   | coefficient-major RGB, round(v * 128) + 128, to multiples of 8 (degree 1) or 16   |

Axes are stored as they are (RDF), as splat-transform, gsply, gaussforge and Niantic's own `ply_to_spz` command do;
frame="rub" is the specification's, which Niantic's library writes when told where the cloud comes from. A file may
tell its axes (`extensions.py`), and is turned by that on reading.
Source: github.com/nianticlabs/spz, `load-spz.cc`.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from immichvr_splats.cloud import SH_COEFFICIENTS, STORED_SH_COEFFICIENTS, GaussianCloud, Marks
from immichvr_splats.compiled import I64, U8
from immichvr_splats.errors import InvalidCloudError, MalformedFileError, UnsupportedFileError
from immichvr_splats.formats.base import Decoded, Encoded, Head
from immichvr_splats.formats.spz.extensions import MOST_BYTES as MOST_EXTENSION_BYTES
from immichvr_splats.formats.spz.extensions import read_extensions, written_extensions
from immichvr_splats.formats.spz.planes import LARGEST_STEPS, pack, plane_sizes, unpack, unpack_means
from immichvr_splats.formats.spz.streams import (
    Deflated,
    GzipMember,
    begin_of_gzip,
    deflate,
    deflate_levels,
    deflate_rotations,
    inflate,
    read_frames,
    table_of_contents,
    zstd_frames,
)
from immichvr_splats.frames import check_frame, check_frame_of_file, half_turn_about_x, turned
from immichvr_splats.losses import Loss, number
from immichvr_splats.reach import within_reach
from immichvr_splats.source import ReadLimits, Source
from immichvr_splats.strangers import HEAD_BYTES, what_it_is
from immichvr_splats.stream import SOUND, SoundStream, Stream

MAGIC = 0x5053474E
_HEADER = struct.Struct("<IIIBBBB")
_HEADER_4 = struct.Struct("<IIIBBBBI12x")
_FRACTIONAL_BITS = 12
ROOM = LARGEST_STEPS / 2.0**_FRACTIONAL_BITS
"""Metres from the origin within which means have all of their precision."""

_ORDERS = ("file", "morton")
_GZIP_VERSIONS = (1, 2, 3)
_WRITTEN_VERSIONS = (2, 3, 4)
_FIRST_WITH_WORDS = 3  # of rotations
_FLAG_ANTIALIASED, _FLAG_EXTENSIONS = 1, 2
_KNOWN_FLAGS = _FLAG_ANTIALIASED | _FLAG_EXTENSIONS
_MOST_FRACTIONAL_BITS = 24
_STORED_COEFFICIENTS = tuple(k - 1 for k in STORED_SH_COEFFICIENTS)


class _Header(NamedTuple):
    version: int
    points: int
    degree: int
    fractional_bits: int
    flags: int
    streams: int = 0
    toc_offset: int = 0

    @property
    def plane_sizes(self) -> list[int]:
        return [size * self.points for size in plane_sizes(self.version, _STORED_COEFFICIENTS[self.degree])]


def read(source: Source, limits: ReadLimits, *, frame: str | None = None, untold: str = "rdf") -> Decoded:
    """Decode versions 1 to 4. Nothing is decompressed beyond what the header's count makes necessary.

    frame: the axes that the file is in, "rub" for one that follows the specification; by default those that it tells,
    and those of `untold` where it tells none.
    """
    if frame is not None:
        check_frame_of_file(frame, "spz")
    header = _read_header(source)
    limits.check_points(header.points, source.name)
    limits.check_decompressed(_HEADER.size + sum(header.plane_sizes), source.name)
    planes, extensions, losses = (_planes_of_gzip if header.version < 4 else _planes_of_zstd)(source, header)
    if header.flags & ~_KNOWN_FLAGS:
        losses.append(Loss("ignored", f"flags 0x{header.flags & ~_KNOWN_FLAGS:02X} of the spz header: ignored"))
    told, notes, extension_losses = read_extensions(extensions, source.name, frame)
    losses += extension_losses
    degree = min(header.degree, len(SH_COEFFICIENTS) - 1)
    if degree < header.degree:
        message = f"spherical harmonics of degree {header.degree}: at most degree {degree} is read"
        losses.append(Loss("sh_degree", message, header.points))
    version, bits, stored = header.version, header.fractional_bits, _STORED_COEFFICIENTS[header.degree]
    stream = Stream(
        header.points,
        degree,
        lambda rows: unpack(planes, version, bits, stored, degree, rows),
        decode_means=lambda rows: unpack_means(planes[0], version, bits, rows),
        glance=(lambda _: SOUND) if version > 1 else None,
        decode_less=lambda rows, cut: unpack(planes, version, bits, stored, cut, rows),
        marks=Marks(antialiased=bool(header.flags & _FLAG_ANTIALIASED), georeference=notes),
    )
    return Decoded(turned(stream, told or untold), losses)


def head(source: Source) -> Head:
    """What the header says. Raises MalformedFileError, UnsupportedFileError."""
    header = _read_header(source)
    return Head(header.points, min(header.degree, len(SH_COEFFICIENTS) - 1))


def write(stream: SoundStream, *, version: int = 3, order: str = "file", frame: str = "rdf") -> Encoded:
    """Encode.

    version: 2, 3 (what viewers read today), or 4. order: "file" keeps the cloud's order, which carries meaning (rows
    of a photo, importance); "morton" sorts by place, which makes smaller files. frame: "rdf" stores the axes as they
    are, "rub" as the specification says. Positions beyond ±2048 m lower the number of fractional bits for all, unless
    they are few and far from all others: those are moved in.
    """
    if order not in _ORDERS:
        raise InvalidCloudError(f"order is {order!r}, spz takes one of {', '.join(_ORDERS)}")
    if version not in _WRITTEN_VERSIONS:
        raise InvalidCloudError(f"version is {version!r}, spz takes one of {', '.join(map(str, _WRITTEN_VERSIONS))}")
    check_frame(frame, "spz")
    stream, losses = within_reach(stream, ROOM)
    if order == "morton":
        stream = stream.selected(stream.places.morton_order)
        losses.append(Loss("order", "Gaussians were sorted by place (Morton order)"))
    bits, precision_losses = _fractional_bits(stream)
    losses += precision_losses
    if frame == "rub":
        stream = stream.changed(half_turn_about_x)
    extensions, place_losses = written_extensions(stream.marks)
    losses += place_losses
    chunks = _write_zstd if version == 4 else _write_gzip
    return Encoded(chunks(stream, version, bits, extensions, losses), losses)


def _write_gzip(stream: SoundStream, version: int, bits: int, extensions: bytes, losses: list[Loss]) -> Iterator[bytes]:
    clamped = np.zeros(4, np.int64)
    header = _HEADER.pack(MAGIC, version, stream.count, stream.sh_degree, bits, _flags(stream, extensions), 0)
    member = GzipMember()
    yield member.begin
    yield member.piece(deflate(header))
    later: list[list[Deflated]] = [[] for _ in plane_sizes(version, 0)[1:]]
    for (positions, *others), block_clamped in stream.blocks(lambda block: _packed(block, version, bits)):
        clamped += block_clamped
        yield member.piece(positions)  # they come first in the file, which is written while others are compressed
        for plane, piece in zip(later, others, strict=True):
            plane.append(piece)
    losses += _clamping_losses(clamped)
    for plane in later:
        for piece in plane:
            yield member.piece(piece)
    if extensions:
        yield member.piece(deflate(extensions))
    yield member.end()


def _packed(block: GaussianCloud, version: int, bits: int) -> tuple[list[Deflated], I64]:
    (positions, alphas, colors, scales, rotations, bands), clamped = pack(block, version, bits)
    return [
        deflate(positions),
        deflate_levels(alphas),
        deflate(colors),
        deflate_levels(scales),
        deflate_rotations(rotations) if version >= _FIRST_WITH_WORDS else deflate(rotations),
        deflate_levels(bands),
    ], clamped


def _write_zstd(stream: SoundStream, version: int, bits: int, extensions: bytes, losses: list[Loss]) -> Iterator[bytes]:
    clamped = np.zeros(4, np.int64)
    sizes = [size * stream.count for size in plane_sizes(version, _STORED_COEFFICIENTS[stream.sh_degree])]
    sizes = [size for size in sizes if size]

    def blocks() -> Iterator[list[U8]]:
        for planes, block_clamped in stream.blocks(lambda block: pack(block, version, bits)):
            clamped[:] += block_clamped
            yield planes[: len(sizes)]

    frames = zstd_frames(blocks(), sizes)
    losses += _clamping_losses(clamped)
    toc_offset = _HEADER_4.size + len(extensions)
    flags = _flags(stream, extensions)
    header = _HEADER_4.pack(MAGIC, version, stream.count, stream.sh_degree, bits, flags, len(frames), toc_offset)
    yield header + extensions + table_of_contents(frames, sizes)
    for frame in frames:
        yield from frame


def _flags(stream: SoundStream, extensions: bytes) -> int:
    antialiased = _FLAG_ANTIALIASED if stream.marks.antialiased else 0
    return antialiased | (_FLAG_EXTENSIONS if extensions else 0)


def _read_header(source: Source) -> _Header:
    name = source.name
    plain = bytes(source.data[:4]) == b"NGSP"
    layout = _HEADER_4 if plain else _HEADER
    raw = bytes(source.data[: layout.size]) if plain else begin_of_gzip(source, layout.size)
    if len(raw) < layout.size:
        raise MalformedFileError(f"{name}: {len(raw)} bytes decompressed, the header alone has {layout.size}")
    magic, version, count, degree, bits, flags, streams, *toc = layout.unpack(raw)
    if magic != MAGIC and (words := _packed_by_gzip(source)):
        raise UnsupportedFileError(f"{name}: packed by gzip: {words}; unpack it (gunzip) and give what is in it")
    if magic != MAGIC:
        raise MalformedFileError(f"{name}: gzip of something else, begins with {raw[:4]!r}, wants b'NGSP'")
    if version not in ((4,) if plain else _GZIP_VERSIONS):
        raise UnsupportedFileError(f"{name}: spz version {version}, versions (1, 2, 3) in gzip and 4 plain are read")
    if degree >= len(_STORED_COEFFICIENTS):
        raise UnsupportedFileError(f"{name}: spherical harmonics of degree {degree}, at most 4 is known")
    if bits > _MOST_FRACTIONAL_BITS:
        raise MalformedFileError(f"{name}: {bits} fractional bits, a mean has {_MOST_FRACTIONAL_BITS} bits")
    return _Header(version, count, degree, bits, flags, streams, *toc)


def _packed_by_gzip(source: Source) -> str | None:
    """What another file than an SPZ is, where its first bytes tell."""
    begin = begin_of_gzip(source, HEAD_BYTES)
    named = ((b"ply", "a PLY"), (b"PK\3\4", "a zip, such as a SOG"), (b"glTF", "a GLB"), (b"\x1f\x8b", "another gzip"))
    return next((words for magic, words in named if begin.startswith(magic)), what_it_is(begin))


def _planes_of_gzip(source: Source, header: _Header) -> tuple[list[U8], bytes, list[Loss]]:
    """Planes, extensions, and what is left out."""
    sizes = header.plane_sizes
    extended = bool(header.flags & _FLAG_EXTENSIONS)
    pieces, more, behind = inflate(source, _HEADER.size + sum(sizes), MOST_EXTENSION_BYTES if extended else 1)
    ends = _HEADER.size + np.cumsum(sizes)
    planes = [_between(pieces, int(end) - size, int(end)) for end, size in zip(ends, sizes, strict=True)]
    losses = [Loss("ignored", f"{number(behind, 'byte')} behind the gzip stream: ignored")] if behind else []
    if extended:
        return planes, more, losses
    if more:
        losses.append(Loss("ignored", "what follows the Gaussians in the spz stream: ignored"))
    return planes, b"", losses


def _between(pieces: list[bytes], start: int, stop: int) -> U8:
    """Bytes of what `pieces` are together, without a copy where they are in one of them."""
    found = []
    for piece in pieces:
        if start < min(len(piece), stop):
            found.append(np.frombuffer(piece, np.uint8)[start:stop])
        start, stop = max(start - len(piece), 0), max(stop - len(piece), 0)
    if len(found) == 1:
        return found[0]
    whole = np.concatenate(found) if found else np.empty(0, np.uint8)
    whole.flags.writeable = False  # as the others are: kernels are compiled apart for what may be written
    return whole


def _planes_of_zstd(source: Source, header: _Header) -> tuple[list[U8], bytes, list[Loss]]:
    """As `_planes_of_gzip`."""
    sizes = [size for size in header.plane_sizes if size]
    if header.toc_offset < _HEADER_4.size:
        raise MalformedFileError(f"{source.name}: table of contents at offset {header.toc_offset}, within the header")
    planes = read_frames(source, header.toc_offset, header.streams, sizes)
    planes += [np.frombuffer(b"", np.uint8)] * (len(header.plane_sizes) - len(planes))
    losses = []
    if header.streams > len(sizes):
        losses.append(Loss("ignored", f"{number(header.streams - len(sizes), 'further stream')}: ignored"))
    end = min(header.toc_offset, _HEADER_4.size + MOST_EXTENSION_BYTES)
    return planes, bytes(source.data[_HEADER_4.size : end]), losses


def _fractional_bits(stream: SoundStream) -> tuple[int, list[Loss]]:
    reach = float(max(abs(stream.places.low).max(), abs(stream.places.high).max()))
    bits = _FRACTIONAL_BITS
    while bits > 0 and reach * 2.0**bits > LARGEST_STEPS:
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
