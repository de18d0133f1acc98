"""GLB, the binary container of glTF 2.0: 12 B header, a chunk of JSON, a chunk of bytes.

u32 magic "glTF", u32 version 2, u32 length of the file; then for each chunk u32 length, u32 type ("JSON", "BIN\\0") and
its bytes, padded to fours. Source: glTF 2.0 specification, section 4.4.
"""

import json
import struct
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.errors import InvalidCloudError, LimitExceededError, MalformedFileError, UnsupportedFileError
from immichvr_splats.losses import Loss
from immichvr_splats.source import ReadLimits, Source

MAGIC = b"glTF"
GENERATOR = "ImmichVR"
_HEADER = struct.Struct("<4sII")
_CHUNK = struct.Struct("<I4s")
_MOST_TOLD = 16
_OF_LOOKS = ("KHR_materials_", "KHR_texture_", "EXT_texture_", "KHR_lights_", "EXT_lights_", "KHR_xmp")
"""Beginnings of extensions that leave alone where things are and what colours points have."""

_ADVICE = {
    "KHR_spz_gaussian_splats_compression": "It is a draft of 2025 with an SPZ inside, which Cesium's tiler wrote; tile "
    "the cloud anew, as KHR_gaussian_splatting, or convert the PLY or SPZ that it was made from.",
    "KHR_gaussian_splatting": "These are Gaussians, not points: read them as a splat.",
    "KHR_draco_mesh_compression": "Draco holds meshes and points, not Gaussians.",
    "KHR_meshopt_compression": "Pack it with EXT_meshopt_compression, or not at all.",
}
_LARGEST_JSON = 16 << 20
_LARGEST_FILE = 2**32 - 1
Json = Mapping[str, object]


@dataclass(frozen=True)
class Container:
    """A GLB taken apart. root: its JSON object. binary: its bytes, empty where it has none. name: for errors."""

    root: Json
    binary: memoryview
    name: str
    limits: ReadLimits

    def item(self, kind: str, index: object) -> Json:
        """The object at `index` of the root's array `kind`. Raises MalformedFileError where there is none."""
        items = self.root.get(kind)
        if not isinstance(items, list) or not isinstance(index, int) or not 0 <= index < len(items):
            raise MalformedFileError(f"{self.name}: there is no {kind}[{str(index)[:20]}]")
        return as_object(items[index], f"{self.name}: {kind}[{index}]")

    def objects(self, kind: str) -> list[Json]:
        """All objects of the root's array `kind`, none where it is missing."""
        return [self.item(kind, i) for i in range(len(as_list(self.root.get(kind, []), f"{self.name}: {kind}")))]


def read_container(source: Source, limits: ReadLimits, known: Collection[str]) -> Container:
    """Take a GLB apart. known: extensions that the caller honours; one that a file requires beside them is refused.

    Raises MalformedFileError, UnsupportedFileError, LimitExceededError.
    """
    name = source.name
    if source.size < _HEADER.size:
        raise MalformedFileError(f"{name}: {source.size} bytes, a GLB header alone has {_HEADER.size}")
    magic, version, length = _HEADER.unpack_from(source.data)
    if magic != MAGIC:
        raise MalformedFileError(f"{name}: begins with {magic!r}, wants {MAGIC!r}")
    if version != 2:
        raise UnsupportedFileError(f"{name}: GLB version {version}, version 2 is read")
    if length > source.size:
        raise MalformedFileError(f"{name}: header announces {length:,} bytes, the file has {source.size:,}")
    text, offset = _chunk(source, _HEADER.size, length, b"JSON")
    if text.nbytes > _LARGEST_JSON:
        raise LimitExceededError(f"{name}: {text.nbytes:,} bytes of JSON, the limit is {_LARGEST_JSON:,}")
    binary = memoryview(b"")
    if offset < length:
        binary, _ = _chunk(source, offset, length, b"BIN\0")
    try:
        root = json.loads(bytes(text))
    except (ValueError, RecursionError) as error:
        raise MalformedFileError(f"{name}: the JSON chunk is no JSON ({error})") from error
    file = Container(as_object(root, f"{name}: JSON chunk"), binary, name, limits)
    _check_required(file, known)
    return file


def unknown_extensions(file: Container, known: Collection[str]) -> list[Loss]:
    """The loss that extensions are which a file uses without requiring them, and which the caller does not honour."""
    used = as_list(file.root.get("extensionsUsed", []), f"{file.name}: extensionsUsed")
    names = [str(name) for name in used if name not in known and not str(name).startswith(_OF_LOOKS)]
    return [Loss("ignored", f"the glTF extension {name[:80]}: ignored") for name in names[:_MOST_TOLD]]


