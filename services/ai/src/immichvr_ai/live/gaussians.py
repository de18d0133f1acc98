"""Gaussians on their way to a screen: what a model gives, and which of them are sent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from immichvr_depth.compiled import Floats, Indices, kernel
from immichvr_splats import GaussianCloud
from immichvr_splats.color import to_srgb

SH_REST = 8
"""Coefficients beyond the constant one that are sent at degree 2."""
LARGEST_HALF = 65504.0
"""What float16 can hold; a larger value would arrive as infinity."""
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, eq=False)
class Gaussians:
    """n Gaussians in OpenCV axes of the camera; float32, contiguous.

    means: (n, 3). scales: (n, 3) linear. quaternions: (n, 4) wxyz. colours: (n, 3) constant coefficients of the
    spherical harmonics, sRGB. opacities: (n,) 0 to 1. sh: (n, 8, 3) further coefficients up to degree 2, or None.
    """

    means: Floats
    scales: Floats
    quaternions: Floats
    colours: Floats
    opacities: Floats
    sh: Floats | None = None

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.means.shape[0])

    def take(self, rows: Indices) -> Gaussians:
        """Those at `rows`, in that order."""
        return Gaussians(
            self.means[rows],
            self.scales[rows],
            self.quaternions[rows],
            self.colours[rows],
            self.opacities[rows],
            None if self.sh is None else self.sh[rows],
        )


def from_cloud(cloud: GaussianCloud, sh_degree: int) -> Gaussians:
    """A network's cloud, with spherical harmonics up to degree 2 where they are wanted and it has them."""
    srgb = to_srgb(cloud)
    rest = None
    if sh_degree == 2:
        rest = np.zeros((cloud.count, SH_REST, 3), np.float32)
        given = srgb.sh[:, 1 : SH_REST + 1]
        rest[:, : given.shape[1]] = given
    logits = srgb.opacity_logits
    return Gaussians(
        means=srgb.means,
        scales=np.exp(srgb.log_scales),
        quaternions=srgb.quaternions,
        colours=np.ascontiguousarray(srgb.sh[:, 0]),
        opacities=np.asarray(1.0 / (1.0 + np.exp(-logits)), np.float32),
        sh=rest,
    )


def to_cloud(gaussians: Gaussians) -> GaussianCloud:
    """The same as a cloud with a constant colour for each Gaussian."""
    opacity = np.clip(gaussians.opacities, 1e-6, 1 - 1e-6)
    return GaussianCloud(
        means=gaussians.means,
        log_scales=np.log(np.maximum(gaussians.scales, 1e-12)),
        quaternions=gaussians.quaternions,
        opacity_logits=np.log(opacity / (1 - opacity)),
        sh=gaussians.colours[:, None, :],
    )


@kernel
def _usable(
    means: Floats,
    scales: Floats,
    quaternions: Floats,
    colours: Floats,
    opacities: Floats,
    threshold: float,
    rows: Indices,
) -> tuple[int, int]:
    """Writes the rows worth sending; how many they are, and how many cannot be drawn at all."""
    kept, invalid = 0, 0
    for i in range(opacities.size):
        usable = 0.0 <= opacities[i] <= LARGEST_HALF
        norm = 0.0
        for axis in range(3):
            usable = usable and abs(means[i, axis]) <= LARGEST_HALF and abs(colours[i, axis]) <= LARGEST_HALF
            usable = usable and 0.0 <= scales[i, axis] <= LARGEST_HALF
        for part in range(4):
            norm += quaternions[i, part] * quaternions[i, part]
        if not (usable and 1e-12 < norm <= LARGEST_HALF):
            invalid += 1
        elif opacities[i] >= threshold:
            rows[kept] = i
            kept += 1
    return kept, invalid


@kernel
def _weights(means: Floats, scales: Floats, opacities: Floats, rows: Indices, out: Floats) -> None:
    for k in range(rows.size):
        i = rows[k]
        a, b, c = scales[i, 0], scales[i, 1], scales[i, 2]
        area = max(a * b, max(a * c, b * c))
        distance = means[i, 0] ** 2 + means[i, 1] ** 2 + means[i, 2] ** 2 + 1e-12
        # Equal ones are thinned out evenly instead of from the end.
        spread = 0.75 + 0.5 * ((i * _GOLDEN) % 1.0)
        out[k] = opacities[i] * area / distance * spread


def choose(gaussians: Gaussians, threshold: float, budget: int) -> tuple[Indices, int]:
    """Rows to send, in their order, and how many were invalid.

    Invalid is what is not finite, larger than float16 holds, of negative size or without a rotation. Below the
    opacity threshold nothing is sent; beyond the budget those stay that cover most of the view: opacity times area
    over squared distance.
    """
    rows = np.empty(gaussians.count, np.int32)
    kept, invalid = _usable(
        gaussians.means,
        gaussians.scales,
        gaussians.quaternions,
        gaussians.colours,
        gaussians.opacities,
        threshold,
        rows,
    )
    rows = rows[:kept]
    if kept > budget:
        weights = np.empty(kept, np.float32)
        _weights(gaussians.means, gaussians.scales, gaussians.opacities, rows, weights)
        rows = rows[np.sort(np.argpartition(weights, kept - budget)[kept - budget :])]
    return rows, invalid
