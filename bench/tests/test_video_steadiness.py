"""Aligning frame by frame takes nearly all of what jumps out of depth, and mistakes neither cut nor motion for it."""

from __future__ import annotations

import numpy as np
import pytest
from immichvr_bench.video_steadiness import CUT, FRAMES, Jumping, Sight, aligned, clip, fitted, raw


@pytest.fixture(scope="module")
def sights() -> list[Sight]:
    return clip()


def test_the_scene_is_true_to_its_tracks(sights: list[Sight]) -> None:
    assert len(sights) == FRAMES
    for n, one in enumerate(sights):
        assert np.isnan(one.track).all() == (n + 1 in (CUT, FRAMES))
        assert one.depth.min() > 0.2


def test_what_is_aligned_is_nearly_as_steady_as_can_be(sights: list[Sight]) -> None:
    def make() -> Jumping:
        return Jumping([one.depth for one in sights])

    before, after, best = raw(make, sights), aligned(make, sights), fitted(make, sights)
    assert after.shots == 2
    assert after.change < before.change / 4 and after.error < before.error / 2
    assert after.change < 1.5 * best.change
