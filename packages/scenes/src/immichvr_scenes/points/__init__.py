"""Points of a place: depth of every picture, fused where pictures agree."""

from immichvr_scenes.points.depths import DepthOptions, dense_depth
from immichvr_scenes.points.fusing import DensePoints, FusionOptions, fuse
from immichvr_scenes.points.making import make_points, write_points

__all__ = ["DensePoints", "DepthOptions", "FusionOptions", "dense_depth", "fuse", "make_points", "write_points"]
