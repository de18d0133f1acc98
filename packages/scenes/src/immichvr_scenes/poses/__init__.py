"""Where pictures were taken from, and what of them is known to be no place but a photo."""

from immichvr_scenes.poses.estimating import PoseOptions, estimate_poses
from immichvr_scenes.poses.result import Poses, SparsePoints

__all__ = ["PoseOptions", "Poses", "SparsePoints", "estimate_poses"]
