"""MiDaS 3.0 (DPT-Large) through transformers: relative inverse depth.

Source: Ranftl, Bochkovskiy, Koltun, "Vision Transformers for Dense Prediction" (ICCV 2021); input preparation as in
transformers' DPTImageProcessor: 384 × 384 whatever the aspect ratio (its network takes squares only), bicubic, mean
and deviation 0.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from immichvr_depth.depth_map import FloatImage
from immichvr_inference.network import Compute, View, ViewDepth

from immichvr_networks.disparity import depth_of
from immichvr_networks.pictures import HALF, normalised, predicted
from immichvr_networks.pretrained import PretrainedDepth, random_network

if TYPE_CHECKING:
    import torch

SIDE = 384
MULTIPLE = 32


class Midas(PretrainedDepth):
    """Inverse depth, correct up to scale and shift."""

    architecture = "DPTForDepthEstimation"
    unused = ("neck.fusion_stage.layers.0.residual_layer1.",)

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        """Four layers of 16 features."""
        from transformers import DPTConfig

        config = DPTConfig(
            hidden_size=16,
            num_hidden_layers=4,
            num_attention_heads=2,
            intermediate_size=32,
            image_size=384,
            backbone_out_indices=[0, 1, 2, 3],
            neck_hidden_sizes=[4, 4, 8, 8],
            fusion_hidden_size=4,
            backbone_config=None,
        )
        network = random_network(self.architecture, config, seed)
        network.get_parameter("head.head.4.bias").data.fill_(0.5)  # or most of the output would be cut off at 0
        return network

    def depth_of_view(self, module: torch.nn.Module, view: View, compute: Compute) -> ViewDepth:
        """Relative depth of one photo."""
        import torch

        pixels = torch.from_numpy(prepare(view.rgb, compute.effort)).to(compute.device)
        with compute.autocast():
            output = predicted(module(pixels).predicted_depth)
        return ViewDepth(depth_of(np.maximum(output, 0), *view.rgb.shape[:2]), metric=False)


def prepare(rgb: npt.NDArray[np.uint8], effort: float = 1.0) -> FloatImage:
    """The network's input for a photo: (1, 3, side, side) float32 in -1..1, the side a multiple of 32."""
    side = max(1, round(SIDE * effort / MULTIPLE)) * MULTIPLE
    return normalised(rgb, (side, side), HALF, HALF)


NETWORKS = {"midas-dpt-large": Midas()}
