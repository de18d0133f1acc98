"""Depth maps that photos carry, whatever way they are stored."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

DepthSource = Literal["gdepth", "dynamic_depth", "apple_depth", "apple_disparity"]


@dataclass(frozen=True)
class CarriedDepth:
    """A depth map found in a photo, turned upright with it, at a size of its own.

    depth: (h, w) float32, larger is farther, finite and above zero; metres where `metric`, else up to scale.
    confidence: (h, w) float32 in 0..1, where the file has one.
    """

    depth: npt.NDArray[np.float32]
    metric: bool
    source: DepthSource
    confidence: npt.NDArray[np.float32] | None = None
