"""GLB of points: primitives of mode POINTS with POSITION, COLOR_0 and _CONFIDENCE.

| compression | POSITION                                     | COLOR_0, linear         | _CONFIDENCE |
|-------------|----------------------------------------------|-------------------------|-------------|
| none        | VEC3 f32, (x, -y, -z)                        | VEC3 u16 normalised     | f32         |
| meshopt     | VEC3 u16, its node scales and moves them     | the same                | f32         |
| draco       | VEC3 f32, 14 bits an axis                    | the same, exactly       | f32         |

meshopt: EXT_meshopt_compression with KHR_mesh_quantization. draco: KHR_draco_mesh_compression, whose specification
names triangles only; three.js reads points, the Khronos validator knows neither extension.
glTF's COLOR_0 is linear: 8 bits would lose the darkest of sRGB's 8, so it has 16; packed, they are rounded as far as
each level of sRGB stays itself.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.cloud import Marks
from immichvr_splats.compiled import F32, F64, U8
from immichvr_splats.errors import InvalidCloudError, MalformedFileError
from immichvr_splats.formats.base import Encoded
from immichvr_splats.formats.glb import TO_GLTF, describe_marks, read_marks
from immichvr_splats.formats.ply import unread
from immichvr_splats.gltf import meshopt
from immichvr_splats.gltf.accessors import (
    ARRAY_BUFFER,
    FLOAT,
    UNSIGNED_SHORT,
    Accessor,
    attributes_of,
    count_of,
    dtype_of,
    read_accessor,
    view_bytes,
)
from immichvr_splats.gltf.container import (
    GENERATOR,
    MAGIC,
    Container,
    Json,
    as_integer,
    as_object,
    container_pieces,
    extension,
    read_container,
    unknown_extensions,
)
from immichvr_splats.gltf.scene import POINTS, Shown, shown_primitives
from immichvr_splats.losses import Loss
from immichvr_splats.pointclouds import draco
from immichvr_splats.pointclouds.cloud import PointCloud, joined, near_ones
from immichvr_splats.source import ReadLimits, Source

__all__ = ["MAGIC", "read", "write"]
U16 = NDArray[np.uint16]
_COMPRESSIONS = ("none", "meshopt", "draco")
_QUANTIZATION = "KHR_mesh_quantization"
_WORDS = 65_535
_WITHIN = 0.4  # of a level, from its middle
_COMPONENTS = {"POSITION": "VEC3", "COLOR_0": "VEC3", "_CONFIDENCE": "SCALAR"}
_WIDTHS = {"POSITION": 3, "COLOR_0": 3, "_CONFIDENCE": 1}
_READ_EXTENSIONS = frozenset({meshopt.EXTENSION, _QUANTIZATION, draco.EXTENSION})
_ROOT = {"asset": {"version": "2.0", "generator": GENERATOR}, "scene": 0}
Arrays = dict[str, draco.Values]


def _linear(srgb: F64) -> F64:
    """IEC 61966-2-1."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0) + 0.055) / 1.055) ** 2.4)


def _short_words() -> U16:
    """For each level of sRGB the roundest word, in binary, that is well within it: low bytes that pack to little."""
    levels = np.arange(256)
    words = np.round(_linear(levels / 255) * _WORDS).astype(np.int64)
    low, high = (_linear((levels + half) / 255) * _WORDS for half in (-_WITHIN, _WITHIN))
    for bits in range(1, 17):
        rounder = np.round(words / 2**bits).astype(np.int64) << bits
        words = np.where((rounder >= low) & (rounder <= np.minimum(high, _WORDS)), rounder, words)
    return words.astype(np.uint16)


_LINEAR_WORDS = np.round(_linear(np.arange(256) / 255) * _WORDS).astype(np.uint16)
_SHORT_WORDS = _short_words()


def read(source: Source, limits: ReadLimits) -> tuple[PointCloud, list[Loss]]:
    """Decode all points that the scene shows, in the order of its nodes."""
    file = read_container(source, limits, _READ_EXTENSIONS)
    parts: list[PointCloud] = []
    losses = unknown_extensions(file, _READ_EXTENSIONS)
    total = 0
    for shown in shown_primitives(file):
        total += count_of(file, attributes_of(shown.primitive, shown.where).get("POSITION"))
        limits.check_points(total, file.name)
        parts.append(_read_primitive(file, shown))
        others = [name for name in attributes_of(shown.primitive, shown.where) if name not in _WIDTHS]
        losses += unread(others, (), parts[-1].count)
    if not parts and file.root.get("nodes"):
        raise MalformedFileError(f"{file.name}: the scene shows no primitive of mode POINTS")
    return replace(joined(parts), origin=read_marks(file).origin), losses


