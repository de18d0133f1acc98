"""Gaussians as a pinhole camera sees them."""

import numpy as np

from immichvr_splats.cloud import Camera, GaussianCloud
from immichvr_splats.compiled import F32, F64, kernel
from immichvr_splats.rendering.spots import DEPTH, DISTANCE, OPACITY, REACH_X, REACH_Y, XX, XY, YY, X, Y

DILATION = 0.3
"""Square pixels by which renderers widen every spot."""

_NEAR = 0.01
_LEAST_ALPHA = 1 / 255
_SIDE = 1.3  # of half the field of view: farther out the perspective is not linear enough to be derived
_LARGEST = 3e38
_MEDIAN = 2.0


def view_of(cloud: GaussianCloud, camera: Camera) -> F64:
    """World to camera, (4, 4), scaled to a median depth of 2: depth may have any unit, and nothing shows below 0.01."""
    depths = cloud.means @ camera.extrinsic[2, :3] + camera.extrinsic[2, 3]
    before = depths[depths > 0]
    scale = _MEDIAN / float(np.median(before)) if before.size else 1.0
    view: F64 = np.diag([scale, scale, scale, 1.0]) @ camera.extrinsic
    return view


def project_cloud(
    cloud: GaussianCloud, camera: Camera, transform: F64, dilation: float, compensate: bool, spots: F32
) -> None:
    """Fill all but the colours of `spots`, (N, WIDTH). transform: world to camera, (4, 4).

    Not to be seen is what is behind the camera or nearer than a centimetre, beside the picture, or not finite.
    """
    intrinsics = (float(camera.fx), float(camera.fy), float(camera.cx), float(camera.cy))
    arrays = (cloud.means, cloud.log_scales, cloud.quaternions, cloud.opacity_logits)
    _project(*arrays, transform, intrinsics, (camera.width, camera.height), dilation, compensate, spots)


@kernel
def _project(
    means: F32,
    log_scales: F32,
    quaternions: F32,
    logits: F32,
    transform: F64,
    intrinsics: tuple[float, float, float, float],
    size: tuple[int, int],
    dilation: float,
    compensate: bool,
    spots: F32,
) -> None:
    fx, fy, cx, cy = intrinsics
    width, height = size
    limit_x = _SIDE * max(cx, width - cx) / fx
    limit_y = _SIDE * max(cy, height - cy) / fy
    turn = np.empty((3, 3))
    view = np.empty((2, 3))
    for i in range(means.shape[0]):
        spots[i, OPACITY] = 0.0
        opacity = 1.0 / (1.0 + np.exp(-np.float64(logits[i])))
        x = transform[0, 0] * means[i, 0] + transform[0, 1] * means[i, 1] + transform[0, 2] * means[i, 2]
        y = transform[1, 0] * means[i, 0] + transform[1, 1] * means[i, 1] + transform[1, 2] * means[i, 2]
        z = transform[2, 0] * means[i, 0] + transform[2, 1] * means[i, 1] + transform[2, 2] * means[i, 2]
        x, y, z = x + transform[0, 3], y + transform[1, 3], z + transform[2, 3]
        if not (z >= _NEAR and z < _LARGEST and opacity >= _LEAST_ALPHA):
            continue
        ray_x = min(max(x / z, -limit_x), limit_x)
        ray_y = min(max(y / z, -limit_y), limit_y)
        for k in range(3):
            view[0, k] = fx / z * (transform[0, k] - ray_x * transform[2, k])
            view[1, k] = fy / z * (transform[1, k] - ray_y * transform[2, k])
        _rotation(quaternions, i, turn)
        xx = xy = yy = 0.0
        for k in range(3):
            scale = np.exp(np.float64(log_scales[i, k]))
            along = scale * (view[0, 0] * turn[0, k] + view[0, 1] * turn[1, k] + view[0, 2] * turn[2, k])
            across = scale * (view[1, 0] * turn[0, k] + view[1, 1] * turn[1, k] + view[1, 2] * turn[2, k])
            xx += along * along
            xy += along * across
            yy += across * across
        sharp = max(xx * yy - xy * xy, 0.0)
        xx, yy = xx + dilation, yy + dilation
        determinant = xx * yy - xy * xy
        if not (determinant > 0.0 and determinant < np.inf):
            continue
        if compensate:
            opacity *= np.sqrt(sharp / determinant)
        if opacity < _LEAST_ALPHA:
            continue
        squared = 2.0 * np.log(opacity / _LEAST_ALPHA)
        reach_x, reach_y = np.sqrt(squared * xx), np.sqrt(squared * yy)
        screen_x, screen_y = fx * x / z + cx, fy * y / z + cy
        beside = abs(screen_x - 0.5 * width) - reach_x > 0.5 * width
        if beside or not (abs(screen_y - 0.5 * height) - reach_y <= 0.5 * height):
            continue
        if not (max(abs(screen_x), abs(screen_y), reach_x, reach_y) < _LARGEST):
            continue
        spots[i, X], spots[i, Y], spots[i, DEPTH], spots[i, OPACITY] = screen_x, screen_y, z, opacity
        spots[i, XX], spots[i, XY], spots[i, YY] = 0.5 * yy / determinant, -xy / determinant, 0.5 * xx / determinant
        spots[i, REACH_X], spots[i, REACH_Y] = reach_x, reach_y
        spots[i, DISTANCE] = np.sqrt(x * x + y * y + z * z)


@kernel
def _rotation(quaternions: F32, i: int, out: F64) -> None:
    w, x, y, z = (
        np.float64(quaternions[i, 0]),
        np.float64(quaternions[i, 1]),
        np.float64(quaternions[i, 2]),
        np.float64(quaternions[i, 3]),
    )
    norm = np.sqrt(w * w + x * x + y * y + z * z)
    w, x, y, z = w / norm, x / norm, y / norm, z / norm
    out[0, 0], out[0, 1], out[0, 2] = 1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)
    out[1, 0], out[1, 1], out[1, 2] = 2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)
    out[2, 0], out[2, 1], out[2, 2] = 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)
