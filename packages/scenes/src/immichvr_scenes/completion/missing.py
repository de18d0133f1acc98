"""Which pixels of a view of a cloud show nothing that may be relied on.

Four rules, each of which can be switched off: too little is there (alpha), no photo saw it (visibility), whoever
estimated it was not sure (confidence), it has no depth. What they find is grown, as its rim is seldom right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_splats import GaussianCloud
from immichvr_splats.rendering import render

from immichvr_scenes.cameras import View
from immichvr_scenes.completion.errors import InvalidCompletion

Mask = npt.NDArray[np.bool_]
F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class MissingRules:
    """When a pixel is missing.

    alpha: where the cloud covers less of it; None: never for that. visibility: where no input camera sees its point, as
    a share of depth by which it may lie behind what that camera sees; None: whoever sees it. confidence: where the
    confidence is less, on a scale from 0 for the least of the map to 1 for its 98th percentile; None: whatever it is.
    depth: where depth is not finite or not positive. kernel, dilations: the square, in pixels, by which what is missing
    is grown, and how often. Raises InvalidCompletion.
    """

    alpha: float | None = 0.98
    visibility: float | None = 0.02
    confidence: float | None = 0.3
    depth: bool = True
    kernel: int = 5
    dilations: int = 2

    def __post_init__(self) -> None:
        shares = [value for value in (self.alpha, self.visibility, self.confidence) if value is not None]
        if not all(0 <= value <= 1 for value in shares):
            raise InvalidCompletion(f"alpha, visibility and confidence are shares from 0 to 1; this is {self}")
        if self.kernel < 1 or self.kernel % 2 == 0 or self.kernel > 31 or not 0 <= self.dilations <= 16:
            raise InvalidCompletion(f"a kernel is odd, 1 to 31 pixels, and used 0 to 16 times; this is {self}")


MISSING = MissingRules()
_THINNER = 0.5
"""Share of a scene's usual optical depth below which something is missing: trained surfaces are not quite opaque."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What a cloud looks like from a view. rgb: (h, w, 3) float32 from 0, over black. alpha, depth: (h, w)."""

    view: View
    rgb: F32
    alpha: F32
    depth: F32

    @classmethod
    def of(cls, cloud: GaussianCloud, view: View) -> Seen:
        """The cloud, drawn."""
        drawn = render(cloud, view.for_splats, compensate=cloud.marks.antialiased)
        return cls(view, drawn.rgb, drawn.alpha, drawn.depth)

    @cached_property
    def nearest(self) -> F32:
        """The least depth in the 3 × 3 pixels around each: a surface seen from its edge changes within a pixel."""
        return np.asarray(cv2.erode(self.depth, np.ones((3, 3), np.uint8)), np.float32)

    @cached_property
    def farthest(self) -> F32:
        """The greatest one."""
        return np.asarray(cv2.dilate(self.depth, np.ones((3, 3), np.uint8)), np.float32)


def missing_pixels(
    seen: Seen, inputs: Sequence[Seen], rules: MissingRules = MISSING, confidence: F32 | None = None
) -> Mask:
    """Where a view of the cloud is missing something, (h, w), True for missing.

    inputs: the cloud from the cameras that it was made with; none: nobody is asked who saw what. confidence: (h, w) of
    this view, larger is surer, on any scale.
    """
    if rules.visibility is None or not inputs:
        return unreliable(seen, None, rules, confidence)
    return unreliable(seen, visible(seen, inputs, rules.visibility), rules, confidence)


def unreliable(seen: Seen, photographed: Mask | None, rules: MissingRules, confidence: F32 | None = None) -> Mask:
    """The same with what some camera saw, (h, w), known already; None: nobody was asked."""
    found = np.zeros(seen.alpha.shape, bool)
    if rules.depth:
        found |= ~np.isfinite(seen.depth) | (seen.depth <= 0)
    if rules.alpha is not None:
        found |= ~(seen.alpha >= rules.alpha)
    if photographed is not None:
        found |= ~photographed
    if rules.confidence is not None and confidence is not None:
        found |= ~(on_scale(confidence) >= rules.confidence)
    return grown(found, rules.kernel, rules.dilations)


def thinner_than_usual(rules: MissingRules, inputs: Sequence[Seen]) -> MissingRules:
    """The rules for a scene whose surfaces are not opaque, as those of a short training: `alpha` as low as that takes.

    inputs: the cloud from the cameras that it was made with. What covers less than half of what is usual where there is
    anything, by optical depth, is missing; never more than the rules themselves say.
    """
    there = np.concatenate([one.alpha[one.alpha > 0.5] for one in inputs]) if inputs else np.zeros(0, np.float32)
    if rules.alpha is None or not there.size:
        return rules
    usual = min(float(np.median(there)), 1 - 1e-6)
    return replace(rules, alpha=min(rules.alpha, 1 - (1 - usual) ** _THINNER))


def visible(seen: Seen, inputs: Sequence[Seen], tolerance: float) -> Mask:
    """Which pixels show a point that at least one of the inputs sees too, (h, w)."""
    sound, points = shown(seen)
    found = np.zeros(points.shape[0], bool)
    for other in inputs:
        found |= in_sight(points, other, tolerance)
    return found.reshape(seen.depth.shape) & sound


def shown(seen: Seen) -> tuple[Mask, npt.NDArray[np.float64]]:
    """Which pixels have a depth, (h, w), and the points that all of them show, (h * w, 3)."""
    sound = np.isfinite(seen.depth) & (seen.depth > 0)
    return sound, seen.view.unprojected(np.where(sound, seen.depth, 1)).reshape(-1, 3)


def in_sight(points: npt.NDArray[np.floating], other: Seen, tolerance: float) -> Mask:
    """Which of these points of the world, (N, 3), a view sees, hidden by nothing before them, (N,)."""
    pixels, depth, inside = pixels_of(points, other)
    front = other.farthest[pixels[:, 1], pixels[:, 0]]
    return inside & (front > 0) & (depth <= front * (1 + tolerance))


def pixels_of(
    points: npt.NDArray[np.floating], other: Seen
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], Mask]:
    """Of points of the world, (N, 3): the pixel, (N, 2) as x and y, the depth, (N,), and whether the view has it."""
    height, width = other.depth.shape
    places, depth = other.view.projected(points)
    inside: Mask = np.asarray(np.isfinite(places).all(axis=1))
    places = np.floor(np.where(inside[:, None], np.clip(places, -1, max(height, width) + 1), -1)).astype(np.int64)
    inside &= (places >= 0).all(axis=1) & (places[:, 0] < width) & (places[:, 1] < height)
    return np.where(inside[:, None], places, 0), depth, inside


def on_scale(confidence: F32) -> F32:
    """Confidence from 0, the least of the map, to 1, its 98th percentile; 1 everywhere where it says nothing."""
    finite = confidence[np.isfinite(confidence)]
    if not finite.size:
        return np.zeros(confidence.shape, np.float32)
    low, high = float(finite.min()), float(np.percentile(finite, 98))
    if high <= low:
        return np.where(np.isfinite(confidence), 1, 0).astype(np.float32)
    return np.asarray((confidence - low) / (high - low), np.float32)


def grown(mask: Mask, kernel: int, times: int) -> Mask:
    """The mask grown by a square of `kernel` pixels, so many times."""
    if times == 0 or not mask.any():
        return mask
    square = np.ones((kernel, kernel), np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), square, iterations=times) > 0)