def write(cloud: PointCloud, *, compression: str = "none") -> Encoded:
    """Encode. compression: "none", "meshopt", "draco"."""
    if compression not in _COMPRESSIONS:
        raise InvalidCloudError(f"compression is {compression!r}, glb takes one of {', '.join(_COMPRESSIONS)}")
    if not cloud.count:
        return Encoded(container_pieces({**_ROOT, "scenes": [{}]}, [], []), [])  # glTF has no empty accessors
    losses: list[Loss] = []
    if compression != "none":
        cloud, losses = near_ones(cloud)
    colors = np.zeros((cloud.count, 4), np.uint16)  # the fourth is padding to fours
    colors[:, :3] = (_LINEAR_WORDS if compression == "none" else _SHORT_WORDS)[cloud.colors]
    arrays: Arrays = {"POSITION": cloud.points * np.diag(TO_GLTF)[:3].astype(np.float32), "COLOR_0": colors}
    if cloud.confidence is not None:
        arrays["_CONFIDENCE"] = cloud.confidence[:, None]
    root = {**_ROOT, **_extras(cloud)}
    pieces = {"none": _plain, "meshopt": _meshopt, "draco": _draco}[compression](arrays, root)
    return Encoded(pieces, losses + _precision(cloud, compression))


def _extras(cloud: PointCloud) -> dict[str, object]:
    extras = describe_marks(Marks(origin=cloud.origin))
    return {"scenes": [{"nodes": [0], **({"extras": extras} if extras else {})}]}


def _precision(cloud: PointCloud, compression: str) -> list[Loss]:
    """How far a point is moved at most by being put on a grid."""
    extents = np.ptp(cloud.points.astype(np.float64), axis=0)
    # meshopt: a grid for each axis. Draco: one for all, by the longest.
    steps = {"none": 0.0, "meshopt": np.linalg.norm(extents) / _WORDS, "draco": 3**0.5 * extents.max() / draco.STEPS}
    apart = float(steps[compression]) / 2
    if not apart:
        return []
    return [Loss("precision", f"points are moved by up to {apart:.2g} m, to {compression}'s grid", cloud.count)]


def _plain(arrays: Arrays, root: Json) -> Iterator[bytes | memoryview]:
    views, accessors, offset = [], [], 0
    for index, (name, array) in enumerate(arrays.items()):
        stride = {"byteStride": array.strides[0]} if name == "COLOR_0" else {}
        view = {"buffer": 0, "byteOffset": offset, "byteLength": array.nbytes, "target": ARRAY_BUFFER, **stride}
        views.append(view)
        accessors.append({"bufferView": index, **_accessor(name, array)})
        offset += array.nbytes + -array.nbytes % 4
    root = {**_mesh(arrays), **root, "bufferViews": views, "accessors": accessors}
    return container_pieces(root, [array.nbytes for array in arrays.values()], arrays.values())


def _meshopt(arrays: Arrays, root: Json) -> Iterator[bytes | memoryview]:
    positions = arrays["POSITION"].astype(np.float64)
    low, extent = positions.min(axis=0), np.ptp(positions, axis=0)
    extent[extent == 0] = 1
    words = np.zeros((positions.shape[0], 4), np.uint16)
    words[:, :3] = np.round((positions - low) / extent * _WORDS)
    arrays = {**arrays, "POSITION": words}
    views, accessors, packed, offset, unpacked = [], [], [], 0, 0
    for index, (name, array) in enumerate(arrays.items()):
        data = meshopt.encode(array.reshape(array.shape[0], -1).view(np.uint8))
        stride = array.strides[0]
        shared = {"byteStride": stride, "count": array.shape[0], "mode": "ATTRIBUTES"}
        place = {"buffer": 0, "byteOffset": offset, "byteLength": len(data), **shared}
        view = {"buffer": 1, "byteOffset": unpacked, "byteLength": array.nbytes, "byteStride": stride}
        views.append({**view, "target": ARRAY_BUFFER, "extensions": {meshopt.EXTENSION: place}})
        accessors.append({"bufferView": index, **_accessor(name, array)})
        packed.append(data)
        offset += len(data) + -len(data) % 4
        unpacked += array.nbytes
    mesh = _mesh(arrays)
    mesh["nodes"] = [{"mesh": 0, "translation": low.tolist(), "scale": extent.tolist()}]
    names = [meshopt.EXTENSION, _QUANTIZATION]
    needs = {"extensionsUsed": names, "extensionsRequired": names}
    fallback = {"byteLength": unpacked, "extensions": {meshopt.EXTENSION: {"fallback": True}}}
    root = {**needs, **mesh, **root, "bufferViews": views, "accessors": accessors}
    return container_pieces(root, [len(data) for data in packed], packed, [fallback])


