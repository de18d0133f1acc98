"""Accessors of a GLB: typed arrays in its buffer, as they stand or packed by EXT_meshopt_compression."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.compiled import F32
from immichvr_splats.errors import MalformedFileError, UnsupportedFileError
from immichvr_splats.gltf import meshopt
from immichvr_splats.gltf.container import Container, Json, as_integer, as_object, extension

BYTE, UNSIGNED_BYTE, SHORT, UNSIGNED_SHORT, UNSIGNED_INT, FLOAT = 5120, 5121, 5122, 5123, 5125, 5126
ARRAY_BUFFER = 34962
COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_DTYPES = {BYTE: "<i1", UNSIGNED_BYTE: "<u1", SHORT: "<i2", UNSIGNED_SHORT: "<u2", UNSIGNED_INT: "<u4", FLOAT: "<f4"}
_LONGEST_STRIDE = 252
_Raw = NDArray[np.generic]


@dataclass(frozen=True)
class Accessor:
    """values: (count, components), as they stand in the buffer. normalised: whether integers mean fractions."""

    values: _Raw
    normalised: bool

    def floats(self) -> F32:
        """(count, components) float32, a copy; fractions as glTF 2.0 section 3.11 maps them."""
        if self.normalised and self.values.dtype.kind in "iu":
            bits = 8 * self.values.dtype.itemsize - (self.values.dtype.kind == "i")
            fractions: F32 = self.values.astype(np.float32) / np.float32(2**bits - 1)
            return np.maximum(fractions, np.float32(-1))
        values: F32 = self.values.astype(np.float32)
        return values


def count_of(container: Container, index: object) -> int:
    """How many elements an accessor announces, within the limits. Raises MalformedFileError, LimitExceededError."""
    count = as_integer(container.item("accessors", index).get("count"), f"{container.name}: accessors[{index}].count")
    container.limits.check_points(count, container.name)
    return count


def read_accessor(container: Container, index: object, kinds: Collection[str], count: int) -> Accessor:
    """The array behind accessors[index], which must be of one of `kinds` ("VEC3") and have `count` elements."""
    where = f"{container.name}: accessors[{index}]"
    accessor = container.item("accessors", index)
    if accessor.get("type") not in kinds:
        raise MalformedFileError(f"{where}.type: is {str(accessor.get('type'))[:20]}, wants {' or '.join(kinds)}")
    if count_of(container, index) != count:
        raise MalformedFileError(f"{where}.count: {count_of(container, index):,}, the primitive has {count:,} points")
    if "sparse" in accessor or "bufferView" not in accessor:
        raise UnsupportedFileError(f"{where}: sparse or without a bufferView, which is not read")
    dtype = dtype_of(accessor, where)
    components = COMPONENTS[str(accessor["type"])]
    offset = as_integer(accessor.get("byteOffset", 0), f"{where}.byteOffset")
    data, stride = _view(container, accessor["bufferView"])
    stride = stride or components * dtype.itemsize
    needed = offset + (count - 1) * stride + components * dtype.itemsize if count else 0
    if needed > data.nbytes:
        raise MalformedFileError(f"{where}: needs {needed:,} bytes, its bufferView has {data.nbytes:,}")
    shape, strides = (count, components), (stride, dtype.itemsize)
    values: _Raw = np.ndarray(shape, dtype, data, offset if count else 0, strides) if count else np.empty(shape, dtype)
    return Accessor(values, accessor.get("normalized") is True)


def dtype_of(accessor: Json, where: str) -> np.dtype[np.generic]:
    """The scalar type of an accessor's components. Raises MalformedFileError."""
    code = accessor.get("componentType")
    if type(code) is not int or code not in _DTYPES:
        raise MalformedFileError(f"{where}.componentType: is {str(code)[:20]}, wants one of {list(_DTYPES)}")
    return np.dtype(_DTYPES[code])


def view_bytes(container: Container, index: object) -> memoryview:
    """The bytes of bufferViews[index], which are those of the container itself."""
    where = f"{container.name}: bufferViews[{index}]"
    return _slice(container, container.item("bufferViews", index), where)


def _view(container: Container, index: object) -> tuple[memoryview, int]:
    """Bytes and stride, 0 for none, of a buffer view, unpacked where it is packed."""
    where = f"{container.name}: bufferViews[{index}]"
    view = container.item("bufferViews", index)
    packed = extension(view, meshopt.EXTENSION, where)
    if packed is not None:
        return _unpacked(container, packed, f"{where}.extensions.{meshopt.EXTENSION}")
    stride = as_integer(view.get("byteStride", 0), f"{where}.byteStride", _LONGEST_STRIDE)
    return _slice(container, view, where), stride


def _unpacked(container: Container, packed: Json, where: str) -> tuple[memoryview, int]:
    count = as_integer(packed.get("count"), f"{where}.count")
    stride = as_integer(packed.get("byteStride"), f"{where}.byteStride", meshopt.LARGEST_STRIDE)
    if packed.get("mode") != "ATTRIBUTES" or packed.get("filter", "NONE") != "NONE":
        raise UnsupportedFileError(
            f"{where}: mode {str(packed.get('mode'))[:20]}, filter {str(packed.get('filter', 'NONE'))[:20]}, as by "
            "gltfpack; only the mode ATTRIBUTES without a filter is read: have it packed without -c, or convert the "
            "file that it was made from"
        )
    container.limits.check_points(count, container.name)
    container.limits.check_decompressed(count * stride, container.name)
    return meshopt.decode(_slice(container, packed, where), count, stride, where).reshape(-1).data, stride


def _slice(container: Container, view: Json, where: str) -> memoryview:
    buffer = container.item("buffers", view.get("buffer"))
    if view.get("buffer") != 0 or "uri" in buffer:
        raise UnsupportedFileError(f"{where}: outside the file; only the GLB's own buffer is read")
    start = as_integer(view.get("byteOffset", 0), f"{where}.byteOffset")
    size = as_integer(view.get("byteLength"), f"{where}.byteLength")
    if start + size > container.binary.nbytes:
        raise MalformedFileError(
            f"{where}: {size:,} bytes at offset {start:,}, the buffer has {container.binary.nbytes:,}"
        )
    return container.binary[start : start + size]


def attributes_of(primitive: Json, where: str) -> Json:
    """The attributes of a primitive. Raises MalformedFileError."""
    return as_object(primitive.get("attributes"), f"{where}.attributes")
