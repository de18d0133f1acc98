"""Coloured points in memory and the files that hold them."""

from immichvr_splats.pointclouds.cloud import PointCloud
from immichvr_splats.pointclouds.conversion import (
    POINT_FORMATS,
    PointFormat,
    PointReadResult,
    points_to_bytes,
    read_points,
    write_points,
)

__all__ = [
    "POINT_FORMATS",
    "PointCloud",
    "PointFormat",
    "PointReadResult",
    "points_to_bytes",
    "read_points",
    "write_points",
]
