"""The header of a PLY file: elements, their properties, and where the data begins.

Source: Greg Turk, "The PLY Polygon File Format" (1994).
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from ..errors import MalformedFileError, UnsupportedFileError
from ..source import Source

MAX_HEADER_BYTES = 64 * 1024
MAX_HEADER_LINES = 2048
_END = re.compile(rb"\nend_header[ \t]*\r?\n")
_COUNT = re.compile(r"[0-9]{1,18}")
_FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_SCALARS = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
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
    """byte_order: '<' or '>', or '' for ascii. data_offset: bytes from the start of the file."""

    byte_order: str
    elements: tuple[Element, ...]
    data_offset: int

    def element(self, name: str) -> Element | None:
        return next((e for e in self.elements if e.name == name), None)


def read_header(source: Source) -> Header:
    """Parse the header. Raises MalformedFileError with the line, UnsupportedFileError for an unknown version."""
    head = bytes(source.data[:MAX_HEADER_BYTES])
    if not head.startswith((b"ply\n", b"ply\r\n")):
        raise MalformedFileError(f"{source.name}: does not begin with 'ply', so it is no PLY file")
    end = _END.search(head)
    if end is None:
        raise MalformedFileError(
            f"{source.name}: no 'end_header' line within the first {len(head):,} bytes; "
            f"a header is at most {MAX_HEADER_BYTES:,} bytes long"
        )
    try:
        lines = head[: end.start()].decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise MalformedFileError(f"{source.name}: header is not text at byte {error.start}") from error
    if len(lines) > MAX_HEADER_LINES:
        raise MalformedFileError(f"{source.name}: header has {len(lines):,} lines, at most {MAX_HEADER_LINES:,}")
    return _parse(lines, end.end(), source.name)


def _parse(lines: list[str], data_offset: int, name: str) -> Header:
    byte_order: str | None = None
    elements: list[Element] = []
    for number, line in enumerate(lines[1:], start=2):
        words = line.split()
        where = f"{name}: header line {number} ({line.strip()[:60]!r})"
        match words:
            case [] | ["comment", *_] | ["obj_info", *_]:
                continue
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
    return Header(byte_order, tuple(elements), data_offset)
