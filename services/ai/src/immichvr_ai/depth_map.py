"""The depth of one photo, whoever estimated it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatImage = npt.NDArray[np.float32]


@dataclass(frozen=True)
class DepthMap:
    """Depth along the optical axis for every pixel of an upright photo.

    depth: (h, w) float32, finite, > 0, larger is farther. Metres where `metric`, else units in which the
        median of the scene is 2. May be smaller than the photo; the aspect ratio is the photo's.
    metric: whether depth is in metres.
    model_key: what made it (`embedded`, `da2-small`, `heuristic`).
    revision: the revision of that model.
    reason: why this model ran where another was preferred; empty if it was the first choice.
    """

    depth: FloatImage
    metric: bool
    model_key: str
    revision: str
    reason: str = ""
