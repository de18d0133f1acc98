"""What is merged is what it is made of."""

from __future__ import annotations

import numpy as np
import pytest
from immichvr_video_depth.engine.frames import Share, composed
from immichvr_video_depth.engine.merging import merged


def _maps(least: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    one, other = (random.random((30, 52), np.float32) + np.float32(least) for _ in range(2))
    return one, other


@pytest.mark.parametrize("size", [(52, 30), (160, 90), (21, 13)])
@pytest.mark.parametrize("clamped", [True, False])
def test_two_maps_are_one_at_any_size_where_nothing_of_them_is_clamped(size: tuple[int, int], clamped: bool) -> None:
    one, other = _maps(0.5 if clamped else 0.0)
    shares = Share(one, 2.0, -0.9, 0.3, clamped), Share(other, 1.5, -0.7, 0.7, clamped)
    [whole] = merged(shares)
    np.testing.assert_allclose(whole.at(*size), composed(shares, *size), atol=1e-5)


@pytest.mark.parametrize("first", [True, False])
def test_what_is_clamped_somewhere_stays_two_as_it_is_resized_first(first: bool) -> None:
    one, other = _maps(0.5)
    shares = Share(one, 1.0, -0.6 * first, 0.5), Share(other, 1.0, -0.6 * (not first), 0.5)
    assert merged(shares) == shares


def test_one_map_stays_itself_and_maps_of_two_sizes_stay_two() -> None:
    one, other = _maps()
    assert merged([share := Share(one)]) == (share,)
    shares = Share(one, weight=0.5), Share(other[::2], weight=0.5)
    assert merged(shares) == shares
