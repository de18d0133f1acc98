"""A depth estimator without weights: position, sky, haze, focus and saliency, smoothed along edges."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from immichvr_depth.depth_map import FloatImage, with_median
from immichvr_depth.heuristic import cues, layout
from immichvr_depth.heuristic.cards import faces, flatten
from immichvr_depth.heuristic.filters import guided_upsample
from immichvr_depth.heuristic.perspective import tunnel, vanishing_point

WORKING_SIZE = 384
"""Longer side, in pixels, at which the cues are found."""
OUTPUT_SIZE = 768
"""Longer side, in pixels, of the depth map (or the photo's, where that is less)."""
SUREST = 0.5
"""Confidence of a guess with every cue: none of them measures depth."""
NEAR_TO_FAR = 8.0
"""Depth of the sky over that of the nearest thing, where the photo tells how the scene is laid out."""
UNSURE_NEAR_TO_FAR = 3.0
"""The same where it tells nothing: what is wrong by little is not seen to bend."""


def heuristic_depth(rgb: npt.NDArray[np.uint8]) -> FloatImage:
    """Guess a pleasing depth for any photo.

    rgb: (h, w, 3) uint8, upright. Returns depth (H, W) float32, finite, positive, median 2, larger is farther,
    with the photo's aspect ratio and at most `OUTPUT_SIZE` pixels on the longer side.
    """
    return guess(rgb)[0]


def guess(rgb: npt.NDArray[np.uint8]) -> tuple[FloatImage, float]:
    """As `heuristic_depth`, and how far the guess can be relied on: 0, there is no cue, to `SUREST`."""
    fine = _fitted(rgb, OUTPUT_SIZE)
    small = _fitted(fine, WORKING_SIZE)
    guide = small.astype(np.float32) / np.float32(255.0)
    fine_guide = fine.astype(np.float32) / np.float32(255.0)
    radius = max(1, max(small.shape[:2]) // 48)
    rough, confidence = _disparity(guide)
    disparity = np.clip(guided_upsample(guide, rough, radius, 5e-4, fine_guide), 0.0, 1.0)
    reach = UNSURE_NEAR_TO_FAR + (NEAR_TO_FAR - UNSURE_NEAR_TO_FAR) * confidence / SUREST
    depth = reach / (1.0 + (reach - 1.0) * disparity)
    return with_median(np.asarray(depth, np.float32)), confidence


def _disparity(rgb: FloatImage) -> tuple[FloatImage, float]:
    """Disparity in 0 (sky) .. 1 (nearest), and how far it can be relied on.

    A sky or a vanishing point tells how the scene is laid out; a face or a cup by itself tells nothing.
    """
    height, width = rgb.shape[:2]
    sky = cues.sky(rgb)
    sharper = cues.focus(rgb)
    end = vanishing_point(rgb)
    stands_out = cues.saliency(rgb) * (1.0 - sky) * (1.0 + 0.5 * np.minimum(sharper, 0.0)) * (1.0 - end.certainty)
    subject = np.asarray(stands_out * _centred(height, width), np.float32)
    outdoors = float(np.clip(sky.mean() * 8.0, 0.0, 1.0))
    backdrop = outdoors * layout.BACKDROP_OUTDOORS + (1.0 - outdoors) * layout.BACKDROP_INDOORS
    plane = layout.ground(height, width, layout.horizon(rgb, sky), backdrop)
    if end.certainty > 0.0:
        plane += np.float32(end.certainty) * (tunnel(height, width, end, backdrop) - plane)
    scene = layout.stand_up(plane, np.maximum(subject, 0.8 * stands_out))
    clear = 1.0 - 0.5 * outdoors * cues.haze(rgb) * (1.0 - stands_out)
    nearness = 0.8 * scene * clear + 0.2 * _rounded(subject) + 0.1 * sharper
    flat = flatten(np.asarray(nearness, np.float32), np.maximum(stands_out, faces(rgb) * (1.0 - sky)))
    disparity = np.asarray(np.clip(flat, backdrop / 2, 1.0) * (1.0 - sky), np.float32)
    return disparity, SUREST * max(outdoors, end.certainty)


def _rounded(subject: FloatImage) -> FloatImage:
    """Give a flat silhouette a body: nearest in its middle, falling off towards its outline."""
    spread = max(subject.shape) / 12.0
    return np.asarray(cv2.GaussianBlur(subject, (0, 0), spread) * subject, np.float32)


def _centred(height: int, width: int) -> FloatImage:
    """Where subjects are: 1 in the middle, falling towards the sides and the top, not towards the bottom."""
    x = (np.arange(width, dtype=np.float32) + 0.5) / width - 0.5
    y = np.minimum((np.arange(height, dtype=np.float32) + 0.5) / height - 0.55, 0.0)
    return np.asarray(np.exp(-((x[None, :] / 0.38) ** 2 + (y[:, None] / 0.5) ** 2)), np.float32)


def _fitted(rgb: npt.NDArray[np.uint8], longest: int) -> npt.NDArray[np.uint8]:
    """Shrink so that the longer side has at most `longest` pixels, keeping at least one pixel each way."""
    height, width = rgb.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1.0:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
