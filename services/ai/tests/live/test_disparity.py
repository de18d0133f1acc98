"""A pixel of faulty depth takes no steps from all others of a live frame."""

from __future__ import annotations

import numpy as np
import pytest
from immichvr_ai.live.frames import Picture
from immichvr_ai.live.pixels import disparity_of


def test_one_pixel_far_too_near_leaves_the_others_their_steps() -> None:
    depth = np.broadcast_to(np.linspace(6, 1, 160, dtype=np.float32)[:, None], (160, 120)).copy()
    picture = Picture(np.zeros((160, 120, 3), np.uint8), 100.0, focal_known=True)
    wanted = disparity_of(picture, depth)
    depth[80, 60] = 0.05
    found = disparity_of(picture, depth)
    others = np.ones(depth.shape, bool)
    others[80, 60] = False
    assert (found.near, found.far) == pytest.approx((wanted.near, wanted.far))
    np.testing.assert_array_equal(found.values[others], wanted.values[others])
    assert found.values[80, 60] == 255
