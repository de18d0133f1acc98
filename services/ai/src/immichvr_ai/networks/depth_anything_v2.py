"""Depth Anything V2 through transformers: what goes into the network and what its output means.

Source: Yang et al., "Depth Anything V2" (NeurIPS 2024); input preparation as in the published
preprocessor_config.json (518 pixels, multiples of 14, bicubic, ImageNet statistics).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from immichvr_ai.depth_map import MEDIAN, FloatImage, with_median
from immichvr_ai.networks.base import Compute, View, ViewDepth
from immichvr_ai.networks.pictures import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    in_aspect_of,
    input_size,
    normalised,
    predicted,
)
from immichvr_ai.networks.pretrained import load_pretrained, random_network

if TYPE_CHECKING:
    import torch

PATCH = 14
"""Pixels of one patch of the vision transformer; both sides of the input are multiples of it."""
SHORTER_SIDE = 518
"""The shorter side of the input; the networks were trained at 518 x 518."""
LONGEST_SIDE = 4 * SHORTER_SIDE
"""The longer side of the input, at most: attention grows with the square of the number of patches."""
NEAR_TO_FAR = 20.0
"""Depth of disparity 0 (the sky) over that of the near end of the scene: an assumption, see `depth_of`."""
NEAREST = 4.0
"""Disparity of the nearest pixel over that of the near end of the scene, at most."""


class DepthAnythingV2:
    """The relative models of any size: inverse depth, correct up to scale and shift."""

    metric = False
    bf16 = True

    def load(self, directory: Path) -> torch.nn.Module:
        """Load config.json and model.safetensors."""
        return load_pretrained("DepthAnythingForDepthEstimation", directory)

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        """A network of four layers of 16 features."""
        from transformers import DepthAnythingConfig, Dinov2Config

        backbone = Dinov2Config(
            hidden_size=16,
            num_hidden_layers=4,
            num_attention_heads=2,
            mlp_ratio=2,
            image_size=518,
            out_features=["stage1", "stage2", "stage3", "stage4"],
            reshape_hidden_states=False,
        )
        config = DepthAnythingConfig(
            backbone_config=backbone,
            reassemble_hidden_size=16,
            neck_hidden_sizes=[4, 4, 8, 8],
            fusion_hidden_size=4,
            head_hidden_size=4,
        )
        network = random_network("DepthAnythingForDepthEstimation", config, seed)
        network.get_submodule("head.conv3").bias.data.fill_(0.5)  # or most of the output would be cut off at 0
        return network

    def depth(self, module: torch.nn.Module, views: Sequence[View], compute: Compute) -> list[ViewDepth]:
        """Relative depth of each photo, at the network's resolution."""
        return [self._depth(module, view.rgb, compute) for view in views]

    def _depth(self, module: torch.nn.Module, rgb: npt.NDArray[np.uint8], compute: Compute) -> ViewDepth:
        import torch

        pixels = torch.from_numpy(prepare(rgb, compute.effort)).to(compute.device)
        with compute.autocast():
            output = predicted(module(pixels).predicted_depth)
        return ViewDepth(depth_of(output, *rgb.shape[:2]), metric=False)


def prepare(rgb: npt.NDArray[np.uint8], effort: float = 1.0) -> FloatImage:
    """The network's input for a photo: (1, 3, h, w) float32, normalised, both sides multiples of 14."""
    shorter, longest = round(SHORTER_SIDE * effort), round(LONGEST_SIDE * effort)
    size = input_size(rgb.shape[0], rgb.shape[1], shorter, longest, PATCH)
    return normalised(rgb, size, IMAGENET_MEAN, IMAGENET_STD)


def depth_of(output: FloatImage, height: int, width: int) -> FloatImage:
    """Depth of a photo of this height and width from the network's output.

    output: (h, w) float32, not negative, 1 / depth up to an unknown scale and shift. The shift is taken to be
    zero, as 0 is what the network was taught for the sky; 0 is then put `NEAR_TO_FAR` times farther than the
    98th percentile, so that nothing is infinitely far. Returns (H, W) float32, median 2, at the network's
    resolution and the photo's aspect ratio.
    """
    fitted = in_aspect_of(output, height, width)
    near = float(np.percentile(fitted, 98))
    if near <= 1e-6:
        return np.full(fitted.shape, MEDIAN, np.float32)
    relative = np.clip(fitted / np.float32(near), 0.0, NEAREST)
    return with_median(np.asarray(NEAR_TO_FAR / (1.0 + (NEAR_TO_FAR - 1.0) * relative), np.float32))