def _check_required(file: Container, known: Collection[str]) -> None:
    required = as_list(file.root.get("extensionsRequired", []), f"{file.name}: extensionsRequired")
    for extension_name in map(str, required):
        if extension_name in known or extension_name.startswith(_OF_LOOKS):
            continue
        advice = _ADVICE.get(extension_name, "Write it anew without that.")
        raise UnsupportedFileError(
            f"{file.name}: the file requires the glTF extension {extension_name[:80]}, which is not read here. {advice}"
        )


def container_pieces(
    root: Json,
    sizes: Sequence[int],
    contents: Iterable[NDArray[np.generic] | bytes],
    other_buffers: Sequence[Json] = (),
) -> Iterator[bytes | memoryview]:
    """The pieces of a GLB whose buffer holds `contents` one after the other, each padded to fours.

    sizes: of the contents, bytes; they themselves are taken one by one, when they are written. `buffers` is added to
    `root`; bufferViews are the caller's. Raises InvalidCloudError above 4 GiB.
    """
    return _pieces(container_head(root, sum(size + -size % 4 for size in sizes), other_buffers), contents)


def container_head(root: Json, total: int, other_buffers: Sequence[Json] = ()) -> bytes:
    """What stands before the `total` bytes of a GLB's buffer. Raises as `container_pieces`."""
    buffers = {"buffers": [{"byteLength": total}, *other_buffers]} if total else {}
    text = json.dumps({**root, **buffers}, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 4)
    length = _HEADER.size + _CHUNK.size + len(text) + (_CHUNK.size + total if total else 0)
    if length > _LARGEST_FILE:
        raise InvalidCloudError(f"a GLB of {length:,} bytes: the format ends at 4 GiB")
    head = _HEADER.pack(MAGIC, 2, length) + _CHUNK.pack(len(text), b"JSON") + text
    if total:
        head += _CHUNK.pack(total, b"BIN\0")
    return head


def _pieces(head: bytes, contents: Iterable[NDArray[np.generic] | bytes]) -> Iterator[bytes | memoryview]:
    yield head
    for content in contents:
        data = memoryview(content) if isinstance(content, bytes) else content.reshape(-1).view(np.uint8).data
        yield data
        yield bytes(-data.nbytes % 4)


def as_object(value: object, where: str) -> Json:
    """`value`, which must be a JSON object. Raises MalformedFileError."""
    if not isinstance(value, dict):
        raise MalformedFileError(f"{where}: wants an object, is {str(value)[:20]}")
    return value


def as_list(value: object, where: str) -> list[object]:
    """`value`, which must be a JSON array. Raises MalformedFileError."""
    if not isinstance(value, list):
        raise MalformedFileError(f"{where}: wants an array, is {str(value)[:20]}")
    return value


def as_integer(value: object, where: str, most: int = _LARGEST_FILE) -> int:
    """`value`, which must be an integer from 0 to `most`. Raises MalformedFileError."""
    if type(value) is not int or not 0 <= value <= most:
        raise MalformedFileError(f"{where}: wants an integer from 0 to {most:,}, is {str(value)[:20]}")
    return value


def as_numbers(value: object, size: int, where: str) -> NDArray[np.float64]:
    """`value`, which must be an array of `size` finite numbers. Raises MalformedFileError."""
    if isinstance(value, list) and len(value) == size and all(type(v) in (int, float) for v in value):
        try:
            numbers = np.array([float(v) for v in value])
        except OverflowError as error:
            raise MalformedFileError(f"{where}: a number beyond float64") from error
        if np.isfinite(numbers).all():
            return numbers
    raise MalformedFileError(f"{where}: wants {size} finite numbers")


def extension(owner: Json, name: str, where: str) -> Json | None:
    """The extension `name` of an object, None where it has not got it."""
    extensions = owner.get("extensions")
    if extensions is None:
        return None
    found = as_object(extensions, f"{where}.extensions").get(name)
    return None if found is None else as_object(found, f"{where}.extensions.{name}")


def _chunk(source: Source, offset: int, end: int, kind: bytes) -> tuple[memoryview, int]:
    where = f"{source.name}: chunk at offset {offset:,}"
    if offset + _CHUNK.size > end:
        raise MalformedFileError(f"{where}: cut off, the file ends at {end:,}")
    size, found = _CHUNK.unpack_from(source.data, offset)
    start = offset + _CHUNK.size
    if found != kind:
        raise MalformedFileError(f"{where}: of type {found!r}, wants {kind!r}")
    if start + size > end:
        raise MalformedFileError(f"{where}: announces {size:,} bytes, {end - start:,} follow")
    return source.data[start : start + size], start + size + -size % 4
