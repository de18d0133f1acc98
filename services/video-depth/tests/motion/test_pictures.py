"""What a moving camera sees of a photo: the photo itself at rest, nothing torn and nothing open on the way."""

from __future__ import annotations

import numpy as np
import pytest
from immichvr_depth import DepthMap, Layers, split_layers
from immichvr_depth.compiled import Bytes
from immichvr_video_depth.motion.camera import PATHS, Path, Travel, View, is_mirrored, views
from immichvr_video_depth.motion.pictures import Scene
from immichvr_video_depth.motion.warping import warp

COUNT, FOCAL = 90, 220.0


@pytest.fixture(scope="module")
def layers(card_before_wall: tuple[Bytes, DepthMap]) -> Layers:
    return split_layers(*card_before_wall, FOCAL)


@pytest.fixture(scope="module")
def scene(layers: Layers) -> Scene:
    return Scene(layers)


def difference(one: Bytes, other: Bytes) -> float:
    return float(np.abs(one.astype(np.float32) - other).mean())


def card_in(picture: Bytes) -> tuple[float, float]:
    """Where the card lies: its middle, and its width, in pixels."""
    red = picture[len(picture) // 2, :, 0].astype(int) > picture[len(picture) // 2, :, 2].astype(int)
    columns = np.flatnonzero(red)
    return float(columns.mean()), float(np.ptp(columns) + 1)


@pytest.mark.parametrize("path", PATHS)
def test_a_loop_begins_and_ends_at_the_photo_itself_and_nothing_jumps(scene: Scene, layers: Layers, path: Path) -> None:
    way = views(layers, Travel(path), COUNT)
    first, second, third = (scene.picture(view) for view in way[:3])
    assert np.array_equal(first, layers.rgb)
    assert np.array_equal(scene.picture(way[-1]), layers.rgb)
    assert difference(first, second) <= 1.5 * difference(second, third)
    before, last = (scene.picture(view) for view in way[-3:-1])
    assert difference(last, first) <= 1.5 * difference(before, last)


@pytest.mark.parametrize("path", PATHS)
def test_every_pixel_shows_something_of_the_photo_all_along_the_way(layers: Layers, path: Path) -> None:
    differs = layers.background_shift != layers.shift
    for view in views(layers, Travel(path, amplitude=2.0), COUNT)[::11]:
        warped = warp(layers.shift, layers.right, layers.down, layers.background_shift, differs, view)
        assert (warped.nearness > 0).all()
        assert warped.x.min() >= 0 and warped.x.max() <= layers.shift.shape[1] - 1
        assert warped.y.min() >= 0 and warped.y.max() <= 2 * layers.shift.shape[0] - 1


def test_what_a_step_aside_reveals_looks_like_the_wall_and_not_like_the_card(scene: Scene, layers: Layers) -> None:
    way = views(layers, Travel("sway", amplitude=2.0), COUNT)
    widest = max(way, key=lambda view: abs(view.right))
    seen = scene.picture(widest)[len(layers.rgb) // 2]
    middle, wide = card_in(scene.picture(widest))
    beside = np.concatenate([seen[: int(middle - wide / 2) - 2], seen[int(middle + wide / 2) + 3 :]]).astype(int)
    assert (beside[:, 2] > beside[:, 0]).all()


def test_what_is_near_moves_against_the_camera_and_what_is_far_with_it(scene: Scene, layers: Layers) -> None:
    at_rest, _ = card_in(layers.rgb)
    way = views(layers, Travel("sway"), COUNT)
    leftmost = min(way, key=lambda view: view.right)
    rightmost = max(way, key=lambda view: view.right)
    assert card_in(scene.picture(leftmost))[0] > at_rest + 1
    assert card_in(scene.picture(rightmost))[0] < at_rest - 1


def test_a_dolly_comes_nearer_and_a_zoom_lets_the_wall_grow_behind(scene: Scene, layers: Layers) -> None:
    _, at_rest = card_in(layers.rgb)
    half = COUNT // 2
    assert card_in(scene.picture(views(layers, Travel("dolly"), COUNT)[half]))[1] > at_rest
    zoomed = views(layers, Travel("zoom"), COUNT)[half]
    assert wall_size(zoomed, layers) > 1 + 2 * (card_in(scene.picture(zoomed))[1] / at_rest - 1)


def wall_size(view: View, layers: Layers) -> float:
    return view.scale / (1 - view.forward * float(layers.shift.min()))


@pytest.mark.parametrize("path", [path for path in PATHS if is_mirrored(path)])
def test_the_second_half_is_the_first_backwards(layers: Layers, path: Path) -> None:
    for count in (COUNT, COUNT + 1):
        way = views(layers, Travel(path), count)
        for one, other in zip(way, reversed(way), strict=True):
            assert np.allclose([one.right, one.forward, one.scale], [other.right, other.forward, other.scale])


def test_a_longer_way_moves_more_but_never_more_than_is_painted(layers: Layers) -> None:
    reach = [max(abs(view.right) for view in views(layers, Travel("sway", amplitude=a), COUNT)) for a in (0.5, 1, 2)]
    assert reach[0] < reach[1] < reach[2] <= 1
    assert reach[1] * np.ptp(layers.shift) / 2 <= 0.0151 * layers.shift.shape[1]
