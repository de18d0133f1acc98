"""What a single photo says about depth without having learned anything: sky, haze, focus, saliency.

Every cue is an (h, w) float32 map in 0..1 of the same small picture.
"""

from __future__ import annotations

import cv2
import numpy as np

from immichvr_depth.depth_map import FloatImage, resized
from immichvr_depth.heuristic.filters import box, magnitude

SALIENCY_SIZE = 96
"""Longer side, in pixels, of the grid on which saliency is found: objects matter, texture does not."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""


def ramp(values: FloatImage, low: float, high: float) -> FloatImage:
    """0 below `low`, 1 above `high`, smooth (cubic) between. `low` may exceed `high`."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)


def sky(rgb: FloatImage) -> FloatImage:
    """How surely each pixel is sky: bluish or bright, smooth, and joined to the top edge from above.

    rgb: (h, w, 3) float32, 0..1.
    """
    height, width = rgb.shape[:2]
    luma = rgb @ LUMA
    red, green, blue = np.moveaxis(rgb, -1, 0)
    spread = rgb.max(axis=-1) - rgb.min(axis=-1)
    bluish = ramp(blue - np.maximum(red, 0.92 * green), -0.01, 0.06)
    overcast = ramp(luma, 0.62, 0.85) * ramp(spread, 0.16, 0.05)
    radius = max(1, max(height, width) // 96)
    deviation = np.sqrt(np.maximum(box(luma * luma, radius) - box(luma, radius) ** 2, 0.0))
    colour = np.maximum(bluish, overcast)
    likeness = colour * ramp(deviation, 0.05, 0.015)
    certain = likeness * _joined_to_top(likeness > 0.35)
    reach = np.ones((4 * radius + 1, 4 * radius + 1), np.uint8)
    beside = np.asarray(cv2.dilate(certain, reach), np.float32)  # an outline is not smooth, its sky side is sky
    return np.asarray(np.maximum(certain, beside * ramp(colour, 0.3, 0.7)), np.float32)


def _joined_to_top(mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> FloatImage:
    """Keep the parts of the mask that touch the top edge along a good stretch and are large; else nothing."""
    height, width = mask.shape
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    kept = np.zeros((height, width), np.float32)
    for label in range(1, count):
        component = labels == label
        touches = float(component[0].mean())
        if touches > 0.12 and stats[label, cv2.CC_STAT_AREA] > 0.03 * height * width:
            kept[component] = 1.0
    return kept


def haze(rgb: FloatImage) -> FloatImage:
    """Thickness of haze by the dark channel: contrast lost to air light grows with distance.

    Source: He, Sun, Tang, "Single Image Haze Removal Using Dark Channel Prior" (CVPR 2009).
    """
    height, width = rgb.shape[:2]
    window = max(3, (max(height, width) // 40) | 1)
    dark = cv2.erode(rgb.min(axis=-1), np.ones((window, window), np.uint8))
    return ramp(np.asarray(dark, np.float32), 0.15, 0.75)


def focus(rgb: FloatImage) -> FloatImage:
    """How much sharper (up to 1) or more blurred (down to -1) the edges around a pixel are than is usual here.

    0 where there are no edges to tell, and everywhere in a photo that is equally sharp throughout. Sharpness is
    the ratio of an edge's gradient before and after a known blur, spread from edges to their surroundings.
    Source: Zhuo, Sim, "Defocus map estimation from a single image" (2011).
    """
    luma = np.asarray(cv2.GaussianBlur(rgb @ LUMA, (0, 0), 0.6), np.float32)
    before, after = _gradient(luma), _gradient(np.asarray(cv2.GaussianBlur(luma, (0, 0), 1.5), np.float32))
    weight = np.maximum(before - 0.15, 0.0)
    radius = max(2, max(luma.shape) // 24)
    ratio = np.minimum(before / np.maximum(after, 1e-3), 5.0) * weight
    surrounding = box(box(weight, radius), radius)
    sharpness = box(box(ratio, radius), radius) / np.maximum(surrounding, 1e-5)
    known = ramp(surrounding, 0.0, 0.02)
    if known.max() < 0.5:
        return np.zeros_like(luma)
    low, middle, high = np.percentile(sharpness[known > 0.5], [5, 50, 95])
    varies = np.clip((high - low - 0.5) / 0.6, 0.0, 1.0)
    relative = (sharpness - middle) / max(float(high - low) / 2.0, 0.1)
    return np.asarray(np.clip(relative, -1.0, 1.0) * known * varies, np.float32)


def _gradient(image: FloatImage) -> FloatImage:
    dx, dy = cv2.Sobel(image, cv2.CV_32F, 1, 0), cv2.Sobel(image, cv2.CV_32F, 0, 1)
    return magnitude(np.asarray(dx, np.float32), np.asarray(dy, np.float32))


def saliency(rgb: FloatImage) -> FloatImage:
    """How much each pixel stands out from what touches the top and the sides of the photo.

    Source: Zhang et al., "Minimum Barrier Salient Object Detection at 80 FPS" (ICCV 2015), by line sweeps.
    """
    height, width = rgb.shape[:2]
    scale = SALIENCY_SIZE / max(height, width, SALIENCY_SIZE)
    grid = (max(1, round(width * scale)), max(1, round(height * scale)))
    lab = cv2.cvtColor(resized(rgb, *grid), cv2.COLOR_RGB2LAB) / np.float32(100.0)
    total = sum(_barrier_distance(np.ascontiguousarray(lab[..., c])) for c in range(3))
    distance = _without_holes(np.asarray(total, np.float32))
    top = max(float(np.percentile(distance, 97)), 0.15)
    salient = ramp(distance, 0.2 * top, 0.7 * top)
    is_a_subject = np.clip((0.8 - float(salient.mean())) / 0.2, 0.0, 1.0)  # what fills the photo is a texture
    return resized(np.asarray(salient * is_a_subject, np.float32), width, height)


def _without_holes(distance: FloatImage) -> FloatImage:
    """Close what is surrounded by salient pixels: a dark eye in a face belongs to the face."""
    size = max(3, max(distance.shape) // 8) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    closed = cv2.morphologyEx(distance, cv2.MORPH_CLOSE, kernel)
    return np.asarray(cv2.GaussianBlur(0.25 * distance + 0.75 * closed, (0, 0), 0.8), np.float32)


def _barrier_distance(channel: FloatImage) -> FloatImage:
    """Least (max - min) along any path from the top edge or the upper sides, for every pixel."""
    height, width = channel.shape
    distance = np.full((height, width), np.inf, np.float32)
    distance[0] = 0.0
    distance[: max(1, 2 * height // 3), [0, -1]] = 0.0
    low, high = channel.copy(), channel.copy()
    planes = (channel, distance, low, high)
    for _ in range(2):
        for turn in (planes, tuple(p.T for p in planes)):
            length = turn[0].shape[0]
            _sweep(turn, range(1, length), -1)
            _sweep(turn, range(length - 2, -1, -1), 1)
    return distance


def _sweep(planes: tuple[FloatImage, ...], rows: range, step: int) -> None:
    channel, distance, low, high = planes
    for row in rows:
        neighbour_low = np.minimum(low[row + step], channel[row])
        neighbour_high = np.maximum(high[row + step], channel[row])
        barrier = neighbour_high - neighbour_low
        better = (barrier < distance[row]) & np.isfinite(distance[row + step])
        distance[row] = np.where(better, barrier, distance[row])
        low[row] = np.where(better, neighbour_low, low[row])
        high[row] = np.where(better, neighbour_high, high[row])
