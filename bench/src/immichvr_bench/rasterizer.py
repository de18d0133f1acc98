"""A CPU renderer of Gaussian clouds to measure with: EWA splatting, depth-sorted, blended front to back.

Follows the conventions of the 3D Gaussian splatting paper (Kerbl et al. 2023) and of EWA splatting (Zwicker et
al. 2001): covariance projected with the Jacobian of the perspective, a low-pass of `dilation` square pixels,
alpha below 1/255 skipped, a pixel finished at a transmittance of 1e-4.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
from immichvr_splats import Camera, GaussianCloud

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int32]
_Transform = npt.NDArray[np.float64]
_P = ParamSpec("_P")
_R = TypeVar("_R")

_TILE = 16
_NEAR = 0.01
_EXTENT = 3.33  # standard deviations at which alpha falls below 1/255
_LARGEST_ALPHA = 0.999
_FINISHED = 1e-4


@dataclass(frozen=True)
class Rendering:
    """rgb: (h, w, 3) float32, 0…1, over black. alpha: (h, w) float32.

    depth: (h, w) float32, mean depth along the axis weighted by contribution; 0 where nothing is.
    """

    rgb: Floats
    alpha: Floats
    depth: Floats


def render(
    cloud: GaussianCloud,
    camera: Camera,
    world_to_camera: _Transform | None = None,
    dilation: float = 0.3,
    compensate: bool = False,
) -> Rendering:
    """Render `cloud` as `camera` sees it.

    world_to_camera: (4, 4), OpenCV axes; the camera's extrinsic if None. dilation: low-pass in square pixels.
    compensate: scale opacity so that the low-pass keeps each Gaussian's mass (Mip-Splatting, Yu et al. 2024).
    """
    transform = camera.extrinsic if world_to_camera is None else np.asarray(world_to_camera, np.float64)
    colours = _view_colours(cloud, transform)
    opacities = (1.0 / (1.0 + np.exp(-cloud.opacity_logits))).astype(np.float32)
    spots = np.empty((cloud.count, 9), np.float32)
    intrinsics = (camera.fx, camera.fy, camera.cx, camera.cy)
    size = (camera.width, camera.height)
    _project(
        cloud.means,
        cloud.log_scales,
        cloud.quaternions,
        opacities,
        transform,
        intrinsics,
        size,
        dilation,
        compensate,
        spots,
    )
    visible = np.flatnonzero(spots[:, 5] > 0)
    order = visible[np.argsort(spots[visible, 2], kind="stable")]
    spots, shaded = np.ascontiguousarray(spots[order]), np.ascontiguousarray(colours[order])
    starts, members = _bin(spots, *size)
    out = np.zeros((camera.height, camera.width, 5), np.float32)
    rows = range(0, camera.height, _TILE)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda top: _blend_row(top, spots, shaded, starts, members, out), rows))
    alpha = out[..., 3]
    depth = np.where(alpha > 1e-6, out[..., 4] / np.maximum(alpha, 1e-6), 0).astype(np.float32)
    return Rendering(np.ascontiguousarray(out[..., :3]), np.ascontiguousarray(alpha), depth)


def shifted(camera: Camera, right: float = 0.0, down: float = 0.0, forward: float = 0.0) -> _Transform:
    """World to camera after the camera has moved along its own axes."""
    move = np.eye(4)
    move[:3, 3] = -right, -down, -forward
    return move @ camera.extrinsic


def _kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    return cast("Callable[_P, _R]", numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def _view_colours(cloud: GaussianCloud, transform: _Transform) -> Floats:
    eye = -transform[:3, :3].T @ transform[:3, 3]
    if cloud.sh_degree == 0:
        basis = np.full((1, 1), _SH_CONSTANT)
    else:
        rays = cloud.means - eye.astype(np.float32)
        rays /= np.maximum(np.linalg.norm(rays, axis=1, keepdims=True), 1e-12)
        basis = _sh_basis(rays, cloud.sh.shape[1])
    colours: Floats = 0.5 + np.einsum("nk,nkc->nc", np.broadcast_to(basis, cloud.sh.shape[:2]), cloud.sh)
    return np.maximum(colours, np.float32(0)).astype(np.float32, copy=False)


_SH_CONSTANT = 0.28209479177387814


def _sh_basis(rays: Floats, count: int) -> npt.NDArray[np.float64]:
    """Real spherical harmonics up to degree 3 in the order and signs of 3D Gaussian splatting: (n, count)."""
    x, y, z = rays.astype(np.float64).T
    c1 = np.sqrt(3 / (4 * np.pi))
    c2 = np.sqrt(15 / np.pi) / 2
    values = [np.full_like(x, _SH_CONSTANT), -c1 * y, c1 * z, -c1 * x]
    if count > 4:
        values += [
            c2 * x * y,
            -c2 * y * z,
            np.sqrt(5 / np.pi) / 4 * (2 * z * z - x * x - y * y),
            -c2 * x * z,
            c2 / 2 * (x * x - y * y),
        ]
    if count > 9:
        a, b = np.sqrt(35 / (2 * np.pi)) / 4, np.sqrt(105 / np.pi) / 2
        c, d = np.sqrt(21 / (2 * np.pi)) / 4, np.sqrt(7 / np.pi) / 4
        values += [
            -a * y * (3 * x * x - y * y),
            b * x * y * z,
            -c * y * (4 * z * z - x * x - y * y),
            d * z * (2 * z * z - 3 * x * x - 3 * y * y),
            -c * x * (4 * z * z - x * x - y * y),
            b / 2 * z * (x * x - y * y),
            -a * x * (x * x - 3 * y * y),
        ]
    return np.stack(values, axis=1)


@_kernel
def _project(
    means: Floats,
    log_scales: Floats,
    quaternions: Floats,
    opacities: Floats,
    transform: _Transform,
    intrinsics: tuple[float, float, float, float],
    size: tuple[int, int],
    dilation: float,
    compensate: bool,
    spots: Floats,
) -> None:
    """Fill spots (n, 9): x, y, depth, opacity, then inverse covariance and extent; extent x ≤ 0 if unseen.

    Columns: 0 x, 1 y, 2 depth, 3 opacity, 4 extent y, 5 extent x, 6…8 inverse covariance xx, xy, yy.
    """
    fx, fy, cx, cy = intrinsics
    width, height = size
    limit_x = 1.3 * max(cx, width - cx) / fx
    limit_y = 1.3 * max(cy, height - cy) / fy
    turn = np.empty((3, 3))
    view = np.empty((2, 3))
    for i in range(means.shape[0]):
        spots[i, 5] = 0.0
        x = transform[0, 0] * means[i, 0] + transform[0, 1] * means[i, 1] + transform[0, 2] * means[i, 2]
        y = transform[1, 0] * means[i, 0] + transform[1, 1] * means[i, 1] + transform[1, 2] * means[i, 2]
        z = transform[2, 0] * means[i, 0] + transform[2, 1] * means[i, 1] + transform[2, 2] * means[i, 2]
        x, y, z = x + transform[0, 3], y + transform[1, 3], z + transform[2, 3]
        if z < _NEAR or opacities[i] < 1.0 / 255.0:
            continue
        ray_x = min(max(x / z, -limit_x), limit_x)
        ray_y = min(max(y / z, -limit_y), limit_y)
        for k in range(3):
            view[0, k] = fx / z * (transform[0, k] - ray_x * transform[2, k])
            view[1, k] = fy / z * (transform[1, k] - ray_y * transform[2, k])
        _rotation(quaternions, i, turn)
        xx = xy = yy = 0.0
        for k in range(3):
            scale = np.exp(log_scales[i, k])
            along = scale * (view[0, 0] * turn[0, k] + view[0, 1] * turn[1, k] + view[0, 2] * turn[2, k])
            across = scale * (view[1, 0] * turn[0, k] + view[1, 1] * turn[1, k] + view[1, 2] * turn[2, k])
            xx += along * along
            xy += along * across
            yy += across * across
        sharp = max(xx * yy - xy * xy, 0.0)
        xx, yy = xx + dilation, yy + dilation
        determinant = xx * yy - xy * xy
        if determinant <= 0.0:
            continue
        opacity = opacities[i]
        if compensate:
            opacity *= np.sqrt(sharp / determinant)
        screen_x, screen_y = fx * x / z + cx, fy * y / z + cy
        extent_x, extent_y = _EXTENT * np.sqrt(xx), _EXTENT * np.sqrt(yy)
        beside = screen_x + extent_x < 0 or screen_x - extent_x > width
        if beside or screen_y + extent_y < 0 or screen_y - extent_y > height:
            continue
        spots[i, 0], spots[i, 1], spots[i, 2], spots[i, 3] = screen_x, screen_y, z, opacity
        spots[i, 4], spots[i, 5] = extent_y, extent_x
        spots[i, 6], spots[i, 7], spots[i, 8] = yy / determinant, -xy / determinant, xx / determinant


@_kernel
def _rotation(quaternions: Floats, i: int, out: _Transform) -> None:
    w, x, y, z = quaternions[i, 0], quaternions[i, 1], quaternions[i, 2], quaternions[i, 3]
    norm = np.sqrt(w * w + x * x + y * y + z * z)
    w, x, y, z = w / norm, x / norm, y / norm, z / norm
    out[0, 0], out[0, 1], out[0, 2] = 1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)
    out[1, 0], out[1, 1], out[1, 2] = 2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)
    out[2, 0], out[2, 1], out[2, 2] = 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)


@_kernel
def _tile_span(spots: Floats, i: int, axis: int, tiles: int) -> tuple[int, int]:
    extent = spots[i, 5 - axis]
    first = int(max(spots[i, axis] - extent, 0.0)) // _TILE
    last = int(max(spots[i, axis] + extent, 0.0)) // _TILE
    return min(first, tiles - 1), min(last, tiles - 1)


@_kernel
def _bin(spots: Floats, width: int, height: int) -> tuple[npt.NDArray[np.int64], Indices]:
    """Members of every tile in depth order: (tiles + 1,) starts and the (k,) indices they point into."""
    columns, rows = (width + _TILE - 1) // _TILE, (height + _TILE - 1) // _TILE
    starts = np.zeros(columns * rows + 1, np.int64)
    for i in range(spots.shape[0]):
        left, right = _tile_span(spots, i, 0, columns)
        top, bottom = _tile_span(spots, i, 1, rows)
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                starts[row * columns + column + 1] += 1
    starts = np.cumsum(starts)
    cursor = starts[:-1].copy()
    members = np.empty(starts[-1], np.int32)
    for i in range(spots.shape[0]):
        left, right = _tile_span(spots, i, 0, columns)
        top, bottom = _tile_span(spots, i, 1, rows)
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                members[cursor[row * columns + column]] = i
                cursor[row * columns + column] += 1
    return starts, members


@_kernel
def _blend_row(
    top: int,
    spots: Floats,
    colours: Floats,
    starts: npt.NDArray[np.int64],
    members: Indices,
    out: Floats,
) -> None:
    """Blend one row of tiles into out (h, w, 5): red, green, blue, alpha, depth times alpha."""
    height, width = out.shape[0], out.shape[1]
    columns = (width + _TILE - 1) // _TILE
    bottom = min(top + _TILE, height)
    for column in range(columns):
        left = column * _TILE
        right = min(left + _TILE, width)
        tile = (top // _TILE) * columns + column
        open_pixels = (bottom - top) * (right - left)
        for k in range(starts[tile], starts[tile + 1]):
            i = members[k]
            x, y = spots[i, 0], spots[i, 1]
            first_y = max(top, int(y - spots[i, 4]))
            last_y = min(bottom, int(y + spots[i, 4]) + 1)
            first_x = max(left, int(x - spots[i, 5]))
            last_x = min(right, int(x + spots[i, 5]) + 1)
            for py in range(first_y, last_y):
                dy = py + 0.5 - y
                for px in range(first_x, last_x):
                    transmittance = 1.0 - out[py, px, 3]
                    if transmittance < _FINISHED:
                        continue
                    dx = px + 0.5 - x
                    power = spots[i, 6] * dx * dx + 2.0 * spots[i, 7] * dx * dy + spots[i, 8] * dy * dy
                    alpha = min(spots[i, 3] * np.exp(-0.5 * power), _LARGEST_ALPHA)
                    if alpha < 1.0 / 255.0:
                        continue
                    weight = alpha * transmittance
                    out[py, px, 0] += weight * colours[i, 0]
                    out[py, px, 1] += weight * colours[i, 1]
                    out[py, px, 2] += weight * colours[i, 2]
                    out[py, px, 3] += weight
                    out[py, px, 4] += weight * spots[i, 2]
                    if 1.0 - out[py, px, 3] < _FINISHED:
                        open_pixels -= 1
            if open_pixels == 0:
                break
