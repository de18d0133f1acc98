"""Reading and writing point clouds in any format of their table."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from immichvr_splats.cleaning import check_any_left
from immichvr_splats.errors import InvalidCloudError, UnknownFormatError
from immichvr_splats.formats.base import Encoded
from immichvr_splats.formats.ply import MAGIC
from immichvr_splats.losses import Loss
from immichvr_splats.pointclouds import glb, ply
from immichvr_splats.pointclouds.cloud import PointCloud, without_strays
from immichvr_splats.source import ReadLimits, Source, open_source
from immichvr_splats.target import Writable, put

DEFAULT_LIMITS = ReadLimits()


@dataclass(frozen=True)
class PointFormat:
    """One row of the table. magic: how files begin. options: keyword arguments of `write_points` for this format."""

    key: str
    description: str
    extension: str
    media_type: str
    magic: tuple[bytes, ...]
    reader: Callable[[Source, ReadLimits], tuple[PointCloud, list[Loss]]]
    writer: Callable[..., Encoded]
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class PointReadResult:
    """A cloud from a file. losses: what did not survive. format: its key."""

    cloud: PointCloud
    losses: list[Loss]
    format: str


POINT_FORMATS: dict[str, PointFormat] = {
    row.key: row
    for row in (
        PointFormat(
            key="ply",
            description="PLY of coloured points, with confidence",
            extension=".ply",
            media_type="application/x-ply",
            magic=MAGIC,
            reader=ply.read,
            writer=ply.write,
        ),
        PointFormat(
            key="glb",
            description="glTF binary of coloured points, plain or compressed",
            extension=".glb",
            media_type="model/gltf-binary",
            magic=(glb.MAGIC,),
            reader=glb.read,
            writer=glb.write,
            options=("compression",),
        ),
    )
}
"""The formats of point clouds, by key."""


def read_points(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview,
    format: str | None = None,
    limits: ReadLimits = DEFAULT_LIMITS,
) -> PointReadResult:
    """Read a point cloud from a path, which is mapped, or from bytes.

    format: a key of POINT_FORMATS; by default told by the first bytes. Points that are not finite are dropped and
    counted. Raises UnknownFormatError, MalformedFileError, UnsupportedFileError, LimitExceededError (all SplatError),
    and OSError where the path cannot be opened.
    """
    opened = open_source(source, limits)
    row = _row(format) if format is not None else _sniff(opened)
    cloud, losses = row.reader(opened, limits)
    cloud, dropped = without_strays(cloud)
    return PointReadResult(cloud, losses + dropped, row.key)


def write_points(cloud: PointCloud, target: Writable, format: str | None = None, **options: object) -> list[Loss]:
    """Write a point cloud and return what the format could not keep.

    target: a path, which appears whole or not at all; an open binary file; None to only learn the losses.
    format: a key of POINT_FORMATS, by default told by the extension of a path. options: those of the format's row.
    Raises UnknownFormatError or InvalidCloudError (both SplatError).
    """
    return put(_encode(cloud, _told(target) if format is None else _row(format), options), target)


def points_to_bytes(cloud: PointCloud, format: str, **options: object) -> bytes:
    """The file that `write_points` would make."""
    return b"".join(_encode(cloud, _row(format), options).chunks)


def _encode(cloud: PointCloud, row: PointFormat, options: dict[str, object]) -> Encoded:
    for name in options:
        if name not in row.options:
            taken = ", ".join(row.options) or "none"
            raise InvalidCloudError(f"format {row.key!r} has no option {name!r}, it takes: {taken}")
    sound, losses = without_strays(cloud)
    check_any_left(cloud.count, sound.count, losses)
    encoded = row.writer(sound, **options)
    encoded.losses[:0] = losses
    return encoded


def _row(format: str) -> PointFormat:
    if format not in POINT_FORMATS:
        raise UnknownFormatError(f"unknown format {format!r} of points, wants one of {', '.join(POINT_FORMATS)}")
    return POINT_FORMATS[format]


def _told(target: Writable) -> PointFormat:
    name = Path(target).name.lower() if isinstance(target, (str, os.PathLike)) else ""
    for row in POINT_FORMATS.values():
        if name.endswith(row.extension):
            return row
    accepted = ", ".join(row.extension for row in POINT_FORMATS.values())
    raise UnknownFormatError(f"the target {name!r} tells no format of points, wants one of {accepted}")


def _sniff(source: Source) -> PointFormat:
    head = bytes(source.data[:16])
    for row in POINT_FORMATS.values():
        if head.startswith(row.magic):
            return row
    raise UnknownFormatError(f"{source.name}: the first bytes tell no format of points, wants PLY or GLB")
