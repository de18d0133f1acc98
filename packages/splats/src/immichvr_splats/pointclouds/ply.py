"""PLY of points: element vertex with x, y, z; red, green, blue; and confidence.

Written little endian: 3 x f32, 3 x u8, and f32 confidence where the cloud has it. Read: any property order and type,
ascii, either endianness; colours as integers of their full range or as floats from 0 to 1.
"""

import numpy as np

from immichvr_splats.cloud import Marks
from immichvr_splats.compiled import F32, U8
from immichvr_splats.errors import MalformedFileError
from immichvr_splats.formats.base import Encoded
from immichvr_splats.formats.ply import (
    COLOR_NAMES,
    Element,
    comments_of,
    known_names,
    largest_color,
    marks_in,
    reach_as_bytes,
    read_elements,
    read_header,
    unread,
)
from immichvr_splats.losses import Loss
from immichvr_splats.pointclouds.cloud import PointCloud
from immichvr_splats.source import ReadLimits, Source

_AXES = ("x", "y", "z")
_CONFIDENCE = ("confidence", "quality")
_WHITE = 255
_TOLD_OF_A_LEVEL = 1e-3


def read(source: Source, limits: ReadLimits) -> tuple[PointCloud, list[Loss]]:
    """Decode. Points without colours are white, which is said."""
    header = read_header(source)
    vertex = header.element("vertex")
    if vertex is None or any(axis not in vertex.properties for axis in _AXES):
        raise MalformedFileError(f"{source.name}: no element 'vertex' with the properties x, y, z")
    limits.check_points(vertex.count, source.name)
    elements, losses, origin = read_elements(header, source, {"vertex"})
    rows = elements["vertex"]
    names = known_names(vertex.properties)
    colors = next((c for c in COLOR_NAMES if len(_codes(vertex, names, c)) == 1), ())
    confidence = next((name for name in _CONFIDENCE if name in names), None)
    losses += unread(names, (*_AXES, *colors, *([confidence] if confidence else [])), vertex.count)
    return PointCloud(
        rows[:, [names.index(axis) for axis in _AXES]],
        _colors(rows, vertex, names, colors, losses),
        None if confidence is None else rows[:, names.index(confidence)],
        origin or marks_in(header.comments).origin,
    ), losses


def write(cloud: PointCloud) -> Encoded:
    """Encode."""
    fields: list[tuple[str, str, int | tuple[()]]] = [("point", "<f4", 3), ("color", "u1", 3)]
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {cloud.count}"]
    lines += [f"property float {axis}" for axis in _AXES]
    lines += [f"property uchar {name}" for name in COLOR_NAMES[0]]
    if cloud.confidence is not None:
        fields.append(("confidence", "<f4", ()))
        lines.append("property float confidence")
    rows = np.empty(cloud.count, np.dtype(fields))
    rows["point"] = cloud.points
    rows["color"] = cloud.colors
    if cloud.confidence is not None:
        rows["confidence"] = cloud.confidence
    lines += comments_of(Marks(origin=cloud.origin), None)
    return Encoded(["\n".join([*lines, "end_header", ""]).encode("ascii"), rows.tobytes()], [])


def _codes(vertex: Element, names: tuple[str, ...], colors: tuple[str, ...]) -> set[str | None]:
    """Types of the properties `colors`, None for one that is missing and, with it, for all."""
    types = list(vertex.properties.values())
    codes = {types[names.index(name)] if name in names else None for name in colors}
    return codes if None not in codes else {None, ""}


def _colors(rows: F32, vertex: Element, names: tuple[str, ...], colors: tuple[str, ...], losses: list[Loss]) -> U8:
    if not colors:
        losses.append(Loss("ignored", "the points have no colours: taken as white", vertex.count))
        return np.full((rows.shape[0], 3), _WHITE, np.uint8)
    [code] = _codes(vertex, names, colors)
    values = rows[:, [names.index(name) for name in colors]]
    largest = largest_color(str(code))
    if largest == 1 and reach_as_bytes(values):
        losses.append(Loss("guessed", "colours of floats beyond 1: taken as from 0 to 255", vertex.count))
        largest = _WHITE
    with np.errstate(invalid="ignore"):
        shares = values / np.float32(largest)
    exact = np.nan_to_num(shares).clip(0, 1) * _WHITE
    levels: U8 = np.round(exact).astype(np.uint8)
    if np.abs(exact - levels).max(initial=0) > _TOLD_OF_A_LEVEL:
        losses.append(Loss("precision", "colours of more than 8 bits are kept in 8: to 0.002", vertex.count))
    return levels
