"""The files of a depth asset, written in one pass, and read back: videos, their facts, pictures for the player."""

from immichvr_video_depth.outputs.clip import Clip, Maker
from immichvr_video_depth.outputs.errors import DepthUnusable
from immichvr_video_depth.outputs.opening import (
    DEPTH,
    POSTER,
    RGBD,
    STRIP,
    WANTED_BY_VIEWER,
    DetailedOutput,
    details_of,
    open_outputs,
    shown_of,
)
from immichvr_video_depth.outputs.reading import StoredDepth, read_facts

__all__ = [
    "DEPTH",
    "POSTER",
    "RGBD",
    "STRIP",
    "WANTED_BY_VIEWER",
    "Clip",
    "DepthUnusable",
    "DetailedOutput",
    "Maker",
    "StoredDepth",
    "details_of",
    "open_outputs",
    "read_facts",
    "shown_of",
]
