"""The splat of one photo, whatever its camera is."""

import numpy as np
import pytest
from immichvr_depth.depth_map import DepthMap
from immichvr_depth.heuristic import guess
from immichvr_depth.lift import lift
from immichvr_scenes import Camera, Picture, View, single
from immichvr_scenes.single import lifted
from immichvr_scenes.testing import room, through
from immichvr_splats import to_bytes

_VIEW = through(Camera.central(128, 96, 105), 3)[1]


@pytest.mark.parametrize(
    "intrinsics", [(100.0, 100.0, 64.0, 48.0), (100.0, 150.0, 64.0, 48.0), (150.0, 110.0, 50.0, 60.0)]
)
def test_a_photo_is_lifted_by_both_focal_lengths_and_the_middle_that_it_has(
    intrinsics: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single, "_MOST", 20_000)
    view = View("one", Camera(128, 96, *intrinsics), through(Camera.central(8, 8, 8), 3)[1].world_to_camera)
    look = room(0, paint="soft").look(view)
    cloud = lifted(Picture(view, lambda: look.rgb), None, look.depth)
    assert cloud.camera is not None
    assert (cloud.camera.fx, cloud.camera.fy, cloud.camera.cx, cloud.camera.cy) == intrinsics
    pixels, depth = View("", view.camera, np.eye(4)).projected(cloud.means.astype(np.float64))
    assert (depth > 0).all()
    low, high = np.quantile(pixels, (0.02, 0.98), axis=0)
    assert low == pytest.approx([0, 0], abs=4) and high == pytest.approx([128, 96], abs=4)


def test_of_a_photo_of_which_nothing_is_known_it_is_what_that_photo_by_itself_is_lifted_to() -> None:
    rgb = room(0).look(_VIEW).rgb
    depth, sure = guess(rgb)
    by_itself = lift(rgb, DepthMap(depth, False, "heuristic", "1", guessed=sure), 105.0).cloud
    assert to_bytes(lifted(Picture(_VIEW, lambda: rgb), None), "ply") == to_bytes(by_itself, "ply")


def test_depth_that_a_photo_carries_is_taken_before_any_other_in_the_unit_of_the_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(single, "_MOST", 20_000)
    look = room(0, paint="soft").look(_VIEW)
    carried = np.float32(0.5) * look.depth[::2, ::2]
    cloud = lifted(Picture(_VIEW, lambda: look.rgb), None, look.depth, carried)
    pixels, depth = View("", _VIEW.camera, np.eye(4)).projected(cloud.means.astype(np.float64))
    there = ((pixels >= 0) & (pixels < [128, 96])).all(axis=1)
    columns, rows = pixels[there].astype(int).T
    assert np.median(np.abs(depth[there] / look.depth[rows, columns] - 1)) < 0.02
