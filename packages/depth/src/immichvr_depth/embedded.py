"""Depth that the photo itself carries."""

from __future__ import annotations

import numpy as np
from immichvr_media import CarriedDepth

from immichvr_depth.depth_map import DepthMap, with_median

EMBEDDED = "embedded"
"""The key of depth that comes with the photo."""
LARGEST_RATIO = 1000.0
"""No depth is nearer or farther than the median by more than this factor: a stray pixel must not rule a scene."""


def embedded_depth(carried: CarriedDepth, revision: str) -> DepthMap:
    """The depth map inside a photo's file, at its own size; in metres where the file says so."""
    median = float(np.median(carried.depth))
    depth = np.clip(carried.depth, median / LARGEST_RATIO, median * LARGEST_RATIO).astype(np.float32)
    return DepthMap(
        depth=depth if carried.metric else with_median(depth),
        metric=carried.metric,
        model_key=EMBEDDED,
        revision=revision,
    )
