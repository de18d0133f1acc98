"""The rows behind a PLY header, ascii or binary, as float32."""

from io import BytesIO
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..compiled import F32
from ..errors import MalformedFileError, UnsupportedFileError
from ..losses import Loss, number
from ..source import Source
from .ply_header import Element, Header

_ASCII_BLOCK = 16_384  # rows parsed at once: words take many times the memory of their numbers


def read_elements(header: Header, source: Source, wanted: set[str]) -> tuple[dict[str, F32], list[Loss]]:
    """Rows, (count, properties) float32, of the `wanted` elements; a loss for each of the others.

    Binary rows that are float32 little endian already are views into the source, at whatever alignment.
    Raises MalformedFileError where the file does not hold what its header says.
    """
    cursor: _Cursor = _Binary(header, source) if header.byte_order else _Ascii(header, source)
    found: dict[str, F32] = {}
    losses: list[Loss] = []
    for element in header.elements:
        if element.lists:
            if not wanted.isdisjoint(e.name for e in _from(header, element)):
                raise UnsupportedFileError(
                    f"{source.name}: element {element.name!r} holds a list ({element.lists[0]!r}); "
                    "lists are not read in or before the elements of a Gaussian cloud"
                )
            losses.append(Loss("ignored", f"element {element.name!r} and what follows it: ignored"))
            return found, losses
        if element.name in wanted and not element.properties:
            raise MalformedFileError(f"{source.name}: element {element.name!r} has no properties")
        if element.name in wanted:
            found[element.name] = cursor.rows(element)
        else:
            cursor.skip(element)
            losses.append(Loss("ignored", f"element {element.name!r}: ignored"))
    left = cursor.bytes_left()
    if left:
        losses.append(Loss("ignored", f"{number(left, 'byte')} after the last element: ignored"))
    return found, losses


def _from(header: Header, element: Element) -> tuple[Element, ...]:
    return header.elements[header.elements.index(element) :]


class _Cursor(Protocol):
    def rows(self, element: Element) -> F32: ...
    def skip(self, element: Element) -> None: ...
    def bytes_left(self) -> int: ...


class _Binary:
    def __init__(self, header: Header, source: Source) -> None:
        self._source = source
        self._byte_order = header.byte_order
        self._offset = header.data_offset

    def rows(self, element: Element) -> F32:
        dtype = element.dtype(self._byte_order)
        shape = (element.count, len(element.properties))
        offset = self._advance(element, dtype)
        if not element.count:
            return np.empty(shape, np.float32)
        if all(dtype[i] == np.dtype("<f4") for i in range(shape[1])):
            return np.frombuffer(self._source.data, "<f4", shape[0] * shape[1], offset).reshape(shape)
        packed = np.frombuffer(self._source.data, dtype, element.count, offset)
        rows = np.empty(shape, np.float32)
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 is infinite, and treated as such
            for column, name in enumerate(element.properties):
                rows[:, column] = packed[name]
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
        self._text = BytesIO(source.data[header.data_offset :])

    def rows(self, element: Element) -> F32:
        self._check_room(element)
        rows = np.empty((element.count, len(element.properties)), np.float32)
        for start in range(0, element.count, _ASCII_BLOCK):
            block = rows[start : start + _ASCII_BLOCK]
            block[:] = self._numbers(element, start, block.shape)
        return rows

    def skip(self, element: Element) -> None:
        self._check_room(element)
        for _ in islice(self._text, element.count):
            pass

    def bytes_left(self) -> int:
        return len(self._text.read().strip())

    def _numbers(self, element: Element, start: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
        words = b" ".join(islice(self._text, shape[0])).split()
        where = f"{self._source.name}: rows of element {element.name!r} from {start:,} on"
        if len(words) != shape[0] * shape[1]:
            raise MalformedFileError(f"{where}: {shape[0]:,} rows of {shape[1]} have {len(words):,} numbers")
        try:
            return np.array(words, dtype=np.float64).reshape(shape)
        except ValueError as error:
            raise MalformedFileError(f"{where}: {error}") from error

    def _check_room(self, element: Element) -> None:
        left = len(self._text.getbuffer()) - self._text.tell()
        least = element.count * (2 * len(element.properties) - 1)
        if least > left:
            raise MalformedFileError(
                f"{self._source.name}: header announces {element.count:,} rows of element {element.name!r} with "
                f"{len(element.properties)} numbers each, but only {left:,} bytes of text follow"
            )
