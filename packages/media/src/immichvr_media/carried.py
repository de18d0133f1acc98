"""Depth maps that photos carry, whatever way they are stored."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

DepthSource = Literal["gdepth", "dynamic_depth", "apple_depth", "apple_disparity"]


class DepthUnusable(ValueError):
    """A depth map that is damaged, beyond the limits or of a kind that is not read; the message says why."""


@dataclass(frozen=True)
class CarriedDepth:
    """A depth map found in a photo, turned upright with it, at a size of its own.

    depth: (h, w) float32 along the optical axis, larger is farther, finite and above zero; metres where
    `metric`, else up to scale.
    confidence: (h, w) float32 in 0..1, where the file has one.
    """

    depth: npt.NDArray[np.float32]
    metric: bool
    source: DepthSource
    confidence: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True)
class StoredDepth:
    """A depth map as decoded from a file, not yet turned; along_rays: measured from the camera's centre
    instead of along the optical axis."""

    depth: npt.NDArray[np.float32]
    metric: bool
    source: DepthSource
    confidence: npt.NDArray[np.float32] | None = None
    along_rays: bool = False
