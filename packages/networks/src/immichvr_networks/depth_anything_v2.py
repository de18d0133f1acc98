"""Depth Anything V2 through transformers, of any size: relative inverse depth.

Source: Yang et al., "Depth Anything V2" (NeurIPS 2024); input preparation as in the published
preprocessor_config.json (518 pixels, multiples of 14, bicubic, ImageNet statistics).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from immichvr_depth.depth_map import FloatImage
from immichvr_inference.network import Compute, View, ViewDepth

from immichvr_networks.disparity import depth_of
from immichvr_networks.pictures import IMAGENET_MEAN, IMAGENET_STD, input_size, normalised, predicted
from immichvr_networks.pretrained import PretrainedDepth, random_network

if TYPE_CHECKING:
    import torch

PATCH = 14
"""Pixels of one patch of the vision transformer; both sides of the input are multiples of it."""
SHORTER_SIDE = 518
"""The shorter side of the input; the networks were trained at 518 x 518."""
LONGEST_SIDE = 4 * SHORTER_SIDE
"""The longer side of the input, at most: attention grows with the square of the number of patches."""


class DepthAnythingV2(PretrainedDepth):
    """The relative models: inverse depth, correct up to scale and shift."""

    architecture = "DepthAnythingForDepthEstimation"

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        """Four layers of 16 features."""
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
        network = random_network(self.architecture, config, seed)
        network.get_parameter("head.conv3.bias").data.fill_(0.5)  # or most of the output would be cut off at 0
        return network

    def depth_of_view(self, module: torch.nn.Module, view: View, compute: Compute) -> ViewDepth:
        """Relative depth of one photo."""
        import torch

        pixels = torch.from_numpy(prepare(view.rgb, compute.effort)).to(compute.device)
        with compute.autocast():
            output = predicted(module(pixels).predicted_depth)
        return ViewDepth(depth_of(output, *view.rgb.shape[:2]), metric=False)


def prepare(rgb: npt.NDArray[np.uint8], effort: float = 1.0) -> FloatImage:
    """The network's input for a photo: (1, 3, h, w) float32, normalised, both sides multiples of 14."""
    shorter, longest = round(SHORTER_SIDE * effort), round(LONGEST_SIDE * effort)
    size = input_size(rgb.shape[0], rgb.shape[1], shorter, longest, PATCH)
    return normalised(rgb, size, IMAGENET_MEAN, IMAGENET_STD)


NETWORKS = {key: DepthAnythingV2() for key in ("da2-small", "da2-base", "da2-large")}
