"""The rows behind a PLY header, ascii or binary, as float32."""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.compiled import F32
from immichvr_splats.errors import MalformedFileError, UnsupportedFileError
from immichvr_splats.formats.ply.header import Element, Header
from immichvr_splats.formats.ply.narrowing import Narrowing
from immichvr_splats.losses import Loss, number
from immichvr_splats.source import Source

_BLOCK = 16_384  # rows at once: words of text take many times the memory of their numbers
# What C libraries on Windows print for numbers that are none: -nan(ind), 1.#QNAN, -1.#IND; and 1.#INF.
_NAN_WORDS = re.compile(rb"(?i)[+-]?(?:nan\([a-z0-9_]*\)|1\.#(?:qnan|snan|ind)0*(?:e[+-]?\d+)?)")
_INF_WORDS = re.compile(rb"(?i)([+-]?)1\.#inf0*(?:e[+-]?\d+)?")


class Elements(NamedTuple):
    """Rows, (count, properties) float32, by element. origin: what was taken off x, y, z of the vertices, metres."""

    rows: dict[str, F32]
    losses: list[Loss]
    origin: tuple[float, float, float] | None


def read_elements(header: Header, source: Source, wanted: set[str]) -> Elements:
    """The `wanted` elements; a loss for each of the others, and for digits that float32 does not keep.

    Binary rows that are float32 little endian already are views into the source, at whatever alignment.
    Raises MalformedFileError where the file does not hold what its header says.
    """
    cursor: _Cursor = _Binary(header, source) if header.byte_order else _Ascii(header, source)
    found: dict[str, F32] = {}
    losses: list[Loss] = []
    origin = None
    for element in header.elements:
        if element.lists:
            if not wanted.isdisjoint(e.name for e in _from(header, element)):
                raise UnsupportedFileError(
                    f"{source.name}: element {element.name!r} holds a list ({element.lists[0]!r}); "
                    "lists are not read in or before the elements of a Gaussian cloud"
                )
            losses.append(Loss("ignored", f"element {element.name!r} and what follows it: ignored", element.count))
            return Elements(found, losses, origin)
        if element.name in wanted and not element.properties:
            raise MalformedFileError(f"{source.name}: element {element.name!r} has no properties")
        if element.name in wanted:
            codes = list(element.properties.values()) if header.byte_order else None
            narrowing = Narrowing(list(element.properties), codes, element.count)
            found[element.name] = cursor.rows(element, narrowing)
            losses += narrowing.losses()
            origin = origin or narrowing.origin
        else:
            cursor.skip(element)
            losses.append(Loss("ignored", f"element {element.name!r}: ignored", element.count))
    left = cursor.bytes_left()
    if left:
        losses.append(Loss("ignored", f"{number(left, 'byte')} after the last element: ignored"))
    return Elements(found, losses, origin)


def _from(header: Header, element: Element) -> tuple[Element, ...]:
    return header.elements[header.elements.index(element) :]


class _Cursor(Protocol):
    def rows(self, element: Element, narrowing: Narrowing) -> F32: ...
    def skip(self, element: Element) -> None: ...
    def bytes_left(self) -> int: ...


class _Binary:
    def __init__(self, header: Header, source: Source) -> None:
        self._source = source
        self._byte_order = header.byte_order
        self._offset = header.data_offset

    def rows(self, element: Element, narrowing: Narrowing) -> F32:
        dtype = element.dtype(self._byte_order)
        shape = (element.count, len(element.properties))
        offset = self._advance(element, dtype)
        if not element.count:
            return np.empty(shape, np.float32)
        if all(dtype[i] == np.dtype("<f4") for i in range(shape[1])):
            return np.frombuffer(self._source.data, "<f4", shape[0] * shape[1], offset).reshape(shape)
        packed = np.frombuffer(self._source.data, dtype, element.count, offset)
        rows = np.empty(shape, np.float32)
        for start in range(0, element.count, _BLOCK):
            block = packed[start : start + _BLOCK]
            narrowing.narrow([block[name] for name in element.properties], rows[start : start + _BLOCK])
        return rows

    def skip(self, element: Element) -> None:
        self._advance(element, element.dtype(self._byte_order))

    def bytes_left(self) -> int:
        return self._source.size - self._offset

    def _advance(self, element: Element, dtype: np.dtype[np.void]) -> int:
        start = self._offset
        if element.count * dtype.itemsize > self.bytes_left():
            raise MalformedFileError(
                f"{self._source.name}: header announces {element.count:,} rows of element {element.name!r} with "
                f"{dtype.itemsize} bytes each, but only {self.bytes_left():,} bytes follow at offset {start:,}"
            )
        self._offset = start + element.count * dtype.itemsize
        return start


class _Ascii:
    def __init__(self, header: Header, source: Source) -> None:
        self._source = source
        text = source.data[header.data_offset :]
        self._text = BytesIO(bytes(text).replace(b"\r", b"\n") if header.line_end == b"\r" else text)

    def rows(self, element: Element, narrowing: Narrowing) -> F32:
        self._check_room(element)
        rows = np.empty((element.count, len(element.properties)), np.float32)
        for start in range(0, element.count, _BLOCK):
            block = rows[start : start + _BLOCK]
            narrowing.narrow(list(self._numbers(element, start, block.shape).T), block)
        return rows

    def skip(self, element: Element) -> None:
        self._check_room(element)
        for _ in islice(self._lines(), element.count):
            pass

    def bytes_left(self) -> int:
        return len(self._text.read().strip())

    def _lines(self) -> Iterator[bytes]:
        """The lines that hold something."""
        return (line for line in self._text if line.strip())

    def _numbers(self, element: Element, start: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
        lines = list(islice(self._text, shape[0]))
        words = b" ".join(lines).split()
        if len(words) != shape[0] * shape[1]:
            blank = sum(not line.strip() for line in lines)
            words += b" ".join(islice(self._lines(), blank)).split()
        where = f"{self._source.name}: rows of element {element.name!r} from {start:,} on"
        if len(words) != shape[0] * shape[1]:
            raise MalformedFileError(f"{where}: {shape[0]:,} rows of {shape[1]} have {len(words):,} numbers")
        try:
            return np.array(words, dtype=np.float64).reshape(shape)
        except ValueError as error:
            return _with_windows_words(words, f"{where}: {error}").reshape(shape)

    def _check_room(self, element: Element) -> None:
        left = len(self._text.getbuffer()) - self._text.tell()
        least = element.count * (2 * len(element.properties) - 1)
        if least > left:
            raise MalformedFileError(
                f"{self._source.name}: header announces {element.count:,} rows of element {element.name!r} with "
                f"{len(element.properties)} numbers each, but only {left:,} bytes of text follow"
            )


def _with_windows_words(words: list[bytes], otherwise: str) -> NDArray[np.float64]:
    """Numbers of which some are spelled as on Windows. otherwise: the error if that is not what is wrong."""
    plain = [b"nan" if _NAN_WORDS.fullmatch(w) else _INF_WORDS.sub(rb"\1inf", w) if b"#" in w else w for w in words]
    try:
        return np.array(plain, dtype=np.float64)
    except ValueError as error:
        raise MalformedFileError(otherwise) from error
