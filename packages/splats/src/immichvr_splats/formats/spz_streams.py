"""What is around the planes of SPZ: one gzip member (versions 1 to 3), or a zstd frame for each plane (version 4)."""

import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, cast

import numpy as np
import zstandard
from isal import isal_zlib

from ..compiled import U8
from ..errors import MalformedFileError
from ..source import Source
from ..threads import in_order, workers

_GZIP_WINDOW = 31
_RAW_WINDOW = -15
_ISAL_LEVEL = 2
# Measured: beyond positions, which come first, level 3 takes up to three times as long for files that are not smaller.
_ZSTD_POSITIONS_LEVEL, _ZSTD_LEVEL = 3, 1
_GZIP_HEADER = bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])
_GZIP_TRAILER = struct.Struct("<II")
_EMPTY_LAST_BLOCK = b"\3\0"
_MOST_BYTES_PER_DEFLATED_BYTE = 1032  # deflate cannot expand by more
_TOC_ENTRY = struct.Struct("<QQ")
_IsalError = cast("type[Exception]", isal_zlib.error)  # isal's stub declares it as an instance


class Deflated(NamedTuple):
    """A piece of a gzip member. crc: of its `size` bytes before they were compressed."""

    data: bytes
    crc: int
    size: int


def deflate(data: U8 | bytes) -> Deflated:
    """Compress a piece on its own, ending at a byte, so that pieces can be joined."""
    compressor = isal_zlib.compressobj(_ISAL_LEVEL, isal_zlib.DEFLATED, _RAW_WINDOW)
    compressed = compressor.compress(data) + compressor.flush(isal_zlib.Z_SYNC_FLUSH)
    return Deflated(compressed, isal_zlib.crc32(data), len(data))


def gzip_member(pieces: list[Deflated]) -> Iterator[bytes]:
    """One gzip member of pieces that were compressed apart from each other."""
    crc, size = 0, 0
    yield _GZIP_HEADER
    for piece in pieces:
        yield piece.data
        crc = isal_zlib.crc32_combine(crc, piece.crc, piece.size)
        size += piece.size
    yield _EMPTY_LAST_BLOCK + _GZIP_TRAILER.pack(crc, size & 0xFFFFFFFF)


def begin_of_gzip(source: Source, size: int) -> bytes:
    """The first `size` bytes inside, fewer where the stream is shorter."""
    try:
        return isal_zlib.decompressobj(_GZIP_WINDOW).decompress(source.data[:4096], size)
    except _IsalError as error:
        raise MalformedFileError(f"{source.name}: not an spz file, no gzip stream at offset 0 ({error})") from error


def inflate(source: Source, size: int) -> tuple[bytes, bool]:
    """The first `size` bytes inside the gzip stream, and whether there are more.

    The end is checked too if it comes after them.
    """
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
    if not more and not stream.eof:
        raise MalformedFileError(f"{source.name}: the gzip stream is cut off before its checksum")
    return payload, bool(more)


def zstd_frames(blocks: Iterator[list[U8]], sizes: list[int]) -> list[list[bytes]]:
    """One frame, in pieces, for each plane that comes in blocks. sizes: bytes of each plane in all."""
    levels = [_ZSTD_POSITIONS_LEVEL if plane == 0 else _ZSTD_LEVEL for plane in range(len(sizes))]
    compressors = [zstandard.ZstdCompressor(level=level) for level in levels]
    streams = [compressor.compressobj(size=size) for compressor, size in zip(compressors, sizes, strict=True)]
    frames: list[list[bytes]] = [[] for _ in sizes]
    with ThreadPoolExecutor(workers()) as pool:
        for planes in blocks:
            for frame, piece in zip(frames, pool.map(lambda s, p: s.compress(p), streams, planes), strict=True):
                frame.append(piece)
        for frame, end in zip(frames, pool.map(lambda s: s.flush(), streams), strict=True):
            frame.append(end)
    return frames


def table_of_contents(frames: list[list[bytes]], sizes: list[int]) -> bytes:
    """Compressed and uncompressed size of each frame."""
    entries = zip(frames, sizes, strict=True)
    return b"".join(_TOC_ENTRY.pack(sum(map(len, frame)), size) for frame, size in entries)


def read_frames(source: Source, toc_offset: int, count: int, sizes: list[int]) -> list[U8]:
    """The planes behind a table of `count` entries at `toc_offset`; sizes: what each must have, in bytes."""
    name = source.name
    start = toc_offset + count * _TOC_ENTRY.size
    if count < len(sizes):
        raise MalformedFileError(f"{name}: {count} streams, its header makes {len(sizes)} necessary")
    if start > source.size:
        raise MalformedFileError(f"{name}: the table of {count} streams at offset {toc_offset:,} is cut off")
    spans: list[tuple[int, int, int]] = []
    for i, size in enumerate(sizes):
        compressed, uncompressed = _TOC_ENTRY.unpack_from(source.data, toc_offset + i * _TOC_ENTRY.size)
        where = f"{name}: stream {i} at offset {start:,}"
        if uncompressed != size:
            raise MalformedFileError(f"{where} has {uncompressed:,} bytes uncompressed, {size:,} are announced")
        if compressed > source.size - start:
            raise MalformedFileError(f"{where} has {compressed:,} bytes, {source.size - start:,} are left")
        spans.append((start, start + compressed, size))
        start += compressed
    return list(in_order(lambda span: _read_frame(source, *span), spans))


def _read_frame(source: Source, start: int, stop: int, size: int) -> U8:
    where = f"{source.name}: stream at offset {start:,}"
    frame = source.data[start:stop]
    try:
        announced = zstandard.get_frame_parameters(frame).content_size
        if announced not in (size, zstandard.CONTENTSIZE_UNKNOWN):
            raise MalformedFileError(f"{where}: a zstd frame of {announced:,} bytes, {size:,} are announced")
        data = zstandard.ZstdDecompressor().decompress(frame, max_output_size=size)
    except zstandard.ZstdError as error:
        raise MalformedFileError(f"{where}: damaged zstd frame ({error})") from error
    if len(data) != size:
        raise MalformedFileError(f"{where}: ends after {len(data):,} bytes, {size:,} are announced")
    return np.frombuffer(data, np.uint8)
