"""What is around the planes of SPZ: one gzip member (versions 1 to 3), or a zstd frame for each plane (version 4)."""

import struct
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, cast

import numpy as np
import zstandard
from isal import isal_zlib

from immichvr_splats.compiled import U8
from immichvr_splats.deflate import literal_block, literal_code, row_block
from immichvr_splats.errors import MalformedFileError
from immichvr_splats.source import Source
from immichvr_splats.threads import in_order, workers

_GZIP_WINDOW = 31
_RAW_WINDOW = -15
_ISAL_LEVEL = 2
_SAMPLE_BYTES = 1 << 14
_WORTH_A_SEARCH = 1.05  # which takes twice as long
# Hash bits, window bits and shortest match of each plane, measured on photos and scenes: zstd's fast strategy finds
# the short repetitions of these planes, which its levels do not look for, where hash and window fit a core's cache.
# What repeats in SH are long runs only; the rest is for the entropy coder.
_ZSTD_SEARCHES = ((15, 17, 5), (8, 17, 6), (14, 17, 5), (14, 17, 6), (17, 18, 4), (7, 17, 7))
_BLOCKS_AHEAD = 2
_GZIP_TRAILER = struct.Struct("<II")
_EMPTY_LAST_BLOCK = b"\3\0"
_PIECE_END = b"\0\0\xff\xff"  # of an empty stored block, after which the next one begins at a byte
_MOST_BEHIND = 1 << 26  # bytes that nobody asked for, to get to the checksum
_BEHIND_AT_ONCE = 1 << 20
_WORTH_TWO_THREADS = 1 << 20
_LONGEST_SEARCH = 1 << 20
_FIRST_PIECE_BYTES = 64  # the header's
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
    return Deflated(_isal(data), isal_zlib.crc32(data), len(data))


def deflate_rotations(data: U8) -> Deflated:
    """As `deflate`, of rows of four bytes that repeat as a whole, or all but the lowest of their bits do."""
    return Deflated(row_block(data.view("<u4")), isal_zlib.crc32(data), len(data))


def deflate_levels(data: U8) -> Deflated:
    """As `deflate`, of few independent levels: repetitions are looked for only if a sample says that it is worth it."""
    code = literal_code(data)
    sample = data[:_SAMPLE_BYTES]
    searched = 8 * len(_isal(sample)) * data.size / max(1, sample.size)
    compressed = _isal(data) if searched * _WORTH_A_SEARCH <= code.bits else literal_block(data, code)
    return Deflated(compressed, isal_zlib.crc32(data), len(data))


def _isal(data: U8 | bytes) -> bytes:
    compressor = isal_zlib.compressobj(_ISAL_LEVEL, isal_zlib.DEFLATED, _RAW_WINDOW)
    return compressor.compress(data) + compressor.flush(isal_zlib.Z_SYNC_FLUSH)


class GzipMember:
    """One gzip member of pieces that were compressed apart from each other: its begin, the pieces, its end."""

    begin = bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])

    def __init__(self) -> None:
        self._crc = self._size = 0

    def piece(self, piece: Deflated) -> bytes:
        self._crc = isal_zlib.crc32_combine(self._crc, piece.crc, piece.size)
        self._size += piece.size
        return piece.data

    def end(self) -> bytes:
        return _EMPTY_LAST_BLOCK + _GZIP_TRAILER.pack(self._crc, self._size & 0xFFFFFFFF)


def begin_of_gzip(source: Source, size: int) -> bytes:
    """The first `size` bytes inside, fewer where the stream is shorter."""
    try:
        return isal_zlib.decompressobj(_GZIP_WINDOW).decompress(source.data[:4096], size)
    except _IsalError as error:
        raise MalformedFileError(f"{source.name}: not an spz file, no gzip stream at offset 0 ({error})") from error


class Inflated(NamedTuple):
    """The first bytes inside a gzip stream, in pieces; some of those behind them; how many follow the whole stream."""

    pieces: list[bytes]
    more: bytes
    behind: int


def inflate(source: Source, size: int, most_more: int) -> Inflated:
    """The first `size` bytes inside the gzip stream, and at most `most_more` of those behind them.

    The end is checked too if it comes after them.
    """
    halves = _inflated_halves(source, size + most_more) if workers() > 1 else None
    if halves is not None and size <= len(halves[0]) + len(halves[1]) <= size + most_more:
        first, second, behind = halves
        return Inflated([first, second], second[max(size - len(first), 0) :], behind)
    return _inflated(source, size, most_more)


