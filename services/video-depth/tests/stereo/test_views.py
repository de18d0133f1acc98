"""Both eyes' pictures against what both eyes truly see."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from immichvr_video_depth.engine.frames import DepthFrame
from immichvr_video_depth.stereo.edges import at_full_size
from immichvr_video_depth.stereo.filling import PAINTED, SEEN
from immichvr_video_depth.stereo.geometry import Geometry
from immichvr_video_depth.stereo.nearby import Nearby, frames_ahead
from immichvr_video_depth.stereo.views import Eyes, Views
from immichvr_video_depth.stereo.warp import HOLE, warp
from immichvr_video_depth.testing.drawn import FPS, Ball, Drawn, depth_frames, psnr

WIDTH, HEIGHT = 320, 180
NETWORK = (168, 98)
COUNT = 20
BALLS = (Ball(0.5, 0.5, 0.22, 0.8, moves=(0.3, 0.0)), Ball(1.2, 0.6, 0.15, 0.6, moves=(-0.2, 0.1), seed=3))
STILL = Drawn(WIDTH, HEIGHT, BALLS)
TURNING = Drawn(WIDTH, HEIGHT, BALLS, pans=0.2)
GEOMETRY = Geometry()


@pytest.fixture(scope="module")
def views() -> list[Views]:
    """Of balls that pass each other before a wall, with true depth."""
    return _views(list(depth_frames(STILL, COUNT)))


@pytest.fixture(scope="module")
def of_network() -> list[Views]:
    """The same with depth as networks give it."""
    return _views(list(depth_frames(STILL, COUNT, network=NETWORK)))


def test_what_is_seen_from_the_side_is_what_is_truly_seen_there() -> None:
    rgb, values = STILL.seen()
    for gain in (6.0, -6.0):
        view, seen = warp(rgb, values, gain, 0.5)
        true, true_values = STILL.seen(gain)
        there = seen != HOLE
        assert there.mean() > 0.95
        assert psnr(view, true, there) > 36
        assert np.median(np.abs(seen - true_values)[there]) < 0.01


def test_what_is_nearer_hides_what_is_farther() -> None:
    rgb = np.full((1, 12, 3), 50, np.uint8)
    values = np.full((1, 12), 0.2, np.float32)
    rgb[0, 4:6], values[0, 4:6] = 200, 1.0
    view, seen = warp(rgb, values, 5.0, 0.2)
    assert view[0, :, 0].tolist() == [50, 50, 50, 50, 0, 0, 50, 50, 200, 200, 50, 50]
    assert (seen[0, 4:6] == HOLE).all()


def test_at_the_plane_of_the_screen_nothing_moves() -> None:
    rgb, _ = STILL.seen()
    view, _ = warp(rgb, np.full((HEIGHT, WIDTH), 0.5, np.float32), 20.0, 0.5)
    assert np.array_equal(view, rgb)


def test_edges_of_small_maps_lie_where_the_picture_has_them() -> None:
    """Pixels that are on the wrong side of an edge are fewer than a tenth of those of plain enlargement."""
    frame = next(depth_frames(STILL, 1, network=NETWORK))
    _, true = STILL.seen()
    values = frame.values(*NETWORK)
    plain = _wrong(frame.values(WIDTH, HEIGHT), true)
    assert _wrong(at_full_size(values, frame.rgb, 0.05), true) < plain / 10


def test_both_eyes_see_what_they_truly_see(views: list[Views]) -> None:
    for eye, quality in _qualities(views, STILL).items():
        assert min(quality) > 40, eye


def test_both_eyes_see_nearly_that_with_depth_of_networks(of_network: list[Views]) -> None:
    for eye, quality in _qualities(of_network, STILL).items():
        assert min(quality) > 40, eye


def test_no_hole_is_left(views: list[Views], of_network: list[Views]) -> None:
    for one in [*views, *of_network]:
        for picture, filled in ((one.left, one.left_filled), (one.right, one.right_filled)):
            assert filled.any(), "there was something to fill"
            assert (picture.max(axis=2) > 0).all()
            assert set(np.unique(filled)) <= {0, SEEN, PAINTED}


@pytest.mark.parametrize("scene", [STILL, TURNING], ids=["still", "turning"])
def test_what_other_frames_show_of_the_background_is_put_where_it_is_hidden_now(scene: Drawn) -> None:
    """Where it was seen it is right, which what is painted is not; also while the camera turns."""
    made = _views(list(depth_frames(scene, COUNT)))
    gain = GEOMETRY.gain(WIDTH)
    seen, painted = [], []
    for one in made[4:]:
        for picture, filled, to in ((one.left, one.left_filled, gain), (one.right, one.right_filled, -gain)):
            true, _ = scene.seen(to, seconds=one.index / FPS)
            seen.append(psnr(picture, true, filled == SEEN))
            painted.append(psnr(picture, true, filled == PAINTED))
    assert np.mean(seen) > 36
    assert np.mean(seen) > np.mean(painted) + 8


def test_what_is_filled_does_not_flicker(of_network: list[Views]) -> None:
    """From frame to frame it changes no more than what is truly there does, of which some is a ball that passes."""
    gain = GEOMETRY.gain(WIDTH)
    ours, true = [], []
    for before, after in pairwise(of_network):
        both = (before.left_filled > 0) & (after.left_filled > 0)
        ours.append(_change(before.left, after.left, both))
        there = [STILL.seen(gain, seconds=one.index / FPS)[0] for one in (before, after)]
        true.append(_change(there[0], there[1], both))
    assert np.mean(ours) < max(np.mean(true), 2.0)


def test_nothing_is_looked_up_across_a_cut() -> None:
    """The wall behind the second shot's balls is another one, which the first shot never showed."""
    first = list(depth_frames(STILL, 8))
    second = [replace(one, rgb=255 - one.rgb, shot=1) for one in depth_frames(STILL, 16)][8:]
    together = _views(first + second)
    alone = _views([replace(one, index=one.index - 8, shot=0) for one in second])
    assert [one.index for one in together] == list(range(16))
    for one, other in zip(together[8:], alone, strict=True):
        assert np.array_equal(one.left, other.left)
        assert np.array_equal(one.right, other.right)


