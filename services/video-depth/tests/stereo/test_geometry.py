"""How far apart the eyes see a point."""

from __future__ import annotations

import pytest
from immichvr_video_depth.stereo import LAYOUTS, Geometry, GeometryRefused, LayoutRefused
from immichvr_video_depth.stereo.layouts import codec_for, geometry_for, layout_for


@pytest.mark.parametrize("convergence", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("comfort", [0.5, 2.0])
def test_no_point_is_farther_apart_than_is_comfortable(convergence: float, comfort: float) -> None:
    geometry = Geometry(baseline=10, convergence=convergence, comfort=comfort)
    most = max(abs(2 * geometry.gain(1000) * (value - convergence)) for value in (0.0, 1.0))
    assert most == pytest.approx(comfort / 100 * 1000)


def test_a_baseline_within_comfort_is_kept() -> None:
    assert Geometry(baseline=2.5, convergence=0.5, comfort=2.0).comfortable_baseline == 2.5


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"baseline": 0.0}, "baseline is 0; above 0, up to 10 %"),
        ({"baseline": float("nan")}, "baseline is nan"),
        ({"convergence": 1.2}, "from 0 (farthest) to 1 (nearest)"),
        ({"comfort": 9.0}, "up to 5 %"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(given: dict[str, float], says: str) -> None:
    with pytest.raises(GeometryRefused) as caught:
        Geometry(**given)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "size"),
    [("full-sbs", (3840, 1080)), ("half-sbs", (1920, 1080)), ("over-under", (1920, 2160)), ("vr180", (3840, 1080))],
)
def test_layouts_of_a_video_of_1920_x_1080(name: str, size: tuple[int, int]) -> None:
    layout = LAYOUTS[name]
    assert layout.size(*layout.view_size(1920, 1080)) == size
    assert codec_for(*size) == "h264"


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("video", [(3840, 2160), (7680, 4320), (2161, 3841), (8192, 4096), (63, 35)])
def test_every_layout_is_one_that_decoders_take(name: str, video: tuple[int, int]) -> None:
    layout = LAYOUTS[name]
    width, height = layout.size(*layout.view_size(*video))
    assert width % 2 == height % 2 == 0
    assert max(width, height) <= 8192
    assert width * height <= 8192 * 4352


def test_vr180_is_only_for_videos_that_show_180_degrees() -> None:
    with pytest.raises(LayoutRefused, match="take full-sbs, half-sbs, over-under"):
        layout_for("vr180", None, None)
    assert layout_for("vr180", "equirectangular-180", None).half_sphere


def test_a_video_that_has_two_views_gets_no_others() -> None:
    with pytest.raises(LayoutRefused, match="two views already"):
        layout_for("full-sbs", None, "side-by-side")


def test_on_half_a_sphere_the_farthest_is_straight_ahead() -> None:
    assert geometry_for(LAYOUTS["vr180"], None, None, None).convergence == 0
    assert geometry_for(LAYOUTS["full-sbs"], 3.0, 0.2, None) == Geometry(3.0, 0.2)
