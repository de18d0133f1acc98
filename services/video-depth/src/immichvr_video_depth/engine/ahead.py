"""Compiling the loops of the engine before they are needed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from immichvr_video_depth.engine.alignment import least_squares
from immichvr_video_depth.engine.frames import DepthFrame, Share
from immichvr_video_depth.engine.levels import write_levels
from immichvr_video_depth.engine.merging import merged


def compile_ahead() -> None:
    """Compiles what frames go through, which takes seconds the first time."""
    made = np.tile(np.linspace(0, 1, 4, dtype=np.float32), (4, 1))
    picture = np.zeros((4, 8, 3), np.uint8)
    share = Share(made)
    frame = DepthFrame(0, Fraction(0), Fraction(1), 0, picture, (share,), 0.0, 1.0)
    for out in (picture[:, 4:], np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint16)):
        write_levels(frame, 255, out)
    least_squares([(share, share)], 4, 4)
    merged([share, share])