def _inflated_halves(source: Source, most: int) -> tuple[bytes, bytes, int] | None:
    """What is inside a gzip member of pieces, as `GzipMember` makes, by two threads that begin at different pieces.

    None for any other member, for a damaged one, and where a half has more than `most` bytes: whoever reads it from
    its begin to its end can say what is wrong.
    """
    begin = len(GzipMember.begin)
    if source.size < _WORTH_TWO_THREADS or bytes(source.data[:begin]) != GzipMember.begin:
        return None
    middle = source.size // 2
    found = bytes(source.data[middle : middle + _LONGEST_SEARCH]).find(_PIECE_END)
    if found < 0 or _PIECE_END not in bytes(source.data[begin : begin + _FIRST_PIECE_BYTES]):
        return None
    cut = middle + found + len(_PIECE_END)
    streams = [isal_zlib.decompressobj(_RAW_WINDOW) for _ in range(2)]
    try:
        with ThreadPoolExecutor(2) as pool:
            parts = (source.data[begin:cut], source.data[cut:])
            first, second = pool.map(lambda stream, part: stream.decompress(part, most), streams, parts)
    except _IsalError:
        return None  # such bytes stood in the middle of a piece
    left = streams[1].unused_data
    trailer = left[: _GZIP_TRAILER.size]
    if streams[0].eof or streams[0].unconsumed_tail or not streams[1].eof or len(trailer) < _GZIP_TRAILER.size:
        return None
    crc = isal_zlib.crc32_combine(isal_zlib.crc32(first), isal_zlib.crc32(second), len(second))
    sound = _GZIP_TRAILER.unpack(trailer) == (crc, (len(first) + len(second)) & 0xFFFFFFFF)
    return (first, second, len(left) - len(trailer)) if sound else None


def _inflated(source: Source, size: int, most_more: int) -> Inflated:
    short = f"{source.name}: header announces {size:,} bytes decompressed, "
    if size > source.size * _MOST_BYTES_PER_DEFLATED_BYTE:
        raise MalformedFileError(f"{short}{source.size:,} bytes cannot hold them")
    stream = isal_zlib.decompressobj(_GZIP_WINDOW)
    try:
        payload = stream.decompress(source.data, size)
        more = b"" if stream.eof else stream.decompress(stream.unconsumed_tail, most_more)
        left = _MOST_BEHIND
        behind = more
        while behind and left > 0 and not stream.eof:
            behind = stream.decompress(stream.unconsumed_tail, _BEHIND_AT_ONCE)
            left -= len(behind)
    except _IsalError as error:
        raise MalformedFileError(f"{source.name}: damaged gzip stream ({error})") from error
    if len(payload) < size:
        raise MalformedFileError(f"{short}the stream ends after {len(payload):,}")
    if left > 0 and not stream.eof:
        raise MalformedFileError(f"{source.name}: the gzip stream is cut off before its checksum")
    return Inflated([payload], more, len(stream.unused_data))


def zstd_frames(blocks: Iterator[list[U8]], sizes: list[int]) -> list[list[bytes]]:
    """One frame, in pieces, for each plane that comes in blocks. sizes: bytes of each plane in all."""
    streams = [_zstd_stream(*_ZSTD_SEARCHES[plane], size) for plane, size in enumerate(sizes)]
    pieces: list[list[Future[bytes]]] = [[] for _ in sizes]

    def compress(plane: int, piece: U8, before: Future[bytes] | None) -> bytes:
        if before is not None:
            before.result()  # was given to the pool earlier, so it is at work, or done
        return streams[plane].compress(piece.data)

    with ThreadPoolExecutor(workers()) as pool:
        for planes in blocks:
            for plane, piece in enumerate(planes):
                waiting = pieces[plane]
                waiting.append(pool.submit(compress, plane, piece, waiting[-1] if waiting else None))
                if len(waiting) > _BLOCKS_AHEAD:
                    waiting[-1 - _BLOCKS_AHEAD].result()
        frames = [[piece.result() for piece in plane] for plane in pieces]
        for frame, end in zip(frames, pool.map(lambda stream: stream.flush(), streams), strict=True):
            frame.append(end)
    return frames


def _zstd_stream(hash_log: int, window_log: int, min_match: int, size: int) -> "zstandard.ZstdCompressionObj":
    parameters = zstandard.ZstdCompressionParameters(
        hash_log=hash_log, window_log=window_log, min_match=min_match, strategy=zstandard.STRATEGY_FAST
    )
    return zstandard.ZstdCompressor(compression_params=parameters).compressobj(size=size)


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
