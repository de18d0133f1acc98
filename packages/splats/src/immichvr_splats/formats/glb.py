"""GLB with KHR_gaussian_splatting: a primitive of mode POINTS whose attributes are the Gaussians.

| attribute                                   | type   | as written                                                    |
|---------------------------------------------|--------|---------------------------------------------------------------|
| POSITION                                    | VEC3   | f32, (x, -y, -z): glTF's axes are right, up, back             |
| COLOR_0, for viewers without the extension  | VEC4   | u8 normalised: linear colour, opacity                         |
| KHR_gaussian_splatting:ROTATION             | VEC4   | f32 or i16 normalised, x, y, z, w, unit                       |
| KHR_gaussian_splatting:SCALE                | VEC3   | f32 or u16 normalised, linear                                 |
| KHR_gaussian_splatting:OPACITY              | SCALAR | f32 or u16 normalised, linear                                 |
| KHR_gaussian_splatting:SH_DEGREE_l_COEF_n   | VEC3   | f32, l = 0 to the degree, n = 0 to 2 l                        |

The extension object: {kernel: "ellipse", colorSpace: "srgb_rec709_display" or "lin_rec709_display"}. The reader takes
every type and normalisation that the specification allows, and the nodes' transformations into account.
glTF's axes are right-handed with y up, which (x, -y, -z) and (-x, -y, z) both are: here a cloud stands before a glTF
camera as before its own. splat-transform, which writes (-x, -y, z), shows it from behind.
The camera is in the scene's `extras`, in pixels and OpenCV axes, as in memory.
Source: github.com/KhronosGroup/glTF, extensions/2.0/Khronos/KHR_gaussian_splatting.
"""

from ..cloud import GaussianCloud
from ..errors import InvalidCloudError, MalformedFileError
from ..gltf.container import GENERATOR, MAGIC, as_list, container_bytes, extension, read_container
from ..gltf.scene import shown_primitives
from ..losses import Loss
from ..source import ReadLimits, Source
from . import glb_camera
from .base import Decoded, Encoded
from .glb_reading import EXTENSION, count_of, in_scene, joined, read_primitive
from .glb_writing import View, float_views, quantised_views

__all__ = ["MAGIC", "read", "write"]
_ENCODINGS = {"float": float_views, "quantised": quantised_views}


def read(source: Source, limits: ReadLimits) -> Decoded:
    """Decode all Gaussians that the scene shows, in the order of its nodes."""
    file = read_container(source, limits)
    parts: list[GaussianCloud] = []
    losses: list[Loss] = []
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
        raise MalformedFileError(f"{file.name}: the scene shows no primitive of mode POINTS with {EXTENSION}")
    if others:
        losses.append(Loss("ignored", f"point clouds beside the Gaussians ({others}): ignored"))
    return Decoded(joined(parts, glb_camera.read(file, losses)), losses)


def write(cloud: GaussianCloud, *, encoding: str = "float") -> Encoded:
    """Encode.

    encoding: "float", or "quantised": rotations, scales and opacities of 16 bits, means and colours of 32.
    """
    if encoding not in _ENCODINGS:
        raise InvalidCloudError(f"encoding is {encoding!r}, glb takes one of {', '.join(_ENCODINGS)}")
    if not cloud.count:
        return Encoded(container_bytes(_root({}), []), [])  # glTF has no empty accessors: a scene that shows nothing
    views, scale = _ENCODINGS[encoding](cloud)
    root = _root(_description(cloud, views))
    if scale != 1:
        root["nodes"] = [{"mesh": 0, "scale": [scale] * 3}]
    if cloud.camera is not None:
        root["scenes"] = [{"nodes": [0], "extras": glb_camera.describe(cloud.camera)}]
    return Encoded(container_bytes(root, [view.data for view in views]), [])


def _description(cloud: GaussianCloud, views: list[View]) -> dict[str, object]:
    buffer_views: list[dict[str, object]] = []
    accessors: list[dict[str, object]] = []
    attributes: dict[str, int] = {}
    offset = 0
    for view in views:
        size = view.data.nbytes
        stride = {"byteStride": view.stride} if view.stride else {}
        buffer_views.append({"buffer": 0, "byteOffset": offset, "byteLength": size, "target": 34962, **stride})
        offset += size + -size % 4
        for attribute in view.attributes:
            attributes[attribute.name] = len(accessors)
            accessors.append({"bufferView": len(buffer_views) - 1, "count": cloud.count, **attribute.accessor})
    primitive = {
        "attributes": attributes,
        "mode": 0,
        "extensions": {EXTENSION: {"kernel": "ellipse", "colorSpace": "srgb_rec709_display"}},
    }
    return {
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [primitive]}],
        "accessors": accessors,
        "bufferViews": buffer_views,
    }


def _root(content: dict[str, object]) -> dict[str, object]:
    asset = {"version": "2.0", "generator": GENERATOR}
    return {"asset": asset, "extensionsUsed": [EXTENSION], "scene": 0, "scenes": [{}], **content}
