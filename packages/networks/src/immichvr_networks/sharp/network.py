"""SHARP: a photo becomes Gaussians in metres in one pass.

Source: Mescheder et al., "Sharp Monocular View Synthesis in Less Than a Second", Apple 2025; github.com/apple/ml-sharp.
The network is upstream's own; what goes in, what its output means and everything after it are here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import numpy.typing as npt
from immichvr_inference.network import Compute, View
from immichvr_splats import GaussianCloud

from immichvr_networks.sharp import upstream
from immichvr_networks.sharp.packing import to_cloud
from immichvr_networks.sharp.precision import reduced
from immichvr_networks.sharp.unprojection import disparity_factor, photo_camera

if TYPE_CHECKING:
    import torch

LARGEST_BATCH = 4
"""Photos that go through the network at once on a GPU. A CPU is busy with one."""


class Sharp:
    """Gaussians of single photos: two for every other pixel of the network's 1536 x 1536, 1,179,648 in all.

    In bfloat16, of 99 Gaussians in 100, means change by less than 0.1 %, colours 1 %, opacities 5 %, covariances 15 %:
    bounds that tests/upstream holds for random weights. In float32 all are upstream's to 1e-4.
    """

    metric = True
    bf16: bool | Literal["asked"] = "asked"

    def load(self, directory: Path) -> torch.nn.Module:
        """Load the published weights; mapped from the file until they go to a device."""
        return upstream.full(directory / upstream.WEIGHTS)

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        """128 x 128 inside, 8,192 Gaussians."""
        return upstream.tiny(seed)

    def splats(self, module: torch.nn.Module, views: Sequence[View], compute: Compute) -> list[GaussianCloud]:
        """A cloud for each photo, metres, OpenCV axes of its camera.

        The network sees every photo at one size; with less effort it sees one at a time.
        """
        import torch

        at_once = LARGEST_BATCH if compute.device.type == "cuda" and compute.effort >= 1 else 1
        clouds: list[GaussianCloud] = []
        with torch.inference_mode():
            for batch in _batches(views, at_once):
                gaussians = forward(module, batch, compute)
                clouds += [_cloud(gaussians, index, view) for index, view in enumerate(batch)]
        return clouds


def forward(module: torch.nn.Module, views: Sequence[View], compute: Compute) -> Any:
    """What the network gives for a batch of photos, in upstream's type, in normalised space."""
    import torch

    size = cast("Any", module).internal_resolution()
    images = torch.cat([prepared(view.rgb, size, compute.device) for view in views])
    factors = torch.tensor([disparity_factor(view.rgb.shape[1], view.focal_px) for view in views], dtype=torch.float32)
    with reduced(module, compute):
        return module(images, factors.to(compute.device))


def prepared(rgb: npt.NDArray[np.uint8], size: int, device: torch.device) -> torch.Tensor:
    """The network's input for a photo: (1, 3, size, size) float32 in 0..1, stretched to a square without smoothing."""
    import torch

    pixels = torch.from_numpy(np.require(rgb, requirements=["C", "W"])).to(device).permute(2, 0, 1)[None].float() / 255
    return torch.nn.functional.interpolate(pixels, size=(size, size), mode="bilinear", align_corners=True)


def _cloud(gaussians: Any, index: int, view: View) -> GaussianCloud:
    height, width = view.rgb.shape[:2]
    return to_cloud(
        gaussians.mean_vectors[index],
        gaussians.singular_values[index],
        gaussians.quaternions[index],
        gaussians.colors[index],
        gaussians.opacities[index],
        photo_camera(width, height, view.focal_px),
    )


def _batches(views: Sequence[View], size: int) -> Iterator[list[View]]:
    remaining = iter(views)
    while batch := list(islice(remaining, size)):
        yield batch
