"""A room as Gaussians, whole and with a hole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from immichvr_scenes.cameras import Camera, View
from immichvr_scenes.completion.seeding import joined, seed, thinned
from immichvr_scenes.testing import room, through
from immichvr_splats import GaussianCloud


@dataclass(frozen=True, eq=False)
class Holed:
    """whole: a room as its cameras see it. cut: the same without what is near a place of it, `centre`, (3,)."""

    whole: GaussianCloud
    cut: GaussianCloud
    views: list[View]
    centre: np.ndarray


@pytest.fixture(scope="session")
def holed() -> Holed:
    """A soft room seen by four small cameras, with a ball of 40 cm cut out of a wall and what stands before it."""
    place = room(0, "soft")
    views = through(Camera.central(96, 72, 75), 4)
    seeds, depths = [], []
    for view in views:
        look = place.look(view)
        depths.append(look.depth)
        everything = np.ones(look.depth.shape, bool)
        empty = GaussianCloud.empty(0, 0)
        seeds.append(seed(view, look.rgb.astype(np.float32) / 255, look.depth, everything, empty))
    whole = thinned(joined(seeds), 1_000_000)
    centre = views[2].unprojected(depths[2])[36, 56]
    cut = whole.take(np.flatnonzero(np.linalg.norm(whole.means - centre, axis=1) > 0.4))
    return Holed(whole, cut, views, centre)
