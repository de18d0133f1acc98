"""Depth over time: windows of a video through a network, aligned, in shots, with a range, in constant memory."""

from immichvr_video_depth.engine.ahead import compile_ahead
from immichvr_video_depth.engine.checkpoints import Checkpoints
from immichvr_video_depth.engine.frames import DepthFrame, Estimator, Moment, Output, SeesPictures, Share
from immichvr_video_depth.engine.running import Summary, run
from immichvr_video_depth.engine.windows import WINDOW

__all__ = [
    "WINDOW",
    "Checkpoints",
    "DepthFrame",
    "Estimator",
    "Moment",
    "Output",
    "SeesPictures",
    "Share",
    "Summary",
    "compile_ahead",
    "run",
]
