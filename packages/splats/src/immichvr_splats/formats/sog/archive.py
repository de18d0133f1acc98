"""Zip archives: what of them the formats of this package need, written stored, read with suspicion.

Local header, 30 B + name: magic "PK\\3\\4", u16 version, u16 flags, u16 method, u32 time, u32 crc, u32 packed size,
u32 size, u16 name length, u16 extra length. Central directory, 46 B + name + extra + comment for each entry. End
record, 22 B + comment. Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.

Sizes and offsets are taken from the central directory alone, since streamed archives have none in local headers. Names
only ever choose among the entries: nothing is unpacked to a disk.
"""

import re
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from immichvr_splats.errors import LimitExceededError, MalformedFileError, UnsupportedFileError
from immichvr_splats.source import Source

MAGIC = b"PK\x03\x04"
_LOCAL = struct.Struct("<4sHHHIIIIHH")
_CENTRAL = struct.Struct("<4sHHHHIIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_CENTRAL_MAGIC, _END_MAGIC = b"PK\x01\x02", b"PK\x05\x06"
_LONGEST_COMMENT = 65_535
_MOST_ENTRIES = 1_000
_STORED, _DEFLATED = 0, 8
_FLAG_ENCRYPTED = 1
_FLAG_UTF8 = 1 << 11
_VERSION = 20
_DAY_ONE = (1 << 21) | (1 << 16)  # 1 January 1980: the same cloud gives the same bytes
_LARGEST = 0xFFFFFFFF
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")


class _Entry(NamedTuple):
    method: int
    flags: int
    checksum: int
    packed: int
    size: int
    offset: int


@dataclass(frozen=True)
class Archive:
    """The entries of one zip file, by name."""

    source: Source
    entries: dict[str, _Entry]

    def read(self, name: str, largest: int) -> bytes | memoryview:
        """The content of one entry. Raises MalformedFileError, UnsupportedFileError, LimitExceededError."""
        where = f"{self.source.name}: zip entry {name!r}"
        entry = self.entries.get(name)
        if entry is None:
            raise MalformedFileError(f"{self.source.name}: the zip has no entry {name!r}")
        if entry.flags & _FLAG_ENCRYPTED:
            raise UnsupportedFileError(f"{where} is encrypted")
        if entry.size > largest:
            raise LimitExceededError(f"{where}: {entry.size:,} bytes unpacked, the limit is {largest:,}")
        content = _content(entry, self._packed(entry, where), where)
        if zlib.crc32(content) != entry.checksum:
            raise MalformedFileError(f"{where}: the checksum does not fit its bytes")
        return content

    def within(self, folder: str) -> "Archive":
        """Only the entries of `folder`, which ends with a slash, by their names in it."""
        return Archive(
            self.source, {n.removeprefix(folder): e for n, e in self.entries.items() if n.startswith(folder)}
        )

    def _packed(self, entry: _Entry, where: str) -> memoryview:
        data = self.source.data
        if entry.offset + _LOCAL.size > data.nbytes:
            raise MalformedFileError(f"{where}: local header at offset {entry.offset:,}, beyond the end of the file")
        magic, *_, name_length, extra_length = _LOCAL.unpack_from(data, entry.offset)
        if magic != MAGIC:
            raise MalformedFileError(f"{where}: no local header at offset {entry.offset:,}")
        start = entry.offset + _LOCAL.size + name_length + extra_length
        if start + entry.packed > data.nbytes:
            raise MalformedFileError(f"{where}: {entry.packed:,} bytes at offset {start:,} go beyond the file's end")
        return data[start : start + entry.packed]


def open_archive(source: Source) -> Archive:
    """Read the central directory. Raises MalformedFileError, UnsupportedFileError."""
    name = source.name
    tail_start = max(0, source.size - _END.size - _LONGEST_COMMENT)
    found = bytes(source.data[tail_start:]).rfind(_END_MAGIC)
    if found < 0 or tail_start + found + _END.size > source.size:
        raise MalformedFileError(f"{name}: not a whole zip file, it has no end record")
    _, disk, first_disk, _, count, size, offset, _ = _END.unpack_from(source.data, tail_start + found)
    if disk or first_disk or _LARGEST in (size, offset):
        raise UnsupportedFileError(f"{name}: a zip of several parts or of zip64, which are not read here")
    if count > _MOST_ENTRIES:
        raise UnsupportedFileError(f"{name}: {count:,} zip entries, at most {_MOST_ENTRIES:,} are read")
    if offset + size > tail_start + found:
        raise MalformedFileError(f"{name}: the zip directory at offset {offset:,} goes beyond its end record")
    return Archive(source, _directory(source, count, offset, offset + size))


def stored(entries: Iterable[tuple[str, bytes]]) -> list[bytes | memoryview]:
    """The pieces of a zip file that holds `entries`, (name, content), uncompressed."""
    pieces: list[bytes | memoryview] = []
    directory = []
    offset = 0
    for name, content in entries:
        label = name.encode("ascii")
        sums = (zlib.crc32(content), len(content), len(content))
        shared = (_FLAG_UTF8, _STORED, _DAY_ONE, *sums, len(label), 0)
        pieces += [_LOCAL.pack(MAGIC, _VERSION, *shared) + label, content]
        directory.append(_CENTRAL.pack(_CENTRAL_MAGIC, _VERSION, _VERSION, *shared, 0, 0, 0, 0, offset) + label)
        offset += _LOCAL.size + len(label) + len(content)
    listing = b"".join(directory)
    count = len(directory)
    pieces += [listing, _END.pack(_END_MAGIC, 0, 0, count, count, len(listing), offset, 0)]
    return pieces


def plain_name(name: object) -> bool:
    """Whether `name` is a file's name that cannot lead out of its folder."""
    return isinstance(name, str) and _PLAIN_NAME.fullmatch(name) is not None


def _directory(source: Source, count: int, offset: int, end: int) -> dict[str, _Entry]:
    entries: dict[str, _Entry] = {}
    for index in range(count):
        where = f"{source.name}: zip directory entry {index} at offset {offset:,}"
        if offset + _CENTRAL.size > end:
            raise MalformedFileError(f"{where}: cut off, the directory ends at {end:,}")
        row = _CENTRAL.unpack_from(source.data, offset)
        magic, _, _, flags, method, _, checksum, packed, size, name_length, extra, comment, *_, at = row
        if magic != _CENTRAL_MAGIC:
            raise MalformedFileError(f"{where}: begins with {magic!r}, wants {_CENTRAL_MAGIC!r}")
        start = offset + _CENTRAL.size
        label = bytes(source.data[start : min(start + name_length, end)])
        entries.setdefault(label.decode("utf-8", "replace"), _Entry(method, flags, checksum, packed, size, at))
        offset = start + name_length + extra + comment
    return entries


def _content(entry: _Entry, packed: memoryview, where: str) -> bytes | memoryview:
    if entry.method == _STORED:
        if entry.packed != entry.size:
            raise MalformedFileError(f"{where}: stored, yet {entry.packed:,} bytes are to become {entry.size:,}")
        return packed
    if entry.method != _DEFLATED:
        raise UnsupportedFileError(f"{where}: compression method {entry.method}, 0 (stored) and 8 (deflate) are read")
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = stream.decompress(packed, entry.size + 1)
    except zlib.error as error:
        raise MalformedFileError(f"{where}: damaged ({error})") from error
    if len(content) != entry.size:
        raise MalformedFileError(f"{where}: announces {entry.size:,} bytes unpacked, has {len(content):,} or more")
    return content
