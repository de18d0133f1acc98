"""PLY of points: element vertex with x, y, z; red, green, blue; and confidence.

Written little endian: 3 x f32, 3 x u8, and f32 confidence where the cloud has it. Read: any property order and type,
ascii, either endianness; colours as integers of their full range or as floats from 0 to 1.
"""

import numpy as np

from ..compiled import F32, U8
from ..errors import MalformedFileError
from ..formats.base import Encoded
from ..formats.ply_data import read_elements
from ..formats.ply_header import Element, read_header
from ..losses import Loss
from ..source import ReadLimits, Source
from .cloud import PointCloud

_AXES = ("x", "y", "z")
_COLORS = (("red", "green", "blue"), ("r", "g", "b"), ("diffuse_red", "diffuse_green", "diffuse_blue"))
_CONFIDENCE = ("confidence", "scalar_confidence", "quality")
_WHITE = 255
_LARGEST = {"u1": 255, "u2": 65_535, "f4": 1, "f8": 1}


def read(source: Source, limits: ReadLimits) -> tuple[PointCloud, list[Loss]]:
    """Decode. Points without colours are white, which is said."""
    header = read_header(source)
    vertex = header.element("vertex")
    if vertex is None or any(axis not in vertex.properties for axis in _AXES):
        raise MalformedFileError(f"{source.name}: no element 'vertex' with the properties x, y, z")
    limits.check_points(vertex.count, source.name)
    elements, losses = read_elements(header, source, {"vertex"})
    rows = elements["vertex"]
    place = {name: column for column, name in enumerate(vertex.properties)}
    points = rows[:, [place[axis] for axis in _AXES]]
    confidence = next((rows[:, place[name]] for name in _CONFIDENCE if name in place), None)
    return PointCloud(points, _colors(rows, vertex, losses), confidence), losses


def write(cloud: PointCloud) -> Encoded:
    """Encode."""
    fields: list[tuple[str, str, int | tuple[()]]] = [("point", "<f4", 3), ("color", "u1", 3)]
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {cloud.count}"]
    lines += [f"property float {axis}" for axis in _AXES]
    lines += [f"property uchar {name}" for name in _COLORS[0]]
    if cloud.confidence is not None:
        fields.append(("confidence", "<f4", ()))
        lines.append("property float confidence")
    rows = np.empty(cloud.count, np.dtype(fields))
    rows["point"] = cloud.points
    rows["color"] = cloud.colors
    if cloud.confidence is not None:
        rows["confidence"] = cloud.confidence
    return Encoded(["\n".join([*lines, "end_header", ""]).encode("ascii"), rows.tobytes()], [])


def _colors(rows: F32, vertex: Element, losses: list[Loss]) -> U8:
    columns = list(vertex.properties)
    for names in _COLORS:
        codes = {vertex.properties.get(name) for name in names}
        if len(codes) == 1 and None not in codes:
            largest = _LARGEST.get(str(codes.pop()), _WHITE)
            with np.errstate(invalid="ignore"):
                shares = rows[:, [columns.index(name) for name in names]] / np.float32(largest)
            colors: U8 = np.round(np.nan_to_num(shares).clip(0, 1) * _WHITE).astype(np.uint8)
            return colors
    losses.append(Loss("ignored", "the points have no colours: taken as white"))
    return np.full((rows.shape[0], 3), _WHITE, np.uint8)
