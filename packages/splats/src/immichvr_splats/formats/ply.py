"""PLY as written by INRIA's 3D Gaussian splatting and by Apple's SHARP.

Element `vertex`, one row per Gaussian, float32 little endian in the files of both:

| properties                  | value                                                                     |
|-----------------------------|---------------------------------------------------------------------------|
| x y z                       | mean, OpenCV axes                                                         |
| nx ny nz                    | normals, always 0 (INRIA only)                                            |
| f_dc_0..2                   | colour = 0.5 + 0.28209479177387814 * f_dc                                 |
| f_rest_0..(3 K - 1)         | higher bands, channel-major: K red, K green, K blue; K = 0, 3, 8, 15      |
| opacity                     | logit                                                                     |
| scale_0..2                  | ln of metres                                                              |
| rot_0..3                    | w x y z, not normalised                                                   |

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

from ..cloud import SH_COEFFICIENTS, Camera, ColorSpace, GaussianCloud
from ..color import to_srgb
from ..compiled import F32, F64, I32, I64, kernel
from ..errors import InvalidCloudError, MalformedFileError, SplatError
from ..losses import Loss
from ..numerics import largest_magnitude
from ..source import ReadLimits, Source
from ..stream import Glance, Rows, SoundStream, Stream, row_numbers
from .base import Decoded, Encoded
from .ply_data import read_elements
from .ply_header import Element, Header, read_header


class _SharpElement(NamedTuple):
    size: int
    scalar: str
    code: str


_BASE = (
    "x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity",
    "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3",
)  # fmt: skip
_NORMALS = ("nx", "ny", "nz")
_REST_COUNTS = tuple(3 * (k - 1) for k in SH_COEFFICIENTS)
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
_LAYOUTS = ("inria", "sharp")
_TILE = 256
_FLOATS_PER_LINE = 16  # of the caches


def read(source: Source, limits: ReadLimits) -> Decoded:
    """Decode a PLY of Gaussians: any property order and scalar type, ascii, little or big endian."""
    header = read_header(source)
    vertex = _vertex(header, source, limits)
    elements, losses = read_elements(header, source, {"vertex", *_SHARP_ELEMENTS})
    rows = elements.pop("vertex")
    degree = _REST_COUNTS.index(sum(p.startswith("f_rest_") for p in vertex.properties))
    camera, color_space, metadata_losses = _describe(elements)
    rows.flags.writeable = False  # one kind of array, one compiled kernel
    columns = _columns(vertex.properties, degree)
    stream = Stream(
        vertex.count,
        degree,
        lambda which: to_srgb(_decode(rows, which, columns, degree, color_space)),
        camera,
        lambda which: _decode_means(rows, which, columns),
        (lambda which: _glance_at(rows[which], columns)) if color_space == "srgb" else None,
    )
    return Decoded(stream, losses + metadata_losses)


def write(stream: SoundStream, *, layout: str | None = None) -> Encoded:
    """Encode as little-endian float32.

    layout: "sharp" (needs a camera, holds degree 0 only) or "inria" (holds no camera); by default "sharp" for a
    cloud with a camera and degree 0, else "inria".
    """
    if layout is None:
        layout = "sharp" if stream.camera is not None and stream.sh_degree == 0 else "inria"
    if layout not in _LAYOUTS:
        raise InvalidCloudError(f"layout is {layout!r}, ply takes one of {', '.join(_LAYOUTS)}")
    return _write_sharp(stream) if layout == "sharp" else _write_inria(stream)


def _write_inria(stream: SoundStream) -> Encoded:
    losses = []
    if stream.camera is not None:
        losses.append(Loss("camera", "the INRIA layout of ply has no place for the camera"))
    rest = _rest_names(_REST_COUNTS[stream.sh_degree])
    names = (*_BASE[:3], *_NORMALS, *_BASE[3:6], *rest, *_BASE[6:])
    return Encoded(chain([_header_bytes(stream.count, names, ())], _rows(stream, names)), losses)


def _write_sharp(stream: SoundStream) -> Encoded:
    camera = stream.camera
    if camera is None:
        raise InvalidCloudError("the SHARP layout of ply needs a cloud with a camera; layout='inria' does not")
    losses = []
    if stream.sh_degree:
        message = f"spherical harmonics of degree 1 to {stream.sh_degree}: the SHARP layout of ply holds degree 0"
        losses.append(Loss("sh_degree", message, stream.count))
        stream = stream.with_sh_degree(0)
    tail = _sharp_tail(stream, camera)
    header = _header_bytes(stream.count, _BASE, tail)
    return Encoded(chain([header], _rows(stream, _BASE), tail.values()), losses)


def _vertex(header: Header, source: Source, limits: ReadLimits) -> Element:
    name = source.name
    vertex = header.element("vertex")
    if vertex is None:
        raise MalformedFileError(f"{name}: header has no element 'vertex'")
    missing = [p for p in _BASE if p not in vertex.properties and p not in vertex.lists]
    if missing:
        raise MalformedFileError(f"{name}: element 'vertex' lacks the properties {', '.join(missing)}")
    rest = sum(p.startswith("f_rest_") for p in vertex.properties)
    if rest not in _REST_COUNTS or any(p not in vertex.properties for p in _rest_names(rest)):
        raise MalformedFileError(
            f"{name}: element 'vertex' has {rest} properties f_rest_*, "
            f"wants {', '.join(map(str, _REST_COUNTS))} of them, numbered from 0"
        )
    limits.check_points(vertex.count, name)
    return vertex


def _rest_names(count: int) -> tuple[str, ...]:
    return tuple(f"f_rest_{i}" for i in range(count))


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


def _header_bytes(count: int, names: tuple[str, ...], extra: Iterable[str]) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    lines += [f"property float {name}" for name in names]
    for name in extra:
        layout = _SHARP_ELEMENTS[name]
        lines += [f"element {name} {layout.size}", f"property {layout.scalar} {name}"]
    return "\n".join([*lines, "end_header", ""]).encode("ascii")


def _rows(stream: SoundStream, names: tuple[str, ...]) -> Iterator[memoryview]:
    columns = _columns(names, stream.sh_degree)

    def encode(block: GaussianCloud) -> memoryview:
        rows = np.zeros((block.count, len(names)), "<f4")
        _interleave(*_arrays(block), columns, rows)
        return rows.reshape(-1).view(np.uint8).data

    return stream.blocks(encode)


def _decode(rows: F32, which: Rows, columns: I64, degree: int, color_space: ColorSpace) -> GaussianCloud:
    indices = row_numbers(which)
    cloud = replace(GaussianCloud.empty(indices.size, degree), color_space=color_space)
    _deinterleave(rows, indices, columns, *_arrays(cloud))
    return cloud


def _decode_means(rows: F32, which: Rows, columns: I64) -> F32:
    indices = row_numbers(which)
    means = np.empty((indices.size, 3), np.float32)
    _deinterleave_means(rows, indices, columns, means)
    return means


def _columns(names: Iterable[str], sh_degree: int) -> I64:
    """Where `_BASE` and then f_rest_* stand among `names`."""
    place = {name: column for column, name in enumerate(names)}
    return np.array([place[n] for n in (*_BASE, *_rest_names(_REST_COUNTS[sh_degree]))], np.int64)


def _arrays(cloud: GaussianCloud) -> tuple[F32, F32, F32, F32, F32]:
    return cloud.means, cloud.log_scales, cloud.quaternions, cloud.opacity_logits, cloud.sh


@kernel
def _deinterleave(
    rows: F32, indices: I64, columns: I64, means: F32, log_scales: F32, quaternions: F32, logits: F32, sh: F32
) -> None:
    bands = sh.shape[1] - 1
    for first in range(0, indices.shape[0], _TILE):
        stop = min(first + _TILE, indices.shape[0])
        if indices[stop - 1] - indices[first] != stop - 1 - first:
            _touch(rows, indices[first:stop])
        for i in range(first, stop):
            row = indices[i]
            for j in range(3):
                means[i, j] = rows[row, columns[j]]
                sh[i, 0, j] = rows[row, columns[3 + j]]
                log_scales[i, j] = rows[row, columns[7 + j]]
            logits[i] = rows[row, columns[6]]
            for j in range(4):
                quaternions[i, j] = rows[row, columns[10 + j]]
            for c in range(3):
                for k in range(bands):
                    sh[i, 1 + k, c] = rows[row, columns[14 + c * bands + k]]


def _glance_at(rows: F32, columns: I64) -> Glance:
    low, high = np.empty(3), np.empty(3)
    return Glance(*_glance(rows.reshape(-1).view(np.int32), rows, columns, low, high), low, high)


@kernel
def _glance(bits: I32, rows: F32, columns: I64, low: F64, high: F64) -> tuple[int, int, int]:
    x, y, z = columns[0], columns[1], columns[2]
    a, b, c, d = columns[10], columns[11], columns[12], columns[13]
    infinity = np.float32(np.inf)
    x0, y0, z0, x1, y1, z1 = infinity, infinity, infinity, -infinity, -infinity, -infinity
    least, most = infinity, np.float32(0)
    largest, width = 0, rows.shape[1]
    for i in range(rows.shape[0]):
        if i % _TILE == 0:
            largest = max(largest, largest_magnitude(bits[i * width : (i + _TILE) * width]))
        x0, y0, z0 = min(x0, rows[i, x]), min(y0, rows[i, y]), min(z0, rows[i, z])
        x1, y1, z1 = max(x1, rows[i, x]), max(y1, rows[i, y]), max(z1, rows[i, z])
        norm = rows[i, a] * rows[i, a] + rows[i, b] * rows[i, b] + rows[i, c] * rows[i, c] + rows[i, d] * rows[i, d]
        least, most = min(least, norm), max(most, norm)
    low[0], low[1], low[2] = x0, y0, z0
    high[0], high[1], high[2] = x1, y1, z1
    return int(largest), int(np.float32(least).view(np.int32)), int(np.float32(most).view(np.int32))


@kernel
def _touch(rows: F32, indices: I64) -> np.float32:
    # Rows in another order than the file's wait for memory. A loop that does nothing else lets many wait at once.
    total = np.float32(0)
    for i in range(indices.shape[0]):
        for j in range(0, rows.shape[1], _FLOATS_PER_LINE):
            total += rows[indices[i], j]
        total += rows[indices[i], rows.shape[1] - 1]
    return total


@kernel
def _deinterleave_means(rows: F32, indices: I64, columns: I64, means: F32) -> None:
    for i in range(indices.shape[0]):
        for j in range(3):
            means[i, j] = rows[indices[i], columns[j]]


@kernel
def _interleave(means: F32, log_scales: F32, quaternions: F32, logits: F32, sh: F32, columns: I64, rows: F32) -> None:
    bands = sh.shape[1] - 1
    for i in range(rows.shape[0]):
        for j in range(3):
            rows[i, columns[j]] = means[i, j]
            rows[i, columns[3 + j]] = sh[i, 0, j]
            rows[i, columns[7 + j]] = log_scales[i, j]
        rows[i, columns[6]] = logits[i]
        for j in range(4):
            rows[i, columns[10 + j]] = quaternions[i, j]
        for k in range(bands):
            for c in range(3):
                rows[i, columns[14 + c * bands + k]] = sh[i, 1 + k, c]