def test_frames_wait_for_no_more_than_a_bounded_number_of_others() -> None:
    eyes = Eyes(WIDTH, HEIGHT, GEOMETRY)
    wait = frames_ahead(WIDTH, HEIGHT)
    told = [len(list(eyes.push(frame))) for frame in depth_frames(STILL, wait + 3)]
    assert told == [0] * wait + [1] * 3
    assert len(list(eyes.end())) == wait
    assert frames_ahead(7680, 4320) * 7680 * 4320 * 3 < 512 << 20


def test_a_moving_camera_is_followed_by_what_does_not_move_by_itself() -> None:
    nearby = Nearby(WIDTH, HEIGHT)
    made = list(depth_frames(TURNING, 6))
    for frame in made:
        nearby.add(frame)
    way = nearby.way(made[0], 5)
    assert way is not None
    turned = -TURNING.pans * 5 / FPS * HEIGHT
    corner = way[2] @ np.array([100.0, 80.0, 1.0])
    assert corner == pytest.approx([100 + turned, 80], abs=0.4)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (17, 5)])
def test_tiny_pictures_have_two_views_too(size: tuple[int, int]) -> None:
    frame = next(depth_frames(Drawn(*size, ()), 1))
    (made,) = _views([frame])
    assert made.left.shape == made.right.shape == frame.rgb.shape


def test_a_picture_without_depth_is_the_same_for_both_eyes() -> None:
    flat = next(depth_frames(Drawn(WIDTH, HEIGHT, (), left=0.5, right=0.5), 1))
    (made,) = _views([flat])
    assert np.array_equal(made.left, flat.rgb)
    assert np.array_equal(made.right, flat.rgb)


def test_at_the_poles_of_half_a_sphere_both_eyes_see_the_same() -> None:
    frame = next(depth_frames(Drawn(WIDTH, WIDTH, (), left=0.9, right=0.9), 1))
    eyes = Eyes(WIDTH, WIDTH, Geometry(convergence=0.0), half_sphere=True)
    (made,) = [*eyes.push(frame), *eyes.end()]
    inner = slice(20, -20)
    assert _change(made.left[:1, inner], made.right[:1, inner]) < 3
    middle = slice(WIDTH // 2, WIDTH // 2 + 1)
    assert _change(made.left[middle, inner], made.right[middle, inner]) > 8


def _views(frames: list[DepthFrame]) -> list[Views]:
    height, width = frames[0].rgb.shape[:2]
    eyes = Eyes(width, height, GEOMETRY)
    return [*(views for frame in frames for views in eyes.push(frame)), *eyes.end()]


def _qualities(made: list[Views], scene: Drawn) -> dict[str, list[float]]:
    gain = GEOMETRY.gain(WIDTH)
    some = made[::5]
    return {
        "left": [psnr(one.left, scene.seen(gain, seconds=one.index / FPS)[0]) for one in some],
        "right": [psnr(one.right, scene.seen(-gain, seconds=one.index / FPS)[0]) for one in some],
    }


def _wrong(values: npt.NDArray[np.float32], true: npt.NDArray[np.float32]) -> float:
    return float((np.abs(values - true) > 0.15).mean())


def _change(
    one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8], where: npt.NDArray[np.bool_] | None = None
) -> float:
    off = np.abs(one.astype(int) - other)
    return float((off if where is None else off[where]).mean())
