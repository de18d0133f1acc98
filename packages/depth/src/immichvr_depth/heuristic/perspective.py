"""Streets, corridors, rows of columns: edges that converge on one point say where the far end is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from immichvr_depth.depth_map import FloatImage
from immichvr_depth.heuristic.cues import LUMA
from immichvr_depth.heuristic.filters import magnitude

MOST_EDGES = 1500
"""Edge pixels that vote, at most; they are taken evenly from all there are."""
TOLERANCE = 0.06
"""Sine of the angle by which an edge may miss the point it votes for."""
CHANCE, CERTAIN = 0.12, 0.19
"""Share of the votes below which a point is chance and above which it is a vanishing point. Measured on photos
without one (0.03 to 0.12) and on a rendered street and a colonnade (0.19 to 0.25)."""


@dataclass(frozen=True)
class VanishingPoint:
    """x, y: as fractions of width and height; certainty: 0 (there is none) .. 1."""

    x: float
    y: float
    certainty: float


def vanishing_point(rgb: FloatImage) -> VanishingPoint:
    """The point on which most oblique edges converge, from more than one side.

    rgb: (h, w, 3) float32, 0..1. Every edge pixel votes for the points of a grid that its edge passes.
    """
    height, width = rgb.shape[:2]
    edges, normals, weights = _oblique_edges(rgb)
    if len(weights) < 50:
        return VanishingPoint(0.5, 0.5, 0.0)
    grid = np.meshgrid(0.12 + 0.76 * _centres(18), 0.12 + 0.76 * _centres(14))
    points = np.stack([axis.ravel() for axis in grid], axis=-1).astype(np.float32)
    towards = points[:, None] * np.array([width, height], np.float32) - edges
    distance = np.maximum(np.linalg.norm(towards, axis=-1), 1e-6)
    able = (distance > 0.12 * max(height, width)) * weights
    votes = able * (np.abs(np.einsum("pec,ec->pe", towards, normals)) < TOLERANCE * distance)
    total = np.maximum(votes.sum(axis=1), 1e-9)
    mean_direction = np.einsum("pe,pec->pc", votes / distance, towards) / total[:, None]
    one_sided = np.linalg.norm(mean_direction, axis=-1)  # the legs of a tripod converge too, from below
    share = total / np.maximum(able.sum(axis=1), 1e-6) * np.clip(3.0 * (1.0 - one_sided), 0.0, 1.0)
    best = int(np.argmax(share))
    certainty = np.clip((share[best] - CHANCE) / (CERTAIN - CHANCE), 0.0, 1.0)
    return VanishingPoint(float(points[best, 0]), float(points[best, 1]), float(certainty))


def tunnel(height: int, width: int, end: VanishingPoint, backdrop: float) -> FloatImage:
    """Disparity of a tunnel that runs to the vanishing point: nearest where the photo's edges cut it."""
    x, y = _centres(width) - end.x, _centres(height) - end.y
    across = np.where(x < 0, -x / end.x, x / (1.0 - end.x))
    along = np.where(y < 0, -0.8 * y / end.y, y / (1.0 - end.y))
    return np.asarray(backdrop + (1.0 - backdrop) * np.maximum(across[None, :], along[:, None]), np.float32)


def _oblique_edges(rgb: FloatImage) -> tuple[FloatImage, FloatImage, FloatImage]:
    """Position (n, 2), normal (n, 2) and weight (n,) of edge pixels that are neither level nor upright."""
    luma = cv2.GaussianBlur(rgb @ LUMA, (0, 0), 1.0)
    dx, dy = (cv2.Sobel(luma, cv2.CV_32F, *order, scale=0.25) for order in ((1, 0), (0, 1)))
    xx, yy, xy = (cv2.GaussianBlur(product, (0, 0), 2.0) for product in (dx * dx, dy * dy, dx * dy))
    coherence = np.sqrt((xx - yy) ** 2 + 4.0 * xy**2) / np.maximum(xx + yy, 1e-5)
    angle = 0.5 * np.arctan2(2.0 * xy, xx - yy)
    normal = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    strength = magnitude(np.asarray(dx, np.float32), np.asarray(dy, np.float32))
    rows, columns = np.nonzero((strength > 0.02) & (coherence > 0.8) & (np.abs(normal).min(axis=-1) > 0.2))
    step = max(1, -(-len(rows) // MOST_EDGES))
    rows, columns = rows[::step], columns[::step]
    position = np.stack([columns, rows], axis=-1).astype(np.float32) + np.float32(0.5)
    weight = np.minimum(strength[rows, columns], 0.2)
    return position, np.asarray(normal[rows, columns], np.float32), np.asarray(weight, np.float32)


def _centres(count: int) -> npt.NDArray[np.float32]:
    return np.asarray((np.arange(count) + 0.5) / count, np.float32)
