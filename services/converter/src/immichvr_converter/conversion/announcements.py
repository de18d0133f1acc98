"""What a file announces, learned before it is read: how many Gaussians, of which degree, and what reading them takes.

Files that are mapped and read in place announce nothing: they take no memory until they are written.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from immichvr_splats import ReadLimits, SplatError
from immichvr_splats.formats.ply_columns import STORED_REST_COUNTS, known_names
from immichvr_splats.formats.ply_header import read_header
from immichvr_splats.source import open_source

_SPZ_HEADER = struct.Struct("<4sIIB")
_SPZ_MAGIC = b"NGSP"
_GLB_HEADER = struct.Struct("<4sIII4s")
_LARGEST_META = 4 << 20
_LARGEST_GLB_JSON = 16 << 20
_PLY_FLOAT = "f4"
_GLB_HARMONICS = re.compile(r"KHR_gaussian_splatting:SH_DEGREE_([123])_COEF_\d+")


_NO_LIMITS = ReadLimits(max_bytes=1 << 62)  # those of the reader hold


class Announced(NamedTuple):
    """What a file has, and the bytes of memory that hold what of it cannot be read in place."""

    gaussians: int
    sh_degree: int
    memory: int


def announced(path: Path, format: str) -> Announced | None:
    """What the file announces; None where it is read in place, or where what it announces cannot be found."""
    find = _FINDERS.get(format)
    return None if find is None else find(path)


def _of_spz(path: Path) -> Announced | None:
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.startswith(_SPZ_MAGIC):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, _SPZ_HEADER.size)
        except zlib.error:
            return None
    if len(head) < _SPZ_HEADER.size:
        return None
    magic, _, count, sh_degree = _SPZ_HEADER.unpack_from(head)
    return _unpacked(count, min(sh_degree, 3), 40, 2) if magic == _SPZ_MAGIC else None


def _of_sog(path: Path) -> Announced | None:
    try:
        with zipfile.ZipFile(path) as archive:
            name = next(n for n in archive.namelist() if n == "meta.json" or n.endswith("/meta.json"))
            with archive.open(name) as file:
                meta = json.load(io.BytesIO(file.read(_LARGEST_META)))
        rest = meta.get("shN")
        count = meta["count"] if "count" in meta else meta["means"]["shape"][0]
        sh_degree = min(rest.get("bands", 3), 3) if rest else 0  # version 1 tells it in a picture alone
    except (
        zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, StopIteration,
        ValueError, KeyError, IndexError, TypeError, AttributeError,
    ):  # fmt: skip
        return None  # the reader says better what is wrong with it
    sound = type(count) is int and type(sh_degree) is int and 0 <= count < 2**32 and 0 <= sh_degree <= 3
    return _unpacked(count, sh_degree, 96, 1) if sound else None


def _of_ply(path: Path) -> Announced | None:
    """Text is copied and parsed, numbers of other types or byte orders are turned into float32."""
    try:
        header = read_header(open_source(path, _NO_LIMITS))
    except (SplatError, OSError):
        return None  # the reader says better what is wrong with it
    vertex = header.element("vertex")
    if vertex is None or (header.byte_order == "<" and not set(vertex.properties.values()) - {_PLY_FLOAT}):
        return None
    rows = vertex.count * 4 * len(vertex.properties)
    rest = sum(name.startswith("f_rest_") for name in known_names(vertex.properties))
    degree = min(STORED_REST_COUNTS.index(rest) if rest in STORED_REST_COUNTS else 3, 3)
    return Announced(vertex.count, degree, rows + (0 if header.byte_order else path.stat().st_size))


def _of_glb(path: Path) -> Announced | None:
    try:
        with path.open("rb") as file:
            magic, _, _, size, kind = _GLB_HEADER.unpack(file.read(_GLB_HEADER.size))
            if magic != b"glTF" or kind != b"JSON" or size > _LARGEST_GLB_JSON:
                return None
            root = json.loads(file.read(size))
        attributes = [primitive["attributes"] for primitive in _primitives(root)]
        count = sum(int(root["accessors"][one["POSITION"]]["count"]) for one in attributes)
        names = chain.from_iterable(attributes)
        degree = max((int(found[1]) for name in names if (found := _GLB_HARMONICS.fullmatch(name))), default=0)
    except (struct.error, ValueError, RecursionError, KeyError, IndexError, TypeError, AttributeError):
        return None  # as above
    return _unpacked(count, degree, 180, 8) if 0 <= count < 2**32 else None


def _primitives(root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return chain.from_iterable(mesh["primitives"] for mesh in root.get("meshes", []))


def _unpacked(count: int, sh_degree: int, base: int, coefficient: int) -> Announced:
    """base: bytes for each Gaussian; coefficient: for each of its coefficients above degree 0."""
    return Announced(count, sh_degree, count * (base + coefficient * 3 * ((sh_degree + 1) ** 2 - 1)))


_FINDERS: dict[str, Callable[[Path], Announced | None]] = {
    "spz": _of_spz,
    "sog": _of_sog,
    "ply": _of_ply,
    "glb": _of_glb,
}
