"""The scale of depth that nobody measured."""

from __future__ import annotations

import numpy as np

from immichvr_ai.depth_map import FloatImage

MEDIAN = 2.0
"""Median of every relative depth map."""


def with_median(depth: FloatImage, median: float = MEDIAN) -> FloatImage:
    """Scale a positive depth map so that its median is `median`."""
    return np.asarray(depth * np.float32(median / float(np.median(depth))), np.float32)
