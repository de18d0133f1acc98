"""A point cloud as a tree of tiles: leaves hold its own points, the others means of those below them."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from immichvr_splats.cleaning import check_any_left
from immichvr_splats.cloud import Marks
from immichvr_splats.compiled import I64
from immichvr_splats.errors import InvalidCloudError
from immichvr_splats.formats.glb import describe_marks
from immichvr_splats.lod.index import Bounds
from immichvr_splats.lod.points import lod_points, point_extension_of, spacing_of
from immichvr_splats.lod.tree import Tile, write_tree
from immichvr_splats.losses import Loss
from immichvr_splats.pointclouds import PointCloud, write_points
from immichvr_splats.pointclouds.cloud import joined, without_strays


def write_point_tiles(
    cloud: PointCloud, folder: str | os.PathLike[str], format: str = "glb", most: int = 50_000, **options: object
) -> Tile:
    """Write one file for each tile, and TILES_FILE beside them, which appears last; returns the root.

    most: points in a tile; only more than that at one place make a larger one. format, options: those of
    `write_points`. Bounds are in OpenCV axes, whatever those of the files. Raises UnknownFormatError or
    InvalidCloudError (both SplatError).
    """
    if most < 1:
        raise InvalidCloudError(f"tiles of {most} points were asked for, wants at least 1")
    extension = point_extension_of(format)
    given = cloud.count
    cloud, losses = without_strays(cloud)
    check_any_left(given, cloud.count, losses)
    return write_tree(_Points(cloud, format, extension, options), cloud.points, Path(folder), most, losses)


@dataclass(frozen=True)
class _Points:
    """The contents of tiles. options: of `write_points`."""

    cloud: PointCloud
    format: str
    extension: str
    options: dict[str, object]

    def take(self, rows: I64) -> PointCloud:
        return self.cloud.take(rows)

    def merged(self, parts: list[PointCloud], count: int) -> PointCloud:
        return replace(lod_points(joined(parts), count), origin=self.cloud.origin)

    def write(self, level: PointCloud, path: Path) -> list[Loss]:
        return write_points(level, path, self.format, **self.options)

    def bounds(self, level: PointCloud) -> Bounds:
        return Bounds.of_points(level.points)

    def detail(self, level: PointCloud) -> float:
        return spacing_of(level) if level.count else 0.0

    def entries(self) -> dict[str, object]:
        return describe_marks(Marks(origin=self.cloud.origin))
