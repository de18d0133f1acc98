"""Draco's sequential point clouds: what is checked before its decoder, C++, sees them.

"DRACO", u8 major, u8 minor, u8 type (0 points), u8 method (0 sequential, 1 kd-tree), u16 flags (1 << 15 metadata);
u32 points; u8 attribute decoders; for each: varint attributes, for each u8 kind, u8 data type, u8 components, u8
normalised, varint id; then u8 the decoder of each attribute, then the values.
Source: Draco bitstream specification 2.2, sections 1 to 5.

The kd-tree encoder, Draco's default for points, is never used: with a colour attribute its time explodes (400,000
points took 15.8 s, where the sequential one takes 0.07 s).
"""

import struct
from collections.abc import Iterator, Sequence

import DracoPy
import numpy as np
from numpy.typing import NDArray

from immichvr_splats.errors import MalformedFileError, UnsupportedFileError
from immichvr_splats.source import ReadLimits

EXTENSION = "KHR_draco_mesh_compression"
_HEADER = struct.Struct("<5sBBBBHIB")
_MAJOR, _POINTS, _SEQUENTIAL = 2, 0, 0
_METADATA = 1 << 15
_MOST_ATTRIBUTES = 8
_MOST_COMPONENTS = 4
_MOST_BYTES_PER_COMPONENT = 8
_POSITION_BITS = 14
STEPS = 2**_POSITION_BITS - 1
"""Of the longest axis."""

_LEVEL = 1
Values = NDArray[np.generic]


def encode(points: Values, others: Sequence[Values]) -> bytes:
    """Pack `points`, (N, 3), in 14 bits an axis, and other attributes, (N, K), exactly.

    The others' ids count from 0; the points' is the next.
    """
    packed = DracoPy.encode(
        points,
        quantization_bits=_POSITION_BITS,
        compression_level=_LEVEL,
        preserve_order=True,  # the sequential encoder
        generic_attributes=dict(enumerate(others)),
    )
    return bytes(packed)


def decode(data: memoryview, count: int, limits: ReadLimits, where: str) -> dict[int, Values]:
    """Attributes, (count, K), by id. Raises MalformedFileError, UnsupportedFileError, LimitExceededError."""
    components = _checked_components(data, count, where)
    limits.check_decompressed(count * components * _MOST_BYTES_PER_COMPONENT, where)
    try:
        decoded = DracoPy.decode(bytes(data))
    except (ValueError, RuntimeError, DracoPy.FileTypeException) as error:
        raise MalformedFileError(f"{where}: damaged Draco data ({error})") from error
    attributes: dict[int, Values] = {}
    for attribute in decoded.attributes:
        values = np.asarray(attribute["data"])
        if values.ndim != 2 or values.shape[0] != count:
            raise MalformedFileError(f"{where}: an attribute of shape {values.shape} for {count:,} points")
        attributes[int(attribute["unique_id"])] = values
    return attributes


def _checked_components(data: memoryview, count: int, where: str) -> int:
    """How many components the attributes have together, from a header that was found to be sound."""
    if data.nbytes < _HEADER.size:
        raise MalformedFileError(f"{where}: {data.nbytes} bytes, a Draco header alone has {_HEADER.size}")
    magic, major, _, kind, method, flags, points, decoders = _HEADER.unpack_from(data)
    if magic != b"DRACO":
        raise MalformedFileError(f"{where}: begins with {magic!r}, wants b'DRACO'")
    if major != _MAJOR or kind != _POINTS or method != _SEQUENTIAL or flags & _METADATA:
        raise UnsupportedFileError(
            f"{where}: Draco {major}, type {kind}, method {method}, flags {flags}; sequential point clouds (type 0, "
            "method 0) of Draco 2 without metadata are read"
        )
    if points != count:
        raise MalformedFileError(f"{where}: {points:,} points in the Draco data, the accessors have {count:,}")
    numbers = iter(bytes(data[_HEADER.size : _HEADER.size + 256]))
    try:
        return _components(numbers, decoders, where)
    except StopIteration as error:
        raise MalformedFileError(f"{where}: the Draco data ends within its header") from error


def _components(numbers: Iterator[int], decoders: int, where: str) -> int:
    total, found = 0, 0
    for _ in range(decoders):
        attributes = _varint(numbers)
        total += attributes
        if total > _MOST_ATTRIBUTES:
            raise UnsupportedFileError(f"{where}: more than {_MOST_ATTRIBUTES} Draco attributes")
        for _ in range(attributes):
            _, _, components, _ = [next(numbers) for _ in range(4)]
            _varint(numbers)
            if not 1 <= components <= _MOST_COMPONENTS:
                raise MalformedFileError(f"{where}: a Draco attribute of {components} components")
            found += components
        for _ in range(attributes):
            next(numbers)
    return found


def _varint(numbers: Iterator[int]) -> int:
    value = 0
    for shift in range(0, 35, 7):
        byte = next(numbers)
        value |= (byte & 127) << shift
        if byte < 128:
            break
    return value
