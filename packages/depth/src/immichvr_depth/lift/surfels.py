"""Gaussians that lie in the surface: one per cell, oriented and stretched by the gradient of the shift.

With P(u, v) the point that a cell sees, the Gaussian has covariance σ²·(P_u P_uᵀ + P_v P_vᵀ) and a thin third
axis along the normal. Seen from the photo's place it is a round spot of σ cells; seen from elsewhere it is
deformed exactly as the surface between neighbouring cells is, so that they keep overlapping.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from immichvr_depth.compiled import Floats, Mask, kernel
from immichvr_depth.lift.grid import WorkingGrid

FLATNESS = 0.1  # thickness along the normal, as a part of the shorter axis in the surface
STEEPEST = 0.1  # change of depth over one cell, as a part of the depth: beyond it a footprint is not linear


@dataclass(frozen=True)
class Surfels:
    """means (n, 3), log_scales (n, 3), quaternions (n, 4) wxyz; float32, OpenCV axes of the photo's camera."""

    means: Floats
    log_scales: Floats
    quaternions: Floats


@kernel
def shift_gradients(
    shift: Floats,
    right: Mask,
    down: Mask,
) -> Floats:
    """(h, w, 2) float32: change of shift per cell along x and y, never taken across a step."""
    height, width = shift.shape
    out = np.zeros((height, width, 2), np.float32)
    for y in range(height):
        for x in range(width):
            total, count = 0.0, 0
            if x > 0 and not right[y, x - 1]:
                total += shift[y, x] - shift[y, x - 1]
                count += 1
            if x + 1 < width and not right[y, x]:
                total += shift[y, x + 1] - shift[y, x]
                count += 1
            if count:
                out[y, x, 0] = total / count
            total, count = 0.0, 0
            if y > 0 and not down[y - 1, x]:
                total += shift[y, x] - shift[y - 1, x]
                count += 1
            if y + 1 < height and not down[y, x]:
                total += shift[y + 1, x] - shift[y, x]
                count += 1
            if count:
                out[y, x, 1] = total / count
    return out


@kernel
def _write_quaternion(
    out: Floats,
    i: int,
    a: tuple[float, float, float],
    b: tuple[float, float, float],
    c: tuple[float, float, float],
) -> None:
    """The rotation with columns a, b, c (Shepperd's method: divide by the largest component)."""
    trace = a[0] + b[1] + c[2]
    if trace > 0.0:
        s = 2.0 * np.sqrt(trace + 1.0)
        w, x, y, z = 0.25 * s, (b[2] - c[1]) / s, (c[0] - a[2]) / s, (a[1] - b[0]) / s
    elif a[0] > b[1] and a[0] > c[2]:
        s = 2.0 * np.sqrt(1.0 + a[0] - b[1] - c[2])
        w, x, y, z = (b[2] - c[1]) / s, 0.25 * s, (b[0] + a[1]) / s, (c[0] + a[2]) / s
    elif b[1] > c[2]:
        s = 2.0 * np.sqrt(1.0 + b[1] - a[0] - c[2])
        w, x, y, z = (c[0] - a[2]) / s, (b[0] + a[1]) / s, 0.25 * s, (c[1] + b[2]) / s
    else:
        s = 2.0 * np.sqrt(1.0 + c[2] - a[0] - b[1])
        w, x, y, z = (a[1] - b[0]) / s, (c[0] + a[2]) / s, (c[1] + b[2]) / s, 0.25 * s
    norm = np.sqrt(w * w + x * x + y * y + z * z)
    out[i, 0], out[i, 1], out[i, 2], out[i, 3] = w / norm, x / norm, y / norm, z / norm


@kernel
def _place(
    cells: Floats,
    shift: Floats,
    gradient: Floats,
    camera: tuple[float, float, float, float, float],
    sigma: Floats,
    means: Floats,
    log_scales: Floats,
    quaternions: Floats,
) -> None:
    fx, fy, cx, cy, parallax = camera
    for i in range(shift.size):
        s = float(shift[i])
        z = parallax / s
        ray_x, ray_y = (cells[i, 0] - cx) / fx, (cells[i, 1] - cy) / fy
        means[i, 0], means[i, 1], means[i, 2] = ray_x * z, ray_y * z, z
        along_u = -z * min(max(gradient[i, 0] / s, -STEEPEST), STEEPEST)
        along_v = -z * min(max(gradient[i, 1] / s, -STEEPEST), STEEPEST)
        ux, uy, uz = z / fx + along_u * ray_x, along_u * ray_y, along_u
        vx, vy, vz = along_v * ray_x, z / fy + along_v * ray_y, along_v
        # Principal axes within the surface: eigenvectors of the 2×2 metric of (P_u, P_v).
        uu = ux * ux + uy * uy + uz * uz
        vv = vx * vx + vy * vy + vz * vz
        uv = ux * vx + uy * vy + uz * vz
        angle = 0.5 * np.arctan2(2.0 * uv, uu - vv)
        c, d = np.cos(angle), np.sin(angle)
        ax, ay, az = c * ux + d * vx, c * uy + d * vy, c * uz + d * vz
        bx, by, bz = c * vx - d * ux, c * vy - d * uy, c * vz - d * uz
        long = np.sqrt(ax * ax + ay * ay + az * az)
        short = np.sqrt(bx * bx + by * by + bz * bz)
        ax, ay, az = ax / long, ay / long, az / long
        bx, by, bz = bx / short, by / short, bz / short
        normal = (ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)
        log_scales[i, 0] = np.log(sigma[i] * long)
        log_scales[i, 1] = np.log(sigma[i] * short)
        log_scales[i, 2] = np.log(sigma[i] * short * FLATNESS)
        _write_quaternion(quaternions, i, (ax, ay, az), (bx, by, bz), normal)


def place_surfels(cells: Floats, shift: Floats, gradient: Floats, grid: WorkingGrid, sigma: Floats) -> Surfels:
    """One Gaussian for each of n cells.

    cells: (n, 2) centres in cells of `grid`. shift: (n,) > 0. gradient: (n, 2) change of shift per cell.
    sigma: (n,) standard deviation in cells.
    """
    count = shift.size
    surfels = Surfels(
        np.empty((count, 3), np.float32), np.empty((count, 3), np.float32), np.empty((count, 4), np.float32)
    )
    camera = (grid.fx, grid.fy, grid.cx, grid.cy, grid.parallax)
    _place(cells, shift, gradient, camera, sigma, surfels.means, surfels.log_scales, surfels.quaternions)
    return surfels
