"""Depth that the photo itself carries."""

from __future__ import annotations

import numpy as np
from immichvr_media import Photo

from immichvr_ai.depth_map import DepthMap, with_median
from immichvr_ai.errors import ModelUnavailable

KEY = "embedded"
LARGEST_RATIO = 1000.0
"""No depth is nearer or farther than the median by more than this factor: a stray pixel must not rule a scene."""


def embedded_depth(photo: Photo, revision: str) -> DepthMap:
    """The depth map inside the photo's file, at its own size; in metres where the file says so.

    Raises ModelUnavailable where the photo carries none.
    """
    carried = photo.depth
    if carried is None:
        raise ModelUnavailable(KEY, "no_embedded_depth", "this photo carries no depth map")
    median = float(np.median(carried.depth))
    depth = np.clip(carried.depth, median / LARGEST_RATIO, median * LARGEST_RATIO).astype(np.float32)
    return DepthMap(
        depth=depth if carried.metric else with_median(depth),
        metric=carried.metric,
        model_key=KEY,
        revision=revision,
    )
