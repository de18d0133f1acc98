"""From what the Gaussian head says of each pixel to a cloud in the axes of its camera.

Source of the meaning of each channel: depth_anything_3/model/gs_adapter.py (0.1.1).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
from immichvr_splats import Camera, GaussianCloud
from immichvr_splats.cloud import OPACITY_LOGIT_LIMIT

from immichvr_networks.depth_anything_3.inputs import Window
from immichvr_networks.depth_anything_3.raw import RawGaussians

LEAST_OPACITY = 1 / 255
"""Below it a Gaussian changes no pixel of 8 bits."""
BORDER = 8 / 256
"""Share of a side that upstream's export cuts off at each border, where Gaussians are generally of lower quality."""
FARTHEST = 0.9
"""Quantile of depth beyond which upstream's export cuts a view off."""
_PIXEL = 0.1
"""A Gaussian's scale is this times its pixel's size at its depth, times what the head says."""
_HARMONIC = (1.0, 0.1 * 0.25, 0.1 * 0.25**2)
"""What upstream multiplies the harmonics of degree 0, 1, 2 by."""


def cloud_of(
    raw: RawGaussians, view: int, window: Window, camera: Camera, *, scale: float, alone: bool
) -> GaussianCloud:
    """The Gaussians of one view, one for each pixel of its photo, in its camera's axes.

    camera: in pixels of the canvas, in the network's world. scale: what the unit of the head's depth is in ours.
    alone: nothing else shows the place. Gaussians that no pixel would show, or behind the camera, are left out. In a
    scene of several views, so is what upstream's own export leaves out of each: the border, and what is farther than
    nine tenths of the view; other views show that better. In a single photo it would leave a hole, so it stays.
    """
    values, opacity, depth = (window.of(part[view]).float() for part in (raw.values, raw.opacities, raw.depth))
    reach = depth + values[..., -1]
    ys, xs = torch.meshgrid(*(torch.arange(side, device=depth.device) for side in depth.shape), indexing="ij")
    pixels = torch.stack([xs + window.left, ys + window.top], dim=-1) + 0.5 + values[..., :2]
    centre, focal = depth.new_tensor([camera.cx, camera.cy]), depth.new_tensor([camera.fx, camera.fy])
    rays = torch.cat([(pixels - centre) / focal, torch.ones_like(reach[..., None])], dim=-1)
    # The head's depth is taken along the ray, not along the optical axis.
    means = rays / rays.norm(dim=-1, keepdim=True) * (reach * scale)[..., None]
    pixel = _PIXEL * float(1 / camera.fx + 1 / camera.fy)
    sizes = raw.smallest + (raw.largest - raw.smallest) * values[..., 2:5].sigmoid()
    log_scales = (sizes * (reach * scale * pixel)[..., None]).log()
    turns = torch.nn.functional.normalize(values[..., [8, 5, 6, 7]], dim=-1)
    turns = turns @ turns.new_tensor(_as_rendered(camera.extrinsic[:3, :3]).T)
    harmonics = values[..., 9:-1].unflatten(-1, (3, -1)).transpose(-1, -2)
    harmonics = harmonics * _damping(harmonics)
    logits = torch.logit(opacity).clamp(-OPACITY_LOGIT_LIMIT, OPACITY_LOGIT_LIMIT)
    kept = (turns.norm(dim=-1) > 0.5) & (reach > 0) & (opacity >= LEAST_OPACITY)
    if not alone:
        kept &= _within(depth)
    for part in (means, log_scales, turns, harmonics.flatten(-2)):
        kept &= part.isfinite().all(dim=-1)
    return GaussianCloud(
        means=means[kept].cpu().numpy(),
        log_scales=log_scales[kept].cpu().numpy(),
        quaternions=turns[kept].cpu().numpy(),
        opacity_logits=logits[kept].cpu().numpy(),
        sh=harmonics[kept].cpu().numpy(),
    )


def merged(clouds: list[GaussianCloud], camera: Camera) -> GaussianCloud:
    """All Gaussians of several clouds in one world, with the camera they are looked at from."""
    return GaussianCloud(
        means=np.concatenate([cloud.means for cloud in clouds]),
        log_scales=np.concatenate([cloud.log_scales for cloud in clouds]),
        quaternions=np.concatenate([cloud.quaternions for cloud in clouds]),
        opacity_logits=np.concatenate([cloud.opacity_logits for cloud in clouds]),
        sh=np.concatenate([cloud.sh for cloud in clouds]),
        camera=camera,
    )


def _as_rendered(rotation: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What becomes of the head's quaternions, wxyz, by the time upstream renders them: a (4, 4) matrix.

    rotation: of the extrinsic, network's world to camera. Upstream turns quaternions into the world with the order
    xyzw and renders the result as wxyz (`cam_quat_xyzw_to_world_quat_wxyz`). Nothing comes of it in a camera that is
    not turned; in others it is kept, as the published weights were presumably trained with it. Given here in the
    camera's axes.
    """
    vector = cv2.Rodrigues(rotation.T)[0].ravel()
    angle = float(np.linalg.norm(vector))
    w, (x, y, z) = np.cos(angle / 2), np.sinc(angle / (2 * np.pi)) / 2 * vector
    to_world = np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]])
    order = [3, 0, 1, 2]  # of xyzw, for wxyz
    misread = np.empty_like(to_world)
    misread[np.ix_(order, order)] = to_world
    back: npt.NDArray[np.float64] = to_world.T @ misread
    return back


def _damping(harmonics: torch.Tensor) -> torch.Tensor:
    """The factor of each of K harmonics, (K, 1)."""
    count = harmonics.shape[-2]
    factors = [factor for degree, factor in enumerate(_HARMONIC) for _ in range(2 * degree + 1)]
    return harmonics.new_tensor(factors[:count])[:, None]


def _within(depth: torch.Tensor) -> torch.Tensor:
    """Which pixels of (H, W) depth are neither at the border nor among the farthest."""
    height, width = depth.shape
    rows, columns = int(BORDER * height), int(BORDER * width)
    inside = torch.zeros_like(depth, dtype=torch.bool)
    inside[rows : height - rows, columns : width - columns] = True
    return inside & (depth <= torch.quantile(depth.flatten(), FARTHEST))
