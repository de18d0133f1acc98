"""Depth that the photo itself carries, made fit for use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from immichvr_ai.depth.errors import DepthUnavailable
from immichvr_ai.depth.scale import with_median
from immichvr_ai.depth_map import DepthMap, FloatImage

if TYPE_CHECKING:
    from immichvr_media import Photo

KEY = "embedded"
REVISION = "1"
LARGEST_RATIO = 1000.0
"""No depth is nearer or farther than the median by more than this factor: a stray pixel must not rule a scene."""


def embedded_depth(photo: Photo) -> DepthMap:
    """The depth map inside the photo's file, without gaps.

    Raises DepthUnavailable where the photo carries none, or one without a single valid pixel.
    """
    if photo.depth is None:
        raise DepthUnavailable(KEY, "no_embedded_depth", "this photo carries no depth map")
    depth = np.asarray(photo.depth.depth, np.float32)
    if not (np.isfinite(depth) & (depth > 0)).any():
        raise DepthUnavailable(KEY, "no_embedded_depth", "the depth map in this photo has no valid pixel")
    whole = without_gaps(depth)
    return DepthMap(
        depth=whole if photo.depth.metric else with_median(whole),
        metric=photo.depth.metric,
        model_key=KEY,
        revision=REVISION,
    )


def without_gaps(depth: FloatImage) -> FloatImage:
    """Fill invalid pixels (NaN, zero, negative) from the nearest valid one; infinity becomes the farthest depth.

    depth: (h, w) float32 with at least one finite positive pixel. Returns (h, w) float32, finite, positive.
    """
    valid = np.isfinite(depth) & (depth > 0)
    median = float(np.median(depth[valid]))
    farthest = float(depth[valid].max())
    filled = np.where(np.isposinf(depth), np.float32(farthest), depth)
    gaps = ~(valid | np.isposinf(depth))
    if gaps.any():
        _, labels = cv2.distanceTransformWithLabels(
            gaps.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        value_of = np.zeros(int(labels.max()) + 1, np.float32)
        value_of[labels[~gaps]] = filled[~gaps]
        filled = value_of[labels]
    return np.clip(filled, median / LARGEST_RATIO, median * LARGEST_RATIO).astype(np.float32)
