"""From SHARP's normalised space to metres.

The network places a Gaussian at (x z, y z, z), where x and y run from -1 at the left and upper edge of the photo to 1
at the other: the same for every focal length. The camera makes metres of it by one linear map for the whole photo.
Source: github.com/apple/ml-sharp, `sharp.utils.gaussians.unproject_gaussians`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from immichvr_splats import Camera

from immichvr_networks.sharp.ellipsoids import mapped_axes

if TYPE_CHECKING:
    import torch


def photo_camera(width: int, height: int, focal_px: float) -> Camera:
    """The camera that SHARP assumes: square pixels, the optical axis through the middle of the photo."""
    return Camera(fx=focal_px, fy=focal_px, cx=width / 2, cy=height / 2, width=width, height=height)


def disparity_factor(width: int, focal_px: float) -> float:
    """What the network divides by its disparity to get metres: the focal length in widths of the photo."""
    return focal_px / width


def unprojected(
    means: torch.Tensor, scales: torch.Tensor, quaternions: torch.Tensor, camera: Camera
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Means (N, 3), scales (N, 3) and quaternions (N, 4) of normalised space in metres, OpenCV axes of the camera."""
    import torch

    half_extents = [camera.width / (2 * camera.fx), camera.height / (2 * camera.fy), 1.0]
    factors = torch.tensor(half_extents, dtype=means.dtype, device=means.device)
    return means * factors, *mapped_axes(torch.diag(factors), scales, quaternions)
