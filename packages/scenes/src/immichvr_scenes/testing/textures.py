"""What is painted on the walls: patterns that are nowhere alike, in texels of one size."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]

Paint = Literal["spotted", "soft", "plain"]

TEXEL = 0.01
"""Metres."""
_CLOUDS: dict[Paint, tuple[tuple[float, float], ...]] = {
    "spotted": ((0.8, 30.0), (0.25, 22.0), (0.08, 14.0)),
    "soft": ((1.2, 30.0), (0.5, 14.0)),
}
"""Metres between what is bright and what is dark, and how much they differ."""


def painted(width: float, height: float, seed: int, paint: Paint = "spotted") -> U8:
    """A pattern for a panel of this size in metres: (h, w, 3) sRGB."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(90, 170, 3)
    if paint == "plain":
        return np.asarray(np.broadcast_to(base, (8, 8, 3)), np.uint8)
    columns, rows = max(8, round(width / TEXEL)), max(8, round(height / TEXEL))
    picture = np.empty((rows, columns, 3), np.float32)
    picture[:] = base
    for cell, strength in _CLOUDS[paint]:
        coarse = rng.normal(0, strength, (int(height / cell) + 3, int(width / cell) + 3, 3)).astype(np.float32)
        picture += cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    if paint == "spotted":
        for _ in range(int(28 * width * height)):
            _spot(picture, rng)
    smooth = cv2.GaussianBlur(picture, (0, 0), 0.7)
    return np.asarray(np.clip(smooth, 0, 255), np.uint8)


def _spot(picture: npt.NDArray[np.float32], rng: np.random.Generator) -> None:
    """A turned rectangle or ellipse in a colour of its own, three to twenty centimetres long."""
    rows, columns = picture.shape[:2]
    centre = (float(rng.uniform(0, columns)), float(rng.uniform(0, rows)))
    sides = tuple(float(side) for side in rng.uniform(3, 20, 2))
    angle = float(rng.uniform(0, 180))
    colour = tuple(float(part) for part in rng.uniform(10, 245, 3))
    if rng.random() < 0.5:
        corners = cv2.boxPoints((centre, sides, angle))
        cv2.fillConvexPoly(picture, corners.round().astype(np.int32), colour, cv2.LINE_8)
    else:
        cv2.ellipse(picture, (centre, sides, angle), colour, -1, cv2.LINE_8)
