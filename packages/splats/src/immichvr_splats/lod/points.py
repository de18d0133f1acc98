"""Levels of detail of point clouds: the surest points, those that share a cell made one."""

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from immichvr_splats.cleaning import check_any_left
from immichvr_splats.color import dc_coefficients
from immichvr_splats.compiled import F64
from immichvr_splats.errors import InvalidCloudError, UnknownFormatError
from immichvr_splats.lod.cells import cells_of_points
from immichvr_splats.lod.index import INDEX_VERSION, Bounds, write_index
from immichvr_splats.lod.levels import LEVEL_COUNTS, LEVELS_FILE, Level
from immichvr_splats.pointclouds import POINT_FORMATS, PointCloud, write_points
from immichvr_splats.pointclouds.cloud import without_strays
from immichvr_splats.reach import near_each_other

LEAST_CONFIDENCE = {"preview": 20, "medium": 10, "full": 3}
"""The percentile of confidence below which a level leaves points out."""

_LEAST_SIZE = 1e-30


def lod_points(cloud: PointCloud, count: int) -> PointCloud:
    """The cloud with exactly `count` points, each the mean of a cell; itself if it has no more than that.

    Raises InvalidCloudError for a count below 1.
    """
    if count < 1:
        raise InvalidCloudError(f"a level of detail of {count} points was asked for, wants at least 1")
    cloud, _ = without_strays(cloud)
    if count >= cloud.count:
        return cloud
    points = cloud.points.astype(np.float64)
    colors = dc_coefficients(cloud.colors)
    sizes = np.full(cloud.count, spacing_of(cloud) ** 2 + _LEAST_SIZE)
    order, starts = cells_of_points(points, colors, np.ones(cloud.count), sizes, count)
    members = np.diff(starts)

    def mean(values: F64) -> F64:
        sums = np.add.reduceat(values[order], starts[:-1], axis=0)
        return np.asarray((sums.T / members).T)

    confidence = None if cloud.confidence is None else mean(cloud.confidence.astype(np.float64)).astype(np.float32)
    tints = np.round(mean(cloud.colors.astype(np.float64))).astype(np.uint8)
    return PointCloud(mean(points).astype(np.float32), tints, confidence, cloud.origin)


def confident(cloud: PointCloud, percentile: float) -> PointCloud:
    """The points whose confidence is no less than a percentile of all; every point where there is no confidence."""
    if cloud.confidence is None or not cloud.count:
        return cloud
    return cloud.take(np.flatnonzero(cloud.confidence >= np.percentile(cloud.confidence, percentile)))


def point_levels(cloud: PointCloud) -> Iterator[tuple[str, PointCloud]]:
    """Names and clouds of the levels of LEVEL_COUNTS, coarsest first, by LEAST_CONFIDENCE, made as they are taken.

    `full` always comes; another only if it is smaller than the cloud.
    """
    cloud, _ = without_strays(cloud)
    for name, count in LEVEL_COUNTS.items():
        if name == "full" or count < cloud.count:
            yield name, lod_points(confident(cloud, LEAST_CONFIDENCE[name]), count)


def write_point_levels(
    cloud: PointCloud, folder: str | os.PathLike[str], format: str = "glb", **options: object
) -> list[Level]:
    """Write a file for each of `point_levels`, and LEVELS_FILE beside them, which appears last.

    format, options: those of `write_points`. Raises UnknownFormatError or InvalidCloudError (both SplatError).
    """
    extension = point_extension_of(format)
    root = Path(folder)
    given = cloud.count
    cloud, dropped = without_strays(cloud)
    check_any_left(given, cloud.count, dropped)
    root.mkdir(parents=True, exist_ok=True)
    written = []
    for name, level in point_levels(cloud):
        path = root / f"{name}{extension}"
        losses = write_points(level, path, format, **options)
        bounds = Bounds.of_points(level.points)
        written.append(Level(name, path.name, level.count, path.stat().st_size, bounds, losses))
    index: dict[str, object] = {
        "version": INDEX_VERSION,
        "format": format,
        "count": cloud.count,
        "losses": [asdict(loss) for loss in dropped],
        "levels": [{**asdict(level), "least_confidence_percentile": LEAST_CONFIDENCE[level.name]} for level in written],
    }
    write_index(root / LEVELS_FILE, index)
    return written


def point_extension_of(format: str) -> str:
    """The extension of a format of points. Raises UnknownFormatError."""
    if format not in POINT_FORMATS:
        raise UnknownFormatError(f"unknown format {format!r} of points, wants one of {', '.join(POINT_FORMATS)}")
    return POINT_FORMATS[format].extension


def spacing_of(cloud: PointCloud) -> float:
    """About how far neighbours are apart, metres: the side of a point's share of the box around them, seen flat."""
    points = cloud.points[near_each_other(cloud.points)]
    sides = np.sort(np.ptp(points.astype(np.float64), axis=0))
    return float(np.sqrt(sides[1] * sides[2] / cloud.count))
