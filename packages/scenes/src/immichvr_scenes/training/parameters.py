"""The Gaussians that are trained: from points, as tensors with gradients, to a cloud.

The names are those that gsplat's strategies go by: means, scales (logarithms), quats, opacities (logits), sh0, shN.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from immichvr_splats import SH_C0, Camera, GaussianCloud, Marks, lod_points
from immichvr_splats.cloud import SH_COEFFICIENTS
from immichvr_splats.pointclouds import PointCloud
from scipy.spatial import cKDTree

Parameters = dict[str, torch.nn.Parameter]

_NEIGHBOURS = 3
_OPACITY = 0.5
_WIDTH = 0.6
"""Of the distance to its neighbours, how wide a Gaussian is at first: they overlap, and few pixels see many of them."""
_LEAST_SPACING = 1e-7


def initial(points: PointCloud, count: int, sh_degree: int, device: torch.device) -> Parameters:
    """A round Gaussian for every point, as wide as its neighbours are far; no more than `count`, by merging points."""
    cloud = lod_points(points, count)
    spacing = _spacing(cloud.points)
    quaternions = np.zeros((cloud.count, 4), np.float32)
    quaternions[:, 0] = 1
    values = {
        "means": cloud.points,
        "scales": np.repeat(np.log(_WIDTH * spacing)[:, None], 3, axis=1),
        "quats": quaternions,
        "opacities": np.full(cloud.count, np.log(_OPACITY / (1 - _OPACITY))),
        "sh0": (cloud.colors[:, None] / 255 - 0.5) / SH_C0,
        "shN": np.zeros((cloud.count, SH_COEFFICIENTS[sh_degree] - 1, 3)),
    }
    return trainable({name: torch.from_numpy(np.array(value, np.float32)) for name, value in values.items()}, device)


def trainable(values: dict[str, torch.Tensor], device: torch.device) -> Parameters:
    """The values on a device, each to get a gradient."""
    return {name: torch.nn.Parameter(value.to(device)) for name, value in values.items()}


def of_cloud(cloud: GaussianCloud, sh_degree: int, device: torch.device) -> Parameters:
    """The Gaussians of a cloud, its harmonics cut off above `sh_degree` or continued with zeros."""
    rest = np.zeros((cloud.count, SH_COEFFICIENTS[sh_degree] - 1, 3), np.float32)
    kept = min(rest.shape[1], cloud.sh.shape[1] - 1)
    rest[:, :kept] = cloud.sh[:, 1 : 1 + kept]
    values = {
        "means": cloud.means,
        "scales": cloud.log_scales,
        "quats": cloud.quaternions,
        "opacities": cloud.opacity_logits,
        "sh0": cloud.sh[:, :1],
        "shN": rest,
    }
    return trainable({name: torch.from_numpy(np.array(value, np.float32)) for name, value in values.items()}, device)


def to_cloud(params: Parameters, camera: Camera | None, antialiased: bool) -> GaussianCloud:
    """The Gaussians as they are now."""
    values = {name: value.detach().cpu().numpy() for name, value in params.items()}
    lengths = np.linalg.norm(values["quats"], axis=1, keepdims=True)
    return GaussianCloud(
        means=values["means"],
        log_scales=values["scales"],
        quaternions=values["quats"] / np.maximum(lengths, 1e-12),
        opacity_logits=values["opacities"],
        sh=np.concatenate([values["sh0"], values["shN"]], axis=1),
        camera=camera,
        marks=Marks(antialiased=antialiased),
    )


def _spacing(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """How far each point's nearest neighbours are, root of the mean square; of lone ones and twins, the least."""
    near = min(_NEIGHBOURS + 1, points.shape[0])
    distances = cKDTree(points).query(points, k=near)[0].reshape(points.shape[0], near)[:, 1:]
    squares = np.square(distances).mean(axis=1) if near > 1 else np.zeros(points.shape[0])
    return np.sqrt(np.maximum(squares, _LEAST_SPACING**2))
