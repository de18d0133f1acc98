"""A pixel or two of faulty depth take no steps from all others."""

from __future__ import annotations

import numpy as np
import pytest
from immichvr_depth.files import disparity
from immichvr_depth.lift.inverse_depth import range_of


@pytest.fixture
def depth():
    """A floor from 1 to 6 m."""
    return np.broadcast_to(np.linspace(6, 1, 160, dtype=np.float32)[:, None], (160, 120)).copy()


def test_one_pixel_far_too_near_does_not_change_the_range(depth):
    wanted = range_of(depth)
    faulty = depth.copy()
    faulty[80, 60] = 0.05
    assert wanted == pytest.approx((1, 6))
    assert range_of(faulty) == wanted
    assert range_of(depth, faulty) == wanted


def test_what_is_near_and_takes_up_some_of_the_photo_counts(depth):
    depth[70:90, 50:70] = 0.1
    assert range_of(depth)[0] == pytest.approx(0.1)


def test_the_others_keep_their_steps_in_files(depth):
    in_file = disparity(depth, *range_of(depth), 255)
    assert len(np.unique(in_file)) > 100
    depth[80, 60] = 0.05
    others = np.ones(depth.shape, bool)
    others[80, 60] = False
    np.testing.assert_array_equal(disparity(depth, *range_of(depth), 255)[others], in_file[others])
