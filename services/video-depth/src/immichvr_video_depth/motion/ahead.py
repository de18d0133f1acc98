"""Compiling before the first clip instead of during it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from immichvr_depth import DepthMap

from immichvr_video_depth.motion.camera import Travel
from immichvr_video_depth.motion.clip import make_clip


def compile_ahead() -> None:
    """Compiles what a photo goes through on its way to a clip, or loads it from numba's cache on disk."""
    rgb = np.full((48, 64, 3), 90, np.uint8)
    rgb[12:36, 20:44] = 200
    depth = np.where(rgb[..., 0] > 100, np.float32(2), np.float32(6))
    photo_depth, travel = DepthMap(depth, True, "", ""), Travel(seconds=0.1)
    with tempfile.TemporaryDirectory() as folder:
        make_clip(rgb, photo_depth, 60.0, travel, Path(folder, "clip.mp4"), lambda _: None)
