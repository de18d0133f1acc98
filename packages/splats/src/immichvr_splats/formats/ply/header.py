"""The header of a PLY file: elements, their properties, and where the data begins.

Source: Greg Turk, "The PLY Polygon File Format" (1994).
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from immichvr_splats.errors import MalformedFileError, UnsupportedFileError
from immichvr_splats.source import Source

MAGIC = (b"ply\n", b"ply\r", b"ply ", b"ply\t", b"\xef\xbb\xbfply")
"""How files begin: with any line ends, with spaces behind, with the byte order mark of text editors."""

MAX_HEADER_BYTES = 16 << 20
MAX_HEADER_LINES = 2048
"""Of statements. Comments are bounded by the header's size alone: trainers put whole configurations into them."""

_FIRST_LOOK = 64 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_BEGIN = re.compile(rb"ply[ \t]*(\r\n|\n|\r)")
_ENDS = {
    # Where lines end with CR alone, LF behind the last of them is the first byte of the data.
    b"\r": re.compile(rb"\rend_header[ \t]*\r"),
    b"\n": re.compile(rb"\nend_header[ \t]*\r?\n"),
    b"\r\n": re.compile(rb"\nend_header[ \t]*\r?\n"),
}
_MOST_LINES = 100_000
_LONGEST_COMMENT = 4096
_MOST_COMMENTS = 1024  # that are kept
_NO_STATEMENTS = (b"", b"comment", b"obj_info")
_COUNT = re.compile(r"[0-9]{1,18}", re.ASCII)
_FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_SCALARS = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "int64": "i8", "uint64": "u8", "long": "i8", "ulong": "u8", "longlong": "i8", "ulonglong": "u8",
    "half": "f2", "float16": "f2", "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip


@dataclass(frozen=True)
class Element:
    """`count` rows of properties. properties: name to numpy scalar code without byte order, in file order."""

    name: str
    count: int
    properties: dict[str, str]
    lists: tuple[str, ...] = ()

    def dtype(self, byte_order: str) -> np.dtype[np.void]:
        """The packed row."""
        fields: list[tuple[str, DTypeLike]] = [(n, byte_order + code) for n, code in self.properties.items()]
        return np.dtype(fields)


@dataclass(frozen=True)
class Header:
    """byte_order: '<' or '>', or '' for ascii. data_offset: bytes from the start of the file. line_end: of the header.

    comments: the first of them, without the word before, whatever code page they are in read as UTF-8; long ones are
    left out.
    """

    byte_order: str
    elements: tuple[Element, ...]
    data_offset: int
    line_end: bytes = b"\n"
    comments: tuple[str, ...] = ()

    def element(self, name: str) -> Element | None:
        return next((e for e in self.elements if e.name == name), None)

    def count(self, name: str) -> int:
        """Rows of an element, 0 where there is none."""
        element = self.element(name)
        return 0 if element is None else element.count


def read_header(source: Source) -> Header:
    """Parse the header. Raises MalformedFileError with the line, UnsupportedFileError for an unknown version."""
    begin = len(_BYTE_ORDER_MARK) if bytes(source.data[:3]) == _BYTE_ORDER_MARK else 0
    first = _BEGIN.match(bytes(source.data[begin : begin + _FIRST_LOOK]))
    if first is None:
        if bytes(source.data[:2]) in _UTF_16:
            raise UnsupportedFileError(f"{source.name}: text in UTF-16; a PLY is ASCII, save it as that or as UTF-8")
        raise MalformedFileError(f"{source.name}: does not begin with 'ply', so it is no PLY file")
    line_end = first[1]
    head, data_offset = _header_bytes(source, _ENDS[line_end])
    separator = b"\r" if line_end == b"\r" else b"\n"
    if head.count(separator) > _MOST_LINES:
        raise MalformedFileError(f"{source.name}: header has more than {_MOST_LINES:,} lines")
    return _parse(head[begin:].split(separator), data_offset, line_end, source.name)


def is_header_with(source: Source, property_name: str) -> bool:
    """Whether a file is a PLY whose element vertex has this property. Files that cannot be read are not."""
    try:
        vertex = read_header(source).element("vertex")
    except (MalformedFileError, UnsupportedFileError):
        return False
    return vertex is not None and property_name in vertex.properties


def _header_bytes(source: Source, end_line: re.Pattern[bytes]) -> tuple[bytes, int]:
    """What stands before the line that ends the header, and where the data begins."""
    for size in (_FIRST_LOOK, MAX_HEADER_BYTES):
        head = bytes(source.data[:size])
        end = end_line.search(head)
        if end is not None:
            return head[: end.start()], end.end()
    raise MalformedFileError(
        f"{source.name}: no 'end_header' line within the first {len(head):,} bytes; "
        f"a header is at most {MAX_HEADER_BYTES:,} bytes long"
    )


def _parse(lines: list[bytes], data_offset: int, line_end: bytes, name: str) -> Header:
    byte_order: str | None = None
    elements: list[Element] = []
    comments: list[str] = []
    statements = 0
    for number, line in enumerate(lines[1:], start=2):
        begin, *rest = line.split(maxsplit=1) or [b""]
        if begin in _NO_STATEMENTS:
            if rest and len(rest[0]) <= _LONGEST_COMMENT and len(comments) < _MOST_COMMENTS:
                comments.append(rest[0].decode("utf-8", "replace").strip())
            continue
        statements += 1
        if statements > MAX_HEADER_LINES:
            raise MalformedFileError(f"{name}: header has {statements:,} lines or more, at most {MAX_HEADER_LINES:,}")
        words = [word.decode("utf-8", "backslashreplace") for word in line.split()]
        where = f"{name}: header line {number} ({' '.join(words)[:60]!r})"
        match words:
            case ["format", encoding, version] if encoding in _FORMATS and byte_order is None:
                if version != "1.0":
                    raise UnsupportedFileError(f"{where}: PLY version {version}, only 1.0 exists")
                byte_order = _FORMATS[encoding]
            case ["element", element, count] if _COUNT.fullmatch(count):
                if any(element == e.name for e in elements):
                    raise MalformedFileError(f"{where}: a second element of that name")
                elements.append(Element(element, int(count), {}))
            case ["property", "list", _, _, list_name] if elements:
                last = elements[-1]
                elements[-1] = Element(last.name, last.count, last.properties, (*last.lists, list_name))
            case ["property", scalar, scalar_name] if elements and scalar in _SCALARS:
                if scalar_name in elements[-1].properties:
                    raise MalformedFileError(f"{where}: a second property of that name")
                elements[-1].properties[scalar_name] = _SCALARS[scalar]
            case _:
                raise MalformedFileError(f"{where}: not a valid PLY header line at this place")
    if byte_order is None:
        raise MalformedFileError(f"{name}: header has no format line; wants one of {', '.join(_FORMATS)}")
    return Header(byte_order, tuple(elements), data_offset, line_end, tuple(comments))
