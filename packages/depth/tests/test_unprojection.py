"""What a pixel sees lies on its ray, at its depth."""

import numpy as np
import pytest
from immichvr_depth import unproject
from immichvr_splats import Camera

CAMERA = Camera(fx=40.0, fy=50.0, cx=7.0, cy=5.5, width=14, height=11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_points_come_back_to_the_middles_of_their_pixels(dtype: type) -> None:
    depth = np.random.default_rng(0).uniform(1, 9, (11, 14)).astype(dtype)
    points = unproject(depth, CAMERA)
    assert points.dtype == dtype and points.shape == (11, 14, 3)
    np.testing.assert_array_equal(points[..., 2], depth)
    rows, columns = np.mgrid[0:11, 0:14]
    np.testing.assert_allclose(points[..., 0] / depth * 40.0 + 7.0, columns + 0.5, rtol=1e-5)
    np.testing.assert_allclose(points[..., 1] / depth * 50.0 + 5.5, rows + 0.5, rtol=1e-5)
