"""The depth of one photo, whoever estimated it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

FloatImage = npt.NDArray[np.float32]
MEDIAN = 2.0
"""Median of every relative depth map."""
GUESS = "heuristic"
"""The key of the built-in estimator."""


@dataclass(frozen=True)
class DepthMap:
    """Depth along the optical axis for every pixel of an upright photo.

    depth: (h, w) float32, finite, > 0, larger is farther. Metres where `metric`, else units in which the
        median of the scene is 2. May be smaller than the photo; the aspect ratio is the photo's.
    metric: whether depth is in metres.
    model_key: what made it (`embedded`, `da2-small`, `heuristic`).
    revision: the revision of that model.
    reason: why this model ran where another was preferred; empty if it was the first choice.
    confidence: (h, w) float32, larger is surer; None where the model tells none.
    guessed: how far a guess without a network can be relied on, 0..1; None for what is no guess.
    focal_px: focal length in pixels of the photo, as the model sees it; None where the photo's own is as good.
    """

    depth: FloatImage
    metric: bool
    model_key: str
    revision: str
    reason: str = ""
    confidence: FloatImage | None = None
    focal_px: float | None = None
    guessed: float | None = None

    @property
    def made_by(self) -> str:
        """What made it, in words."""
        return "the built-in estimator" if self.model_key == GUESS else self.model_key

    def with_reason(self, reason: str) -> DepthMap:
        """The same, made by this model for another reason."""
        return replace(self, reason=reason)

    @property
    def sureness(self) -> dict[str, str | float] | None:
        """How sure the depth is, for the manifest: `value` on a `scale` in words; None where nothing tells."""
        if self.guessed is not None:
            return {"value": round(self.guessed, 3), "scale": "0 to 1, a guess from cues in the picture"}
        if self.confidence is None:
            return None
        return {"value": round(float(np.median(self.confidence)), 4), "scale": "the network's own, median"}


def with_median(depth: FloatImage, median: float = MEDIAN) -> FloatImage:
    """Scale a positive depth map so that its median is `median`."""
    return np.asarray(depth * np.float32(median / float(np.median(depth))), np.float32)


def resized(image: FloatImage, width: int, height: int) -> FloatImage:
    """Resize, averaging when it shrinks and interpolating linearly when it grows."""
    shrinks = width < image.shape[1] or height < image.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), np.float32)
