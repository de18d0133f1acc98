"""From pictures with poses to points, and to the files of the kind `points`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from immichvr_inference.context import RunContext
from immichvr_splats import Level, write_point_levels
from immichvr_splats import pointclouds as files

from immichvr_scenes.errors import NoOverlap
from immichvr_scenes.pictures import Picture
from immichvr_scenes.points.depths import USUAL as USUAL_DEPTH
from immichvr_scenes.points.depths import DepthOptions, dense_depth
from immichvr_scenes.points.fusing import USUAL as USUAL_FUSION
from immichvr_scenes.points.fusing import DensePoints, FusionOptions, fuse
from immichvr_scenes.poses.result import SparsePoints
from immichvr_scenes.progress import Report, silent, within

PLY = "points.ply"
GLB = "points.glb"
LEVELS = "levels"


def make_points(
    pictures: Sequence[Picture],
    sparse: SparsePoints,
    folder: Path,
    depth: DepthOptions = USUAL_DEPTH,
    fusion: FusionOptions = USUAL_FUSION,
    report: Report = silent,
    context: RunContext | None = None,
) -> tuple[DensePoints, list[Picture]]:
    """The points of a place, and its pictures with the depth maps, which lie in `folder`.

    Raises NoOverlap where no views agree on anything.
    """
    deep = dense_depth(pictures, sparse, folder, depth, within(report, 0, 0.8), context)
    return agreed(deep, fusion, within(report, 0.8, 1)), deep


def agreed(pictures: Sequence[Picture], fusion: FusionOptions = USUAL_FUSION, report: Report = silent) -> DensePoints:
    """The points of pictures with depth. Raises NoOverlap where no views agree on anything."""
    points = fuse(pictures, fusion, report)
    if not points.count:
        raise NoOverlap("the pictures do not agree on where anything is: take more of them, a step apart")
    return points


def write_points(points: DensePoints, folder: Path) -> list[Level]:
    """`points.ply`, `points.glb` and, in `levels/`, GLBs of fewer points with their list."""
    folder.mkdir(parents=True, exist_ok=True)
    files.write_points(points.cloud, folder / PLY)
    files.write_points(points.cloud, folder / GLB, compression="meshopt")
    return write_point_levels(points.cloud, folder / LEVELS, "glb", compression="meshopt")
