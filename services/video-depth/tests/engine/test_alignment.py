"""Windows of maps on one scale, against what the reference makes of the same maps."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from immichvr_video_depth.engine.alignment import Shares, WindowAlignment
from immichvr_video_depth.engine.frames import FloatImage, composed

SIDE = 14


def raw_map(window: int, position: int, source: int) -> FloatImage:
    """The map that the golden data is made of."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    depth = ((7 * source + 3 * x + 5 * y) % 31) / 8
    return np.float32(depth * (1 + window / 4) + window / 2 + window * ((position * (window + 1) + x) % 5) / 8)


def aligned(windows: list[FloatImage], count: int, metric: bool = False) -> tuple[list[Shares], list[FloatImage]]:
    alignment = WindowAlignment(SIDE, SIDE, metric)
    shares = [one for raw in windows for one in alignment.add(raw)]
    shares += alignment.pending()
    return shares, [composed(one, SIDE, SIDE) for one in shares[:count]]


def golden_windows(vectors: Path, count: int) -> list[FloatImage]:
    windows = json.loads((vectors / "windows.json").read_text())[str(count)]
    return [
        np.stack([raw_map(number, position, source) for position, source in enumerate(sources)])
        for number, sources in enumerate(windows)
    ]


def scales_and_shifts(shares: list[Shares]) -> list[tuple[float, float]]:
    """Of each window after the first, in the middle of what is its own."""
    return [(one.scale, one.shift) for (one,) in shares[32::22]]


@pytest.mark.parametrize("count", [23, 60, 67])
@pytest.mark.parametrize("metric", [False, True])
def test_maps_are_aligned_as_the_reference_aligns_them(vectors: Path, count: int, metric: bool) -> None:
    golden: dict[str, Any] = dict(np.load(vectors / "align_unit.npz"))
    key = f"n{count}_metric" if metric else f"n{count}"
    shares, maps = aligned(golden_windows(vectors, count), count, metric)
    np.testing.assert_allclose(np.stack(maps), golden[f"{key}__aligned"], atol=1e-5)
    if not metric:
        np.testing.assert_allclose(scales_and_shifts(shares), golden[f"{key}__scale_shift"], atol=1e-5)


def test_what_has_no_scale_stays_as_it_is(vectors: Path) -> None:
    golden = np.load(vectors / "align_unit.npz")
    for name, levels in (("zeros", (0, 0)), ("const2_then_const3", (2, 3))):
        windows = [np.full((32, SIDE, SIDE), level, np.float32) for level in levels]
        shares, maps = aligned(windows, 40)
        np.testing.assert_allclose([one[0, 0] for one in maps], golden[f"{name}__aligned_pix00"], atol=1e-6)
        assert scales_and_shifts(shares) == [(1, 0)]


def test_a_constant_that_floats_cannot_hold_has_no_scale_either() -> None:
    windows = [np.full((32, SIDE, SIDE), level, np.float32) for level in (0.1, 0.7)]
    assert scales_and_shifts(aligned(windows, 40)[0]) == [(1, 0)]


def test_alignment_goes_on_from_its_state_with_the_same_bits() -> None:
    random = np.random.default_rng(1)
    windows = [random.random((32, 5, 7), dtype=np.float32) for _ in range(4)]
    whole = WindowAlignment(20, 15, metric=False)
    for number, raw in enumerate(windows):
        if number == 2:
            resumed = WindowAlignment(20, 15, metric=False, state=whole.state())
        expected = whole.add(raw)
        if number >= 2:
            for one, other in zip(expected, resumed.add(raw), strict=True):
                assert np.array_equal(composed(one, 20, 15), composed(other, 20, 15))
