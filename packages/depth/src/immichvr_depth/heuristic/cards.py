"""What is one thing stands like a card: within faces, cups and animals a guess of relief is wrong more than right."""

from __future__ import annotations

import cv2
import numpy as np

from immichvr_depth.depth_map import FloatImage
from immichvr_depth.heuristic.cues import ramp

KEPT = 0.15
"""Part of the guessed relief that is left within a thing."""
_SMALLEST = 0.002
"""Of the picture: what is smaller is a spot."""
_LARGEST_FACE = 0.2
_RIM = np.ones((5, 5), np.uint8)


def flatten(disparity: FloatImage, things: FloatImage) -> FloatImage:
    """The disparity with little relief left inside each thing, and none of it lost between them.

    disparity, things: (h, w) float32; things: 0..1, how surely a pixel belongs to some thing. Each connected thing
    comes to lie at its own median.
    """
    outlines, _ = cv2.findContours((things > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    flat, weight, whole = np.zeros_like(disparity), np.zeros_like(disparity), things.copy()
    for outline in outlines:
        inside = cv2.drawContours(np.zeros(disparity.shape, np.uint8), [outline], -1, 1, cv2.FILLED)
        if inside.sum() < _SMALLEST * disparity.size:
            continue
        whole[inside > 0] = 1.0  # what a thing surrounds belongs to it
        around = cv2.dilate(inside, _RIM) > 0
        flat[around] += np.float32(np.median(disparity[inside > 0]))
        weight[around] += 1.0
    share = np.float32(1.0 - KEPT) * (weight > 0) * ramp(whole, 0.25, 0.6)
    return np.asarray(disparity + share * (flat / np.maximum(weight, 1.0) - disparity), np.float32)


def faces(rgb: FloatImage) -> FloatImage:
    """Where faces may be: (h, w) float32, 1 in blobs of the chrominance of skin with a face's shape.

    rgb: (h, w, 3) float32, 0..1. Skin of any shade lies within these bounds of chrominance: Chai, Ngan, "Face
    segmentation using skin-color map in videophone applications" (IEEE TCSVT 1999).
    """
    height, width = rgb.shape[:2]
    _, red, blue = np.moveaxis(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb), -1, 0)
    skin = (red > 133 / 255) & (red < 173 / 255) & (blue > 77 / 255) & (blue < 127 / 255)
    whole = cv2.morphologyEx(skin.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(whole, connectivity=4)
    found = np.zeros((height, width), np.float32)
    for label in range(1, count):
        _, _, across, down, area = stats[label]
        is_round = 0.5 < across / down < 1.6 and area > 0.45 * across * down
        if is_round and _SMALLEST < area / (height * width) < _LARGEST_FACE:
            found[labels == label] = 1.0
    spread = max(height, width) / 64
    return np.asarray(np.clip(2 * cv2.GaussianBlur(found, (0, 0), spread), 0.0, 1.0), np.float32)
