"""Depth of several views as points of one world."""

from types import SimpleNamespace

import numpy as np
import pytest
from immichvr_ai.scene_points import scene_points
from immichvr_inference.network import Scene, ViewDepth
from immichvr_splats import Camera

SIZE = (12, 16)


def view_of_a_wall(x: float, turn: float) -> tuple[SimpleNamespace, ViewDepth]:
    """A camera at x metres to the right, turned about the vertical, in front of the wall z = 5, and its photo.

    The photo's colour tells the place on the wall that each pixel sees.
    """
    cosine, sine = np.cos(turn), np.sin(turn)
    extrinsic = np.eye(4)
    extrinsic[:3, :3] = [[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]]
    extrinsic[:3, 3] = -extrinsic[:3, :3] @ [x, 0, 0]
    height, width = SIZE
    camera = Camera(fx=20, fy=20, cx=width / 2, cy=height / 2, width=width, height=height, extrinsic=extrinsic)
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    rays = np.stack([(columns - camera.cx) / 20, (rows - camera.cy) / 20, np.ones(SIZE)], -1) @ extrinsic[:3, :3]
    depth = (5 / rays[..., 2]).astype(np.float32)
    places = np.array([x, 0, 0]) + rays * depth[..., None]
    rgb = np.clip(128 + 20 * places, 0, 255).astype(np.uint8)
    return SimpleNamespace(rgb=rgb), ViewDepth(depth, metric=True, confidence=np.ones(SIZE, np.float32), camera=camera)


def test_what_two_views_see_lies_on_one_wall_with_the_colours_of_its_places() -> None:
    pairs = [view_of_a_wall(0, 0), view_of_a_wall(0.8, -0.1)]
    cloud = scene_points([photo for photo, _ in pairs], Scene(tuple(view for _, view in pairs)))
    assert cloud.points.shape == (2 * SIZE[0] * SIZE[1], 3)
    np.testing.assert_allclose(cloud.points[:, 2], 5, atol=1e-5)
    np.testing.assert_allclose(cloud.colors, np.clip(128 + 20 * cloud.points, 0, 255), atol=1)
    assert cloud.confidence is not None


def test_views_without_cameras_cannot_be_put_together() -> None:
    photo, view = view_of_a_wall(0, 0)
    with pytest.raises(ValueError, match="where the photos were taken"):
        scene_points([photo], Scene((ViewDepth(view.depth, metric=True),)))
