"""Cameras and where they stand."""

import numpy as np
import pytest
from immichvr_scenes import Camera, View

CAMERA = Camera(200, 100, 150, 160, 90, 55)


def test_a_point_comes_back_to_where_it_was() -> None:
    view = View.looking("a", CAMERA, (1, -2, 3), (0.5, -1, 7))
    depth = np.random.default_rng(0).uniform(1, 5, (100, 200))
    pixels, away = view.projected(view.unprojected(depth).reshape(-1, 3))
    rows, columns = np.mgrid[:100, :200]
    assert pixels == pytest.approx(np.stack([columns, rows], -1).reshape(-1, 2) + 0.5)
    assert away == pytest.approx(depth.ravel())


def test_a_camera_looks_where_it_is_told_to_upright() -> None:
    view = View.looking("a", CAMERA, (1, -2, 3), (1, -2, 8))
    assert view.world_to_camera[:3, :3] == pytest.approx(np.eye(3))
    assert view.centre == pytest.approx([1, -2, 3])
    assert view.camera_to_world @ view.world_to_camera == pytest.approx(np.eye(4))


def test_a_picture_of_another_size_shows_the_same() -> None:
    small = CAMERA.scaled(100, 25)
    assert (small.fx, small.fy, small.cx, small.cy) == (75, 40, 45, 13.75)
    assert small.matrix @ [0.2, 0.1, 1] == pytest.approx((CAMERA.matrix @ [0.2, 0.1, 1]) * [0.5, 0.25, 1])


def test_what_is_behind_the_camera_has_no_pixel() -> None:
    pixels, depth = View("a", CAMERA, np.eye(4)).projected(np.array([[0, 0, -1.0], [0, 0, 1.0]]))
    assert np.isnan(pixels[0]).all() and pixels[1] == pytest.approx([90, 55])
    assert depth.tolist() == [-1, 1]


@pytest.mark.parametrize("wrong", [{"width": 0}, {"fx": -1.0}, {"cx": float("nan")}, {"fy": float("inf")}])
def test_what_no_camera_is_like_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="wants a positive size"):
        Camera(**{"width": 4, "height": 4, "fx": 3, "fy": 3, "cx": 2, "cy": 2, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("pose", [np.zeros((4, 4)), np.eye(3), 2 * np.eye(4), np.diag([1, 1, -1, 1.0])])
def test_a_pose_is_a_rigid_movement(pose: np.ndarray) -> None:
    with pytest.raises(ValueError, match="no rigid movement"):
        View("a", CAMERA, pose)
