"""Gaussians as a pinhole camera sees them, with gradients: EWA splatting as in `immichvr_splats.rendering`."""

from __future__ import annotations

import torch

from immichvr_scenes.cameras import Camera

_NEAR = 0.01
_LEAST_ALPHA = 1 / 255
_SIDE = 1.3  # of half the field of view: farther out the perspective is not linear enough to be derived
_LARGEST = 3e38
_LEAST_SHARE = 1e-8


def spots_of(
    means: torch.Tensor,
    log_scales: torch.Tensor,
    quaternions: torch.Tensor,
    logits: torch.Tensor,
    colours: torch.Tensor,
    camera: Camera,
    world_to_camera: torch.Tensor,
    dilation: float,
    compensate: bool,
) -> torch.Tensor:
    """A row of `immichvr_splats.rendering.spots` for every Gaussian, (N, WIDTH); opacity 0 where it is not to be seen.

    world_to_camera: (4, 4), OpenCV axes. dilation: low-pass in square pixels. compensate: as in `render`.
    """
    turn = world_to_camera[:3, :3]
    x, y, z = (means @ turn.T + world_to_camera[:3, 3]).unbind(1)
    in_front = (z >= _NEAR) & (z < _LARGEST)
    z = torch.where(in_front, z, 1.0)
    xx, xy, yy = _covariances(x / z, y / z, z, log_scales, quaternions, camera, turn)
    sharp = (xx * yy - xy * xy).clamp(min=0)
    xx, yy = xx + dilation, yy + dilation
    determinant = xx * yy - xy * xy
    sound = in_front & (determinant > 0) & torch.isfinite(determinant)
    determinant = torch.where(sound, determinant, 1.0)
    opacity = torch.sigmoid(logits)
    if compensate:
        # The root's slope is infinite at 0, where a Gaussian is a line on the screen.
        opacity = opacity * (sharp / determinant + _LEAST_SHARE).sqrt()
    screen_x, screen_y = camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy
    with torch.no_grad():
        squared = 2 * (opacity.clamp(min=_LEAST_ALPHA) / _LEAST_ALPHA).log()
        reach_x, reach_y = (squared * xx).sqrt(), (squared * yy).sqrt()
        seen = sound & (opacity >= _LEAST_ALPHA)
        seen &= (screen_x - 0.5 * camera.width).abs() - reach_x <= 0.5 * camera.width
        seen &= (screen_y - 0.5 * camera.height).abs() - reach_y <= 0.5 * camera.height
        distance = (x * x + y * y + z * z).sqrt()
    opacity = torch.where(seen, opacity, 0.0)
    rows = [screen_x, screen_y, z, opacity, 0.5 * yy / determinant, -xy / determinant, 0.5 * xx / determinant]
    return torch.cat([torch.stack([*rows, reach_x, reach_y], dim=1), colours, distance[:, None]], dim=1)


def _covariances(
    ray_x: torch.Tensor,
    ray_y: torch.Tensor,
    z: torch.Tensor,
    log_scales: torch.Tensor,
    quaternions: torch.Tensor,
    camera: Camera,
    turn: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """On the screen, in square pixels: (N,) along x, across, and along y."""
    limit_x = _SIDE * max(camera.cx, camera.width - camera.cx) / camera.fx
    limit_y = _SIDE * max(camera.cy, camera.height - camera.cy) / camera.fy
    rays = torch.stack([ray_x.clamp(-limit_x, limit_x), ray_y.clamp(-limit_y, limit_y)], dim=1)
    lengths = torch.stack([camera.fx / z, camera.fy / z], dim=1)
    slopes = lengths[:, :, None] * (turn[None, :2] - rays[:, :, None] * turn[None, 2:])
    axes = torch.bmm(slopes, rotations(quaternions) * log_scales.exp()[:, None])
    along, across = axes.unbind(1)
    return (along * along).sum(1), (along * across).sum(1), (across * across).sum(1)


def rotations(quaternions: torch.Tensor) -> torch.Tensor:
    """Matrices, (N, 3, 3), of quaternions of any length, (N, 4) wxyz."""
    w, x, y, z = (quaternions / quaternions.norm(dim=1, keepdim=True)).unbind(1)
    wx, wy, wz, xx, xy, xz, yy, yz, zz = w * x, w * y, w * z, x * x, x * y, x * z, y * y, y * z, z * z
    rows = [1 - 2 * (yy + zz), 2 * (xy - wz), 2 * (xz + wy), 2 * (xy + wz), 1 - 2 * (xx + zz), 2 * (yz - wx)]
    return torch.stack([*rows, 2 * (xz - wy), 2 * (yz + wx), 1 - 2 * (xx + yy)], dim=1).reshape(-1, 3, 3)


def turned_by(angles: torch.Tensor) -> torch.Tensor:
    """Matrices, (…, 3, 3), of small turns about the axes, (…, 3) radians, exact to second order and orthogonal."""
    halves = torch.cat([torch.ones_like(angles[..., :1]), angles / 2], dim=-1)
    return rotations(halves.reshape(-1, 4)).reshape(*angles.shape[:-1], 3, 3)
