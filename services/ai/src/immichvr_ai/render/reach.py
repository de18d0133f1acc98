"""How far away a splat is from where its photo was taken: what a viewer turns around, and must not pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from immichvr_splats import GaussianCloud

_SAMPLES = 4000
_NEAREST_QUANTILE = 0.02


@dataclass(frozen=True)
class Reach:
    """focus: the mean of what is before the camera, by inverse depth, metres. nearest: of the nearest part of it."""

    focus: float = 1.0
    nearest: float = 0.5


def reach_of(cloud: GaussianCloud) -> Reach:
    """As the viewer finds it for a splat that it draws itself."""
    away = cloud.means[:: max(1, cloud.count // _SAMPLES), 2].astype(np.float64)
    away = np.sort(away[away > 0])
    if not away.size:
        return Reach()
    return Reach(float(away.size / (1 / away).sum()), float(away[int(_NEAREST_QUANTILE * away.size)]))
