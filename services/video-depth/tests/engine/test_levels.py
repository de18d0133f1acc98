"""Samples that are written in one pass are those that come of the maps step by step."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from immichvr_video_depth.engine.frames import DepthFrame, Share
from immichvr_video_depth.engine.levels import write_levels

SIZES = [((56, 98), (320, 180)), ((56, 98), (50, 33)), ((5, 1), (3, 3)), ((1, 1), (4, 4)), ((5, 5), (1, 1))]


@pytest.mark.parametrize("shares", [1, 2])
@pytest.mark.parametrize("metric", [False, True])
@pytest.mark.parametrize(("network", "size"), SIZES)
def test_levels_are_the_values_of_the_disparity_rounded(
    network: tuple[int, int], size: tuple[int, int], metric: bool, shares: int
) -> None:
    frame = _frame(network, metric, shares)
    levels = np.zeros(size[::-1], np.uint16)
    write_levels(frame, 1023, levels)
    off = np.abs(levels - frame.values(*size) * 1023)
    assert off.max() <= 0.5 + 0.3, "positions between pixels are told to a 32nd there"


def test_every_channel_gets_the_same_and_nothing_is_written_beside() -> None:
    picture = np.full((30, 40, 3), 7, np.uint8)
    write_levels(_frame((10, 20), False, 1), 255, picture[:, 16:])
    assert (picture[:, :16] == 7).all()
    assert np.ptp(picture[:, 16:]) > 200 and not np.ptp(picture, axis=2).any()


def _frame(network: tuple[int, int], metric: bool, shares: int) -> DepthFrame:
    random = np.random.default_rng(0)
    made = tuple(Share(random.random(network, np.float32) * 3 + 0.1, 1.1, -0.3, 1 / shares) for _ in range(shares))
    return DepthFrame(0, Fraction(0), Fraction(1), 0, np.zeros((1, 1, 3), np.uint8), made, 0.3, 2.2, metric)