def _draco(arrays: Arrays, root: Json) -> Iterator[bytes | memoryview]:
    others = {name: np.ascontiguousarray(a[:, : _WIDTHS[name]]) for name, a in arrays.items() if name != "POSITION"}
    data = draco.encode(arrays["POSITION"], list(others.values()))
    packed = {"bufferView": 0, "attributes": {name: index for index, name in enumerate((*others, "POSITION"))}}
    needs = {"extensionsUsed": [draco.EXTENSION], "extensionsRequired": [draco.EXTENSION]}
    views = [{"buffer": 0, "byteOffset": 0, "byteLength": len(data)}]
    accessors = [_accessor(name, array) for name, array in arrays.items()]
    mesh = _mesh(arrays, {draco.EXTENSION: packed})
    root = {**needs, **mesh, **root, "bufferViews": views, "accessors": accessors}
    return container_pieces(root, [len(data)], [data])


def _mesh(arrays: Arrays, extensions: Json | None = None) -> dict[str, object]:
    attributes = {name: index for index, name in enumerate(arrays)}
    extended = {"extensions": extensions} if extensions else {}
    primitive = {"attributes": attributes, "mode": POINTS, **extended}
    return {"scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}], "meshes": [{"primitives": [primitive]}]}


def _accessor(name: str, array: draco.Values) -> dict[str, object]:
    whole = array.dtype == np.uint16
    accessor: dict[str, object] = {
        "componentType": UNSIGNED_SHORT if whole else FLOAT,
        "count": array.shape[0],
        "type": _COMPONENTS[name],
    }
    if whole:
        accessor["normalized"] = True
    if name == "POSITION":
        accessor |= {"min": array[:, :3].min(axis=0).tolist(), "max": array[:, :3].max(axis=0).tolist()}
    return accessor


def _read_primitive(file: Container, shown: Shown) -> PointCloud:
    attributes = attributes_of(shown.primitive, shown.where)
    count = count_of(file, attributes.get("POSITION"))
    packed = extension(shown.primitive, draco.EXTENSION, shown.where)
    if packed is None:
        values = _of_accessors(file, attributes, count)
    else:
        values = _of_draco(file, packed, attributes, count, f"{shown.where}.extensions.{draco.EXTENSION}")
    to_cloud = TO_GLTF @ shown.to_scene
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is dropped as not finite
        points = values["POSITION"][:, :3] @ to_cloud[:3, :3].T + to_cloud[:3, 3]
        return PointCloud(points.astype(np.float32), _srgb(values, count), _confidence(values))


def _of_accessors(file: Container, attributes: Json, count: int) -> dict[str, F32]:
    kinds = {"POSITION": ("VEC3",), "COLOR_0": ("VEC3", "VEC4"), "_CONFIDENCE": ("SCALAR",)}
    present = {name: kind for name, kind in kinds.items() if name in attributes}
    return {name: read_accessor(file, attributes[name], kind, count).floats() for name, kind in present.items()}


def _of_draco(file: Container, packed: Json, attributes: Json, count: int, where: str) -> dict[str, F32]:
    ids = as_object(packed.get("attributes"), f"{where}.attributes")
    data = view_bytes(file, packed.get("bufferView"))
    by_id = draco.decode(data, count, file.limits, where)
    found: dict[str, F32] = {}
    for name in (name for name in _WIDTHS if name in attributes):
        values = by_id.get(as_integer(ids.get(name), f"{where}.attributes.{name}"))
        if values is None or values.shape[1] < _WIDTHS[name]:
            raise MalformedFileError(f"{where}: the Draco data has no attribute for {name}")
        accessor = file.item("accessors", attributes[name])
        as_told = values.astype(dtype_of(accessor, f"{where}: the accessor of {name}"))
        found[name] = Accessor(as_told, accessor.get("normalized") is True).floats()
    return found


def _srgb(values: dict[str, F32], count: int) -> U8:
    if "COLOR_0" not in values:
        return np.full((count, 3), 255, np.uint8)
    linear = np.nan_to_num(values["COLOR_0"][:, :3]).clip(0, 1)
    bright = np.maximum(linear, 0.0031308)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * bright ** (1 / 2.4) - 0.055)  # IEC 61966-2-1
    return np.round(srgb * 255).astype(np.uint8)


def _confidence(values: dict[str, F32]) -> F32 | None:
    return values["_CONFIDENCE"][:, 0] if "_CONFIDENCE" in values else None
