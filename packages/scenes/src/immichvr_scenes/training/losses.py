"""How far a picture is from another: L1 and structural similarity, and depth."""

from __future__ import annotations

import torch

from immichvr_scenes.training.similarity import similarity

_DSSIM_SHARE = 0.2
_COVERED = 0.5


def picture_loss(rgb: torch.Tensor, wanted: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """0.8 L1 + 0.2 (1 - SSIM) of (h, w, 3), over the pixels of `mask` (h, w) only; SSIM's windows see it black."""
    if mask is None:
        return (1 - _DSSIM_SHARE) * (rgb - wanted).abs().mean() + _DSSIM_SHARE * (1 - similarity(rgb, wanted).mean())
    known = mask[..., None].to(rgb.dtype)
    share = known.mean().clamp(min=1e-6)
    rgb, wanted = rgb * known, wanted * known
    far = (rgb - wanted).abs().mean() / share
    unlike = ((1 - similarity(rgb, wanted)) * known).mean() / share
    return (1 - _DSSIM_SHARE) * far + _DSSIM_SHARE * unlike


def depth_loss(
    depth: torch.Tensor, alpha: torch.Tensor, wanted: torch.Tensor, mask: torch.Tensor | None, extent: float
) -> torch.Tensor:
    """How far inverse depths, (h, w), are apart on average where something is drawn and depth is known.

    extent: how large the place is, in the unit of the depths.
    """
    counted = (alpha > _COVERED) & torch.isfinite(wanted) & (wanted > 0) & (depth > 0)
    if mask is not None:
        counted &= mask
    here, there = torch.where(counted, depth, 1.0), torch.where(counted, wanted, 1.0)
    return ((1 / here - 1 / there).abs() * extent).sum() / counted.sum().clamp(min=1)
