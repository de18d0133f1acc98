"""Colours of Gaussians as they are seen from one place, with gradients."""

from __future__ import annotations

import math

import torch
from immichvr_splats.cloud import SH_C0

_A1 = math.sqrt(3 / (4 * math.pi))
_A2, _B2 = math.sqrt(15 / math.pi) / 2, math.sqrt(5 / math.pi) / 4
_A3, _B3 = math.sqrt(35 / (2 * math.pi)) / 4, math.sqrt(105 / math.pi) / 2
_C3, _D3 = math.sqrt(21 / (2 * math.pi)) / 4, math.sqrt(7 / math.pi) / 4


def colours_from(eye: torch.Tensor, means: torch.Tensor, sh: torch.Tensor) -> torch.Tensor:
    """Colours, (N, 3), 0 or more, of Gaussians at `means` (N, 3) with harmonics `sh` (N, K, 3) as seen from `eye`."""
    if sh.shape[1] == 1:
        return (0.5 + SH_C0 * sh[:, 0]).clamp(min=0)
    x, y, z = torch.nn.functional.normalize(means - eye, dim=1, eps=1e-12).unbind(1)
    basis = torch.stack(_basis(x, y, z, sh.shape[1]), dim=1)
    return (0.5 + torch.bmm(basis[:, None], sh)[:, 0]).clamp(min=0)


def _basis(x: torch.Tensor, y: torch.Tensor, z: torch.Tensor, count: int) -> list[torch.Tensor]:
    """Real spherical harmonics in the order and signs of 3D Gaussian splatting, of unit directions."""
    basis = [torch.full_like(x, SH_C0), -_A1 * y, _A1 * z, -_A1 * x]
    if count > 4:
        xx, yy, zz = x * x, y * y, z * z
        basis += [_A2 * x * y, -_A2 * y * z, _B2 * (2 * zz - xx - yy), -_A2 * x * z, 0.5 * _A2 * (xx - yy)]
        if count > 9:
            basis += [-_A3 * y * (3 * xx - yy), _B3 * x * y * z, -_C3 * y * (4 * zz - xx - yy)]
            basis += [_D3 * z * (2 * zz - 3 * xx - 3 * yy), -_C3 * x * (4 * zz - xx - yy)]
            basis += [0.5 * _B3 * z * (xx - yy), -_A3 * x * (xx - 3 * yy)]
    return basis
