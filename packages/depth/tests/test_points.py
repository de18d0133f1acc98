"""Depth as points: one for each pixel at most, in the camera that the depth belongs to."""

from collections.abc import Callable

import numpy as np
import pytest
from immichvr_depth import points
from immichvr_depth.depth_map import DepthMap
from immichvr_media import Photo

MakePhoto = Callable[..., Photo]


def test_an_estimated_focal_length_and_the_confidence_go_into_the_points(photo: MakePhoto) -> None:
    confidence = np.linspace(1, 2, 12, dtype=np.float32).reshape(3, 4)
    depth = DepthMap(np.full((3, 4), 3.0, np.float32), True, "depthpro", "1", confidence=confidence, focal_px=60.0)
    cloud = points.point_cloud(photo(), depth, 1.0, 10.0)
    assert cloud.confidence is not None and np.array_equal(cloud.confidence, confidence.ravel())
    assert cloud.points[0] == pytest.approx([-(1.5 * 30) / 60 * 3, -30 / 60 * 3, 3.0])
    assert np.array_equal(cloud.colors[0], photo().rgb[0, 0])


def test_a_large_map_makes_no_more_points_than_there_may_be(photo: MakePhoto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "LARGEST", 500)
    depth = DepthMap(np.full((90, 120), 2.0, np.float32), False, "heuristic", "1")
    cloud = points.point_cloud(photo(), depth, 2.0, 2.0)
    assert 400 < cloud.count <= 500
    assert np.ptp(cloud.points[:, 0]) / np.ptp(cloud.points[:, 1]) == pytest.approx(120 / 90, rel=0.06)
