"""GLB with KHR_gaussian_splatting: a primitive of mode POINTS whose attributes are the Gaussians.

| attribute                                   | type   | as written                                                    |
|---------------------------------------------|--------|---------------------------------------------------------------|
| POSITION                                    | VEC3   | f32, (x, -y, -z): glTF's axes are right, up, back             |
| COLOR_0, for viewers without the extension  | VEC4   | u8 normalised: linear colour, opacity                         |
| KHR_gaussian_splatting:ROTATION             | VEC4   | f32 or i16 normalised, x, y, z, w, unit                       |
| KHR_gaussian_splatting:SCALE                | VEC3   | f32 or u16 normalised, linear                                 |
| KHR_gaussian_splatting:OPACITY              | SCALAR | f32 or u16 normalised, linear                                 |
| KHR_gaussian_splatting:SH_DEGREE_l_COEF_n   | VEC3   | f32, l = 0 to the degree, n = 0 to 2 l                        |

Or, with KHR_gaussian_splatting_compression_spz_2, a whole SPZ file (version 2) in one buffer view and accessors without
one. By that draft the SPZ's axes, RUB, are those of a cloud whose glTF axes are called LUF: x and z change signs.

The extension object: {kernel: "ellipse", colorSpace: "srgb_rec709_display" or "lin_rec709_display"}. The reader takes
every type and normalisation that the specification allows, and the nodes' transformations into account.
glTF's axes are right-handed with y up, which (x, -y, -z) and (-x, -y, z) both are: here a cloud stands before a glTF
camera as before its own. splat-transform, which writes (-x, -y, z), shows it from behind.
The camera is in the scene's `extras`, in pixels and OpenCV axes, as in memory; so are marks (`marks.py`).
Source: github.com/KhronosGroup/glTF, extensions/2.0/Khronos/KHR_gaussian_splatting, and pull request 2531 for SPZ.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from immichvr_splats.cloud import GaussianCloud
from immichvr_splats.errors import InvalidCloudError, UnsupportedFileError
from immichvr_splats.formats.base import Decoded, Encoded, Head, Placed
from immichvr_splats.formats.glb.camera import describe_camera, read_camera
from immichvr_splats.formats.glb.embedded_spz import SPZ_EXTENSION, SPZ_EXTENSIONS, spz_and_attributes
from immichvr_splats.formats.glb.marks import describe_marks, read_marks
from immichvr_splats.formats.glb.names import EXTENSION
from immichvr_splats.formats.glb.reading import count_of, degree_of, in_scene, joined, read_primitive, what_else
from immichvr_splats.formats.glb.writing import Encoding, View, float_encoding, quantised_encoding
from immichvr_splats.gltf import meshopt
from immichvr_splats.gltf.accessors import ARRAY_BUFFER
from immichvr_splats.gltf.container import (
    GENERATOR,
    MAGIC,
    as_list,
    container_head,
    container_pieces,
    extension,
    read_container,
    unknown_extensions,
)
from immichvr_splats.gltf.scene import POINTS, shown_primitives
from immichvr_splats.losses import Loss
from immichvr_splats.source import ReadLimits, Source
from immichvr_splats.stream import SoundStream

__all__ = ["MAGIC", "head", "read", "write"]
_READ_EXTENSIONS = frozenset({EXTENSION, *SPZ_EXTENSIONS, meshopt.EXTENSION, "KHR_mesh_quantization"})
_ENCODINGS = ("float", "quantised", "spz")


def read(source: Source, limits: ReadLimits) -> Decoded:
    """Decode all Gaussians that the scene shows, in the order of its nodes."""
    file = read_container(source, limits, _READ_EXTENSIONS)
    parts: list[GaussianCloud] = []
    losses = unknown_extensions(file, _READ_EXTENSIONS)
    others, total = 0, 0
    for shown in shown_primitives(file):
        splats = extension(shown.primitive, EXTENSION, shown.where)
        if splats is None:
            others += 1
            continue
        total += count_of(file, shown)
        limits.check_points(total, file.name)
        parts.append(in_scene(read_primitive(file, shown, splats, losses), shown))
    if not parts and EXTENSION not in as_list(file.root.get("extensionsUsed", []), f"{file.name}: extensionsUsed"):
        raise UnsupportedFileError(f"{file.name}: {what_else(file, others)}")
    if others:
        losses.append(Loss("ignored", f"point clouds beside the Gaussians ({others}): ignored"))
    cloud = joined(parts, read_camera(file, losses))
    marks = read_marks(file)
    antialiased = marks.antialiased or (bool(parts) and all(part.marks.antialiased for part in parts))
    marks = replace(marks, antialiased=antialiased)
    return Decoded(replace(cloud, marks=marks), losses)


def head(source: Source) -> Head:
    """What the scene's description says. Raises MalformedFileError, UnsupportedFileError, LimitExceededError."""
    # Of any size: whoever reads it has limits of its own, and asks here what it would take.
    file = read_container(source, ReadLimits(max_points=1 << 32), _READ_EXTENSIONS)
    count, degree = 0, 0
    for shown in shown_primitives(file):
        if extension(shown.primitive, EXTENSION, shown.where) is not None:
            count += count_of(file, shown)
            degree = max(degree, degree_of(shown))
    return Head(count, degree)


