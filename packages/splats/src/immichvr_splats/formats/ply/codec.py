"""PLY as written by INRIA's 3D Gaussian splatting and by Apple's SHARP.

Element `vertex`, one row per Gaussian, float32 little endian in the files of both:

| properties                  | value                                                                     |
|-----------------------------|---------------------------------------------------------------------------|
| x y z                       | mean, OpenCV axes                                                         |
| nx ny nz                    | normals, always 0 (layout of INRIA only)                                  |
| f_dc_0..2                   | colour = 0.5 + 0.28209479177387814 * f_dc                                 |
| f_rest_0..(3 K - 1)         | higher bands, channel-major: K red, K green, K blue; K = 0, 3, 8, 15      |
| opacity                     | logit                                                                     |
| scale_0..2                  | ln of metres                                                              |
| rot_0..3                    | w x y z, not normalised                                                   |

Viewers find properties by their names, so most writers leave the normals out, and so does the default here; INRIA's own
viewer (SIBR) reads rows of a fixed layout that has them. Other spellings are in `columns.py`, comments in
`comments.py`.

SHARP adds elements with one property each: extrinsic f32[16], intrinsic f32[9] (row-major matrices),
image_size u32[2] (width, height), frame i32[2] (frames, Gaussians per frame), disparity f32[2] (10 and 90 %
quantiles), color_space u8 (0 sRGB, 1 linear), version u8[3].
Sources: github.com/graphdeco-inria/gaussian-splatting `gaussian_model.py`; github.com/apple/ml-sharp `gaussians.py`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

import numpy as np

from immichvr_splats.cloud import Camera, ColorSpace, GaussianCloud, Marks
from immichvr_splats.color import to_srgb
from immichvr_splats.compiled import F32
from immichvr_splats.errors import InvalidCloudError, SplatError
from immichvr_splats.formats.base import Decoded, Encoded, Head
from immichvr_splats.formats.ply.columns import columns_in
from immichvr_splats.formats.ply.comments import camera_in, comments_of, marks_in
from immichvr_splats.formats.ply.data import read_elements
from immichvr_splats.formats.ply.header import read_header
from immichvr_splats.formats.ply.rows import (
    BASE,
    REST_COUNTS,
    columns_of,
    decode,
    decode_means,
    encode,
    glance,
    rest_names,
)
from immichvr_splats.losses import Loss
from immichvr_splats.source import ReadLimits, Source
from immichvr_splats.stream import Rows, SoundStream, Stream


class _SharpElement(NamedTuple):
    size: int
    scalar: str
    code: str


_NORMALS = ("nx", "ny", "nz")
_SHARP_ELEMENTS = {
    "extrinsic": _SharpElement(16, "float", "<f4"),
    "intrinsic": _SharpElement(9, "float", "<f4"),
    "image_size": _SharpElement(2, "uint", "<u4"),
    "frame": _SharpElement(2, "int", "<i4"),
    "disparity": _SharpElement(2, "float", "<f4"),
    "color_space": _SharpElement(1, "uchar", "u1"),
    "version": _SharpElement(3, "uchar", "u1"),
}
_SHARP_VERSION = (1, 5, 0)
_DEFAULTS = {"extrinsic": np.eye(4, dtype=np.float32)}
_COLOR_SPACES: tuple[ColorSpace, ...] = ("srgb", "linear")
_LAYOUTS = ("plain", "inria", "sharp")


def read(source: Source, limits: ReadLimits) -> Decoded:
    """Decode a PLY of Gaussians: any property order and scalar type, ascii, little or big endian."""
    header = read_header(source)
    columns, losses = columns_in(header, source.name)
    count = header.count("vertex")
    limits.check_points(count, source.name)
    elements, found_losses, origin = read_elements(header, source, {"vertex", *_SHARP_ELEMENTS})
    rows = elements.pop("vertex")
    camera, color_space, metadata_losses = _describe(elements)
    losses += [*found_losses, *metadata_losses]
    columns = columns.measured(rows, losses)
    camera = camera or camera_in(header.comments, losses)
    marks = marks_in(header.comments)
    if origin is not None:
        camera, marks = _counted_from(origin, camera, marks)
    rows.flags.writeable = False  # one kind of array, one compiled kernel
    places = [columns_of(columns.names, d, columns.stored) for d in range(columns.degree + 1)]

    def decode_less(which: Rows, cut: int) -> GaussianCloud:
        block = decode(rows, which, places[cut], cut)
        if not columns.as_they_stand:
            block = columns.settled(block, None if columns.filter is None else rows[which, columns.filter])
        return to_srgb(replace(block, color_space=color_space))

    seen = color_space == "srgb" and columns.as_they_stand
    stream = Stream(
        count,
        columns.degree,
        lambda which: decode_less(which, columns.degree),
        camera,
        lambda which: decode_means(rows, which, places[0]),
        (lambda which: glance(rows[which], places[0])) if seen else None,
        decode_less,
        marks,
    )
    return Decoded(stream, losses)


def head(source: Source) -> Head:
    """What the header says: text, and numbers of other types or byte orders, are turned into float32.

    Raises MalformedFileError, UnsupportedFileError.
    """
    header = read_header(source)
    columns, _ = columns_in(header, source.name)
    vertex = header.element("vertex")
    count, degree = header.count("vertex"), columns.degree
    if vertex is None or (header.byte_order == "<" and set(vertex.properties.values()) == {"f4"}):
        return Head(count, degree)
    return Head(count, degree, count * 4 * len(vertex.properties) + (0 if header.byte_order else source.size))


def write(stream: SoundStream, *, layout: str = "plain") -> Encoded:
    """Encode as little-endian float32.

    layout: "plain", which every viewer opens; "inria" with normals too, all zero, which nobody reads but viewers that
    expect each property in its place, as INRIA's own does; "sharp" (needs a camera, holds degree 0 only), whose
    elements behind the vertices few viewers know. The first two keep the camera in comments.
    """
    if layout not in _LAYOUTS:
        raise InvalidCloudError(f"layout is {layout!r}, ply takes one of {', '.join(_LAYOUTS)}")
    return _write_sharp(stream) if layout == "sharp" else _write_plain(stream, layout)


def _write_plain(stream: SoundStream, layout: str) -> Encoded:
    normals = _NORMALS if layout == "inria" else ()
    names = (*BASE[:3], *normals, *BASE[3:6], *rest_names(REST_COUNTS[stream.sh_degree]), *BASE[6:])
    header = _header_bytes(stream.count, names, (), comments_of(stream.marks, stream.camera))
    return Encoded(chain([header], _rows(stream, names)), [])


def _write_sharp(stream: SoundStream) -> Encoded:
    camera = stream.camera
    if camera is None:
        raise InvalidCloudError("the SHARP layout of ply needs a cloud with a camera; layout='plain' does not")
    losses = []
    if stream.sh_degree:
        message = f"spherical harmonics of degree 1 to {stream.sh_degree}: the SHARP layout of ply holds degree 0"
        losses.append(Loss("sh_degree", message, stream.count))
        stream = stream.with_sh_degree(0)
    tail = _sharp_tail(stream, camera)
    header = _header_bytes(stream.count, BASE, tail, comments_of(stream.marks, None))
    return Encoded(chain([header], _rows(stream, BASE), tail.values()), losses)


def _counted_from(
    origin: tuple[float, float, float], camera: Camera | None, marks: Marks
) -> tuple[Camera | None, Marks]:
    """Camera and marks of a cloud whose means had `origin` taken off."""
    before = marks.origin or (0.0, 0.0, 0.0)
    x, y, z = (told + taken for told, taken in zip(before, origin, strict=True))
    if camera is not None:
        shift = np.eye(4)
        shift[:3, 3] = origin
        camera = replace(camera, extrinsic=camera.extrinsic @ shift)
    return camera, replace(marks, origin=(x, y, z))


def _describe(metadata: dict[str, F32]) -> tuple[Camera | None, ColorSpace, list[Loss]]:
    """Camera and colour space from SHARP's elements, each a column (count, 1)."""
    losses: list[Loss] = []
    color_space: ColorSpace = "srgb"
    code = metadata.get("color_space", np.zeros((1, 1), np.float32)).ravel()
    if code.size == 1 and code[0] in (0, 1):
        color_space = _COLOR_SPACES[int(code[0])]
    else:
        losses.append(Loss("color_space", f"color_space is {code[:4].tolist()}, wants 0 or 1: taken as sRGB"))
    if "intrinsic" not in metadata and "image_size" not in metadata:
        return None, color_space, losses
    try:
        return _camera(metadata), color_space, losses
    except SplatError as error:
        losses.append(Loss("camera", f"the camera in the file is not usable: {error}"))
        return None, color_space, losses


