"""The splat of one photo, whatever its camera is."""

import numpy as np
import pytest
from immichvr_scenes import Camera, Picture, View, single
from immichvr_scenes.single import lifted
from immichvr_scenes.testing import room, through


@pytest.mark.parametrize(
    "intrinsics", [(100.0, 100.0, 64.0, 48.0), (100.0, 150.0, 64.0, 48.0), (150.0, 110.0, 50.0, 60.0)]
)
def test_a_photo_is_lifted_by_both_focal_lengths_and_the_middle_that_it_has(
    intrinsics: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(single._MOST, "cpu", 20_000)
    view = View("one", Camera(128, 96, *intrinsics), through(Camera.central(8, 8, 8), 3)[1].world_to_camera)
    look = room(0, paint="soft").look(view)
    cloud = lifted(Picture(view, lambda: look.rgb), None, "cpu", look.depth)
    assert cloud.camera is not None
    assert (cloud.camera.fx, cloud.camera.fy, cloud.camera.cx, cloud.camera.cy) == intrinsics
    pixels, depth = View("", view.camera, np.eye(4)).projected(cloud.means.astype(np.float64))
    assert (depth > 0).all()
    low, high = np.quantile(pixels, (0.02, 0.98), axis=0)
    assert low == pytest.approx([0, 0], abs=4) and high == pytest.approx([128, 96], abs=4)
