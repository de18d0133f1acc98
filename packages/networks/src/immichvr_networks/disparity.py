"""What relative inverse depth, correct up to scale and shift, is taken to mean."""

from __future__ import annotations

import numpy as np
from immichvr_depth.depth_map import MEDIAN, FloatImage, with_median

from immichvr_networks.pictures import in_aspect_of

NEAR_TO_FAR = 20.0
"""Depth of disparity 0 (the sky) over that of the near end of the scene: an assumption, see `depth_of`."""
NEAREST = 4.0
"""Disparity of the nearest pixel over that of the near end of the scene, at most."""


def depth_of(output: FloatImage, height: int, width: int) -> FloatImage:
    """Depth of a photo of this height and width from a network's output.

    output: (h, w) float32, not negative, 1 / depth up to an unknown scale and shift. The shift is taken to be
    zero, as 0 is what these networks were taught for the sky; 0 is then put `NEAR_TO_FAR` times farther than the
    98th percentile, so that nothing is infinitely far. Returns (H, W) float32, median 2, at the network's
    resolution and the photo's aspect ratio.
    """
    fitted = in_aspect_of(output, height, width)
    near = float(np.percentile(fitted, 98))
    if near <= 1e-6:
        return np.full(fitted.shape, MEDIAN, np.float32)
    relative = np.clip(fitted / np.float32(near), 0.0, NEAREST)
    return with_median(np.asarray(NEAR_TO_FAR / (1.0 + (NEAR_TO_FAR - 1.0) * relative), np.float32))