def write(stream: SoundStream, *, encoding: str = "float") -> Encoded:
    """Encode.

    encoding: "float"; "quantised": rotations, scales and opacities of 16 bits, means and colours of 32; "spz": an SPZ
    inside, a third of the size, which few viewers read yet.
    """
    if encoding not in _ENCODINGS:
        raise InvalidCloudError(f"encoding is {encoding!r}, glb takes one of {', '.join(_ENCODINGS)}")
    losses: list[Loss] = []
    if not stream.count:
        return Encoded(container_pieces(_scene({}), [], []), losses)  # glTF has no empty accessors: a scene of nothing
    if encoding == "spz":
        data, attributes = spz_and_attributes(stream, losses)
        root = _root(stream, [View(0, attributes)], 1.0, packed=len(data))
        return Encoded(container_pieces(root, [len(data)], [data]), losses)
    if encoding == "quantised":
        message = "rotations, scales and opacities are kept in 16 bits: to 0.003°, 1 % and 0.000008"
        losses.append(Loss("precision", message, stream.count))
    encoding_of = quantised_encoding if encoding == "quantised" else float_encoding
    encoded = encoding_of(stream)
    total = stream.count * sum(view.size for view in encoded.views)
    head = container_head(_root(stream, encoded.views, encoded.unit), total)
    return Encoded(Placed(len(head) + total, _pieces(stream, encoded, head)), losses)


def _pieces(stream: SoundStream, encoding: Encoding, head: bytes) -> Iterator[tuple[int, bytes | memoryview]]:
    yield 0, head
    row = 0
    for count, arrays in stream.blocks(lambda block: (block.count, encoding.make(block))):
        offset = len(head)
        for view, array in zip(encoding.views, arrays, strict=True):
            yield offset + row * view.size, array.reshape(-1).view(np.uint8).data
            offset += stream.count * view.size
        row += count


def _root(stream: SoundStream, views: list[View], unit: float, packed: int = 0) -> dict[str, object]:
    """The JSON. packed: bytes of an SPZ, where that stands for the views' attributes."""
    root = _scene(_description(stream.count, views, packed))
    if unit != 1:
        root["nodes"] = [{"mesh": 0, "scale": [unit] * 3}]
    extras = describe_marks(stream.marks)
    if stream.camera is not None:
        extras |= describe_camera(stream.camera)
    if extras:
        root["scenes"] = [{"nodes": [0], "extras": extras}]
    return root


def _description(count: int, views: list[View], packed: int) -> dict[str, object]:
    buffer_views: list[dict[str, object]] = []
    accessors: list[dict[str, object]] = []
    attributes: dict[str, int] = {}
    offset = 0
    for view in views:
        stride = {"byteStride": view.stride} if view.stride else {}
        usage = {} if packed else {"target": ARRAY_BUFFER, **stride}
        size = packed or view.size * count
        buffer_views.append({"buffer": 0, "byteOffset": offset, "byteLength": size, **usage})
        offset += size
        for attribute in view.attributes:
            attributes[attribute.name] = len(accessors)
            place = {} if packed else {"bufferView": len(buffer_views) - 1}
            accessors.append({**place, "count": count, **attribute.accessor})
    splats: dict[str, object] = {"kernel": "ellipse", "colorSpace": "srgb_rec709_display"}
    names = [EXTENSION]
    if packed:
        splats["extensions"] = {SPZ_EXTENSION: {"bufferView": 0}}
        names.append(SPZ_EXTENSION)
    primitive = {"attributes": attributes, "mode": POINTS, "extensions": {EXTENSION: splats}}
    return {
        "extensionsUsed": names,
        **({"extensionsRequired": names} if packed else {}),
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [primitive]}],
        "accessors": accessors,
        "bufferViews": buffer_views,
    }


def _scene(content: dict[str, object]) -> dict[str, object]:
    asset = {"version": "2.0", "generator": GENERATOR}
    return {"asset": asset, "extensionsUsed": [EXTENSION], "scene": 0, "scenes": [{}], **content}
