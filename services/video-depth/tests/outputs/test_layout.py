"""The layout of colour beside depth."""

from __future__ import annotations

import pytest
from immichvr_video_depth.outputs.layout import bounded, layout_of


@pytest.mark.parametrize(
    ("size", "picture"),
    [
        ((160, 96), (336, 96)),
        ((1920, 1080), (3856, 1080)),
        ((161, 97), (336, 96)),
        ((3840, 2160), (4096, 1146)),
        ((1, 1), (20, 2)),
    ],
)
def test_a_layout_is_as_large_as_the_video_and_as_decoders_allow(
    size: tuple[int, int], picture: tuple[int, int]
) -> None:
    layout = layout_of(*size)
    assert (layout.width, layout.height) == picture


@pytest.mark.parametrize("size", [(854, 480), (1921, 1081), (2160, 3840), (7680, 4320), (320, 8000), (8000, 200)])
def test_every_layout_is_even_with_a_gutter_and_within_level_5_1(size: tuple[int, int]) -> None:
    told = layout_of(*size).details()
    x, y, width, height = told["colour"]
    assert told["depth"] == [width + told["gutter"], 0, width, height]
    assert (x, y) == (0, 0)
    assert told["gutter"] >= 16
    assert told["width"] == 2 * width + told["gutter"] <= 4096
    assert all(length % 2 == 0 for length in (width, height, told["gutter"], told["width"]))
    assert -(-told["width"] // 16) * -(-told["height"] // 16) <= 36_864
    assert width / height == pytest.approx(size[0] / size[1], rel=0.05)


def test_a_depth_video_has_the_video_s_shape_and_no_more_pixels_than_pay() -> None:
    assert bounded(854, 480, 1280 * 720) == (854, 480)
    assert bounded(1920, 1080, 1280 * 720) == (1280, 720)
    assert bounded(2161, 3841, 1280 * 720) == (720, 1278)
    assert bounded(8, 400, 1280 * 720) == (32, 400)  # no AV1 is smaller
