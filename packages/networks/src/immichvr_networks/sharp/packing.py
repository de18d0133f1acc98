"""From the tensors of SHARP's Gaussians to a cloud in this computer's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
from immichvr_splats import SH_C0, Camera, GaussianCloud

from immichvr_networks.sharp.unprojection import unprojected

if TYPE_CHECKING:
    import torch

_LARGEST_LOGIT = 20.0  # where the cloud's own readers clamp: sigmoid(20) is 1 in float32


def to_cloud(
    means: torch.Tensor,
    scales: torch.Tensor,
    quaternions: torch.Tensor,
    colors: torch.Tensor,
    opacities: torch.Tensor,
    camera: Camera,
) -> GaussianCloud:
    """The cloud of what SHARP's network gives for one photo; all the arithmetic happens on the tensors' device.

    means, scales (standard deviations), quaternions: in normalised space, (N, 3), (N, 3), (N, 4). colors: (N, 3),
    linear RGB in 0..1. opacities: (N,), 0..1. Any dtype. Returns means in metres and sRGB colours.
    """
    import torch

    metric, metric_scales, rotations = unprojected(means.float(), scales.float(), quaternions.float(), camera)
    fields = (
        metric,
        torch.log(metric_scales),
        rotations,
        opacity_logits(opacities.float()),
        (encoded_srgb(colors.float()) - 0.5) / SH_C0,
    )
    # Into page-locked memory where there is such, all on their way at once.
    arrays = [field.contiguous().to("cpu", non_blocking=metric.is_cuda) for field in fields]
    if metric.is_cuda:
        torch.cuda.current_stream(metric.device).synchronize()
    means_, log_scales, quaternions_, logits, f_dc = (cast("npt.NDArray[np.float32]", a.numpy()) for a in arrays)
    return GaussianCloud(means_, log_scales, quaternions_, logits, f_dc[:, None, :], camera=camera)


def opacity_logits(opacities: torch.Tensor) -> torch.Tensor:
    """Logits, finite for opacities of 0 and 1 too."""
    import torch

    return (torch.log(opacities) - torch.log1p(-opacities)).clamp(-_LARGEST_LOGIT, _LARGEST_LOGIT)


def encoded_srgb(linear: torch.Tensor) -> torch.Tensor:
    """Linear RGB through the transfer function of sRGB, IEC 61966-2-1."""
    import torch

    bright = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, bright)
