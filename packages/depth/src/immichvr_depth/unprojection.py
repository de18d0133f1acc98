"""From a depth map and its camera to points in space."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
from immichvr_splats import Camera

Float = TypeVar("Float", np.float32, np.float64)


def unproject(depth: npt.NDArray[Float], camera: Camera) -> npt.NDArray[Float]:
    """What each pixel of a depth map sees: (h, w, 3) in OpenCV axes of its camera, in the map's unit and precision.

    depth: (h, w) along the optical axis. camera: in pixels of the map; the middle of pixel (0, 0) lies at (0.5, 0.5).
    """
    height, width = depth.shape
    across = (np.arange(width, dtype=depth.dtype) + 0.5 - camera.cx) / camera.fx
    down = (np.arange(height, dtype=depth.dtype) + 0.5 - camera.cy) / camera.fy
    return np.stack([across[None, :] * depth, down[:, None] * depth, depth], axis=-1)