def _camera(metadata: dict[str, F32]) -> Camera:
    values = {}
    for name in ("intrinsic", "image_size", "extrinsic"):
        values[name] = metadata.get(name, _DEFAULTS.get(name, np.empty(0))).ravel()
        if values[name].size != _SHARP_ELEMENTS[name].size or not np.isfinite(values[name]).all():
            raise InvalidCloudError(f"wants {_SHARP_ELEMENTS[name].size} finite values of element {name!r}")
    intrinsic = values["intrinsic"].reshape(3, 3).astype(float)
    width, height = values["image_size"]
    return Camera(
        fx=float(intrinsic[0, 0]),
        fy=float(intrinsic[1, 1]),
        cx=float(intrinsic[0, 2]),
        cy=float(intrinsic[1, 2]),
        width=int(width),
        height=int(height),
        extrinsic=values["extrinsic"].reshape(4, 4).astype(np.float64),
    )


def _sharp_tail(stream: SoundStream, camera: Camera) -> dict[str, bytes]:
    """The values of SHARP's elements, by name, in its order."""
    axis, shift = camera.extrinsic[2, :3].astype(np.float32), np.float32(camera.extrinsic[2, 3])
    view_z = np.concatenate([np.empty(0, np.float32), *(stream.means(rows) @ axis + shift for rows in stream.slices())])
    disparity = 1 / view_z[view_z > 0]
    near_far = np.quantile(disparity, (0.1, 0.9)) if disparity.size else (0, 0)
    intrinsic = (camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1)
    values = {
        "extrinsic": camera.extrinsic.ravel(),
        "intrinsic": intrinsic,
        "image_size": (camera.width, camera.height),
        "frame": (1, stream.count),
        "disparity": near_far,
        "color_space": (_COLOR_SPACES.index("srgb"),),
        "version": _SHARP_VERSION,
    }
    return {name: np.array(v, _SHARP_ELEMENTS[name].code).tobytes() for name, v in values.items()}


def _header_bytes(count: int, names: tuple[str, ...], extra: Iterable[str], comments: list[str]) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    lines += [f"property float {name}" for name in names]
    for name in extra:
        layout = _SHARP_ELEMENTS[name]
        lines += [f"element {name} {layout.size}", f"property {layout.scalar} {name}"]
    return "\n".join([*lines, *comments, "end_header", ""]).encode("utf-8")


def _rows(stream: SoundStream, names: tuple[str, ...]) -> Iterator[memoryview]:
    columns = columns_of(names, stream.sh_degree, stream.sh_degree)
    return stream.blocks(lambda block: encode(block, columns, len(names)).reshape(-1).view(np.uint8).data)
