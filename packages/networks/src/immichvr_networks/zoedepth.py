"""ZoeDepth through transformers: depth in metres.

Source: Bhat et al., "ZoeDepth: Zero-shot Transfer by Combining Relative and Metric Depth" (2023); input preparation
as in transformers' ZoeDepthImageProcessor and the published preprocessor_config.json: a mirrored border that grows
with the root of the photo's size, then 384 × 512 with the aspect ratio kept, multiples of 32, bilinear with aligned
corners, mean and deviation 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_inference.network import Compute, View, ViewDepth

from immichvr_networks.pictures import predicted, resized_within
from immichvr_networks.pretrained import PretrainedDepth, random_network

if TYPE_CHECKING:
    import torch

MULTIPLE = 32
HEIGHT, WIDTH = 384, 512
LONGEST_SIDE = 4 * WIDTH
NEAREST_M = 0.01
"""No depth is nearer, in metres."""


class ZoeDepth(PretrainedDepth):
    """Metric depth by bins, of two domains (indoors and roads) or one."""

    architecture = "ZoeDepthForDepthEstimation"
    metric = True

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        """Four layers of 16 features, with a head for each of two domains."""
        from transformers import BeitConfig, ZoeDepthConfig

        backbone = BeitConfig(
            image_size=384,
            hidden_size=16,
            num_hidden_layers=4,
            num_attention_heads=2,
            intermediate_size=32,
            use_relative_position_bias=True,
            reshape_hidden_states=False,
            out_features=["stage1", "stage2", "stage3", "stage4"],
        )
        config = ZoeDepthConfig(
            backbone_config=backbone,
            neck_hidden_sizes=[4, 4, 8, 8],
            fusion_hidden_size=8,
            num_relative_features=8,
            bottleneck_features=8,
            bin_embedding_dim=8,
            num_attractors=[4, 3, 2, 1],
            patch_transformer_hidden_size=128,  # the classifier of domains takes no other
            patch_transformer_intermediate_size=16,
            patch_transformer_num_attention_heads=2,
            num_patch_transformer_layers=4,
            bin_configurations=[
                {"name": "nyu", "n_bins": 8, "min_depth": 0.001, "max_depth": 10.0},
                {"name": "kitti", "n_bins": 8, "min_depth": 0.001, "max_depth": 80.0},
            ],
        )
        return random_network(self.architecture, config, seed)

    def depth_of_view(self, module: torch.nn.Module, view: View, compute: Compute) -> ViewDepth:
        """Metric depth of one photo."""
        pixels, frame = prepare(view.rgb, compute.effort)
        with compute.autocast():
            output = predicted(module(pixels.to(compute.device)).predicted_depth)
        return ViewDepth(np.maximum(frame.inside(output), np.float32(NEAREST_M)), metric=True)


@dataclass(frozen=True)
class Frame:
    """The photo and its mirrored border. height, width: of the photo; top, left: of its border."""

    height: int
    width: int
    top: int
    left: int

    def inside(self, output: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """What an output says of the photo alone, (h, w), at the output's resolution and the photo's aspect ratio."""
        whole = (self.width + 2 * self.left, self.height + 2 * self.top)
        scale = min(1.0, max(output.shape) / max(whole))
        height, width = max(1, round(self.height * scale)), max(1, round(self.width * scale))
        columns = (np.arange(width, dtype=np.float32) + 0.5) * self.width / width + self.left
        rows = (np.arange(height, dtype=np.float32) + 0.5) * self.height / height + self.top
        columns = columns * output.shape[1] / whole[0] - 0.5
        rows = rows * output.shape[0] / whole[1] - 0.5
        across, down = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
        sampled = cv2.remap(output, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(sampled, np.float32)


def prepare(rgb: npt.NDArray[np.uint8], effort: float = 1.0) -> tuple[torch.Tensor, Frame]:
    """The network's input for a photo, (1, 3, h, w) float32 in -1..1, and where the photo is in it.

    A photo of more than `LONGEST_SIDE` pixels is shrunk first, and its border with it, so that memory stays bounded.
    """
    import torch

    border = [int(math.sqrt(side / 2) * 3) for side in rgb.shape[:2]]
    small = resized_within(rgb, LONGEST_SIDE)
    height, width = small.shape[:2]
    top, left = (
        min(round(one * now / before), now - 1)
        for one, now, before in zip(border, (height, width), rgb.shape[:2], strict=True)
    )
    framed = np.pad(small, ((top, top), (left, left), (0, 0)), mode="reflect").astype(np.float32) / np.float32(255)
    pixels = torch.from_numpy(framed).permute(2, 0, 1)[None]
    size = _input_size(framed.shape[0], framed.shape[1], effort)
    scaled = torch.nn.functional.interpolate(pixels, size, mode="bilinear", align_corners=True)
    return (scaled - 0.5) / 0.5, Frame(height, width, top, left)


def _input_size(height: int, width: int, effort: float) -> tuple[int, int]:
    """(height, width) near 384 × 512: fitted to the side that asks for less scaling, and bounded."""
    down, across = HEIGHT * effort / height, WIDTH * effort / width
    scale = across if abs(1 - across) < abs(1 - down) else down
    scale = min(scale, LONGEST_SIDE / max(height, width))
    return (
        max(1, round(height * scale / MULTIPLE)) * MULTIPLE,
        max(1, round(width * scale / MULTIPLE)) * MULTIPLE,
    )


NETWORKS = {"zoedepth": ZoeDepth()}
