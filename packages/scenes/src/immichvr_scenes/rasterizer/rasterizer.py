"""Gaussians as tensors, and pictures of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from immichvr_splats import GaussianCloud

from immichvr_scenes.cameras import Camera
from immichvr_scenes.rasterizer.blending import Blend
from immichvr_scenes.rasterizer.harmonics import colours_from
from immichvr_scenes.rasterizer.projection import spots_of


@dataclass(frozen=True, eq=False)
class Gaussians:
    """The values of a cloud as float32 tensors: of any length, since these are what is trained.

    means (N, 3), log_scales (N, 3), quaternions (N, 4) wxyz of any length, opacity_logits (N,), sh (N, K, 3).
    """

    means: torch.Tensor
    log_scales: torch.Tensor
    quaternions: torch.Tensor
    opacity_logits: torch.Tensor
    sh: torch.Tensor

    @classmethod
    def of(cls, cloud: GaussianCloud) -> Gaussians:
        """A copy of a cloud's values."""
        names = ("means", "log_scales", "quaternions", "opacity_logits", "sh")
        return cls(**{name: torch.from_numpy(np.array(getattr(cloud, name))) for name in names})


@dataclass(frozen=True, eq=False)
class Rendered:
    """rgb: (h, w, 3), from 0, over black. alpha: (h, w). depth: (h, w), along the axis, mean weighted by contribution.

    Where next to nothing is, depth is 0.
    """

    rgb: torch.Tensor
    alpha: torch.Tensor
    depth: torch.Tensor


def rasterize(
    gaussians: Gaussians,
    camera: Camera,
    world_to_camera: torch.Tensor,
    dilation: float = 0.3,
    compensate: bool = False,
) -> Rendered:
    """The Gaussians as `camera` sees them, with gradients of all that goes in, the camera's place too.

    world_to_camera: (4, 4), OpenCV axes. dilation, compensate: as in `immichvr_splats.rendering.render`, whose
    pictures these are. On the CPU; the same on every call, whatever the number of cores.
    """
    world_to_camera = world_to_camera.to(gaussians.means.dtype)
    eye = -world_to_camera[:3, :3].T @ world_to_camera[:3, 3]
    spots = spots_of(
        gaussians.means,
        gaussians.log_scales,
        gaussians.quaternions,
        gaussians.opacity_logits,
        colours_from(eye, gaussians.means, gaussians.sh),
        camera,
        world_to_camera,
        dilation,
        compensate,
    )
    rgb, alpha, far = Blend.apply(spots, camera.height, camera.width)
    depth = torch.where(alpha > _LEAST_COVER, far / alpha.clamp(min=_LEAST_COVER), 0.0)
    return Rendered(rgb, alpha, depth)


_LEAST_COVER = 1e-6
