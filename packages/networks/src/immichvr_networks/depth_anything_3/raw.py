"""The end of the Gaussian branch, in the place of upstream's `GaussianAdapter`. Imported by upstream, by its path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class RawGaussians:
    """What the Gaussian head says of each pixel, before any camera or scale.

    values: (S, H, W, C) float32: offset in pixels (2), scales (3), quaternion xyzw (4), harmonics (3 x K), offset of
    depth. opacities: (S, H, W) in 0 to 1. depth: (S, H, W), as the depth head gave it: a copy, since the nested
    network goes on to scale its own in place.
    """

    values: torch.Tensor
    opacities: torch.Tensor
    depth: torch.Tensor
    smallest: float
    largest: float


class RawAdapter(torch.nn.Module):  # type: ignore[misc]  # torch is not followed by mypy
    """Hands on what the head says, so that cameras, scale and pruning are ours; has no weights.

    Upstream's adapter imports evo (GPL) and e3nn to turn what it makes into the world's axes.
    """

    def __init__(
        self,
        sh_degree: int,
        pred_color: bool,
        pred_offset_depth: bool,
        pred_offset_xy: bool,
        gaussian_scale_min: float,
        gaussian_scale_max: float,
    ) -> None:
        super().__init__()
        if pred_color or not (pred_offset_depth and pred_offset_xy):
            raise ValueError("the Gaussian head is expected to give harmonics and offsets in x, y and depth")
        self.smallest, self.largest = float(gaussian_scale_min), float(gaussian_scale_max)
        self.d_in = 2 + 3 + 4 + 3 * (sh_degree + 1) ** 2 + 1

    def forward(
        self, *, raw_gaussians: torch.Tensor, opacities: torch.Tensor, depths: torch.Tensor, **_: Any
    ) -> RawGaussians:
        """The first and only scene of a batch."""
        return RawGaussians(raw_gaussians[0], opacities[0], depths[0].clone(), self.smallest, self.largest)
