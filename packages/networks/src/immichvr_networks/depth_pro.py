"""Depth Pro through transformers: sharp depth in metres, and the field of view where the photo does not tell it.

Source: Bochkovskii et al., "Depth Pro: Sharp Monocular Metric Depth in Less Than a Second" (2024); input preparation
as in transformers' DepthProImageProcessor (1536 × 1536 whatever the aspect ratio, bilinear without antialiasing, mean
and deviation 0.5).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_depth.depth_map import FloatImage
from immichvr_inference.network import Compute, View, ViewDepth
from immichvr_splats import Camera

from immichvr_networks.pictures import in_aspect_of, predicted
from immichvr_networks.pretrained import PretrainedDepth, random_network

if TYPE_CHECKING:
    import torch

NEAREST_M, FARTHEST_M = 1e-4, 1e4
"""Bounds of depth in metres, upstream's."""
NARROWEST_FOV, WIDEST_FOV = 1.0, 170.0
"""Degrees that a lens without distortion can have."""


class DepthPro(PretrainedDepth):
    """Metric depth that scales with the focal length, which the network estimates where it is not known."""

    architecture = "DepthProForDepthEstimation"
    metric = True

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        """Three encoders of four layers of 16 features, for 128 × 128 pixels in patches of 32."""
        from transformers import DepthProConfig, Dinov2Config

        encoder = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "mlp_ratio": 2}
        config = DepthProConfig(
            patch_size=32,
            fusion_hidden_size=8,
            intermediate_hook_ids=[3, 1],
            intermediate_feature_dims=[8, 8],
            scaled_images_feature_dims=[8, 8, 8],
            merge_padding_value=1,
            use_fov_model=True,
            **{
                f"{role}_model_config": Dinov2Config(image_size=32, patch_size=4, **encoder)
                for role in ("image", "patch", "fov")
            },
        )
        network = random_network(self.architecture, config, seed)
        network.get_parameter("head.layers.4.bias").data.fill_(0.5)  # or most of the output would be cut off at 0
        network.get_parameter("fov_model.head.layers.4.bias").data.fill_(60.0)  # degrees, as of a common lens
        return network

    def depth_of_view(self, module: torch.nn.Module, view: View, compute: Compute) -> ViewDepth:
        """Metric depth of one photo; its resolution does not yield to `effort`, as the network takes one size only."""
        import torch

        height, width = view.rgb.shape[:2]
        pixels = torch.from_numpy(prepare(view.rgb, side_of(module))).to(compute.device)
        with compute.autocast():
            output = module(pixels)
        disparity = in_aspect_of(predicted(output.predicted_depth), height, width)
        estimated = None
        if not view.focal_known and output.field_of_view is not None:
            estimated = focal_of(float(output.field_of_view.float().reshape(-1)[0]), width)
        focal_px = estimated or view.focal_px
        # The network's disparity is that of a camera whose focal length is the photo's width.
        metres = focal_px / width / np.maximum(disparity, np.float32(1e-12))
        depth = np.clip(metres, NEAREST_M, FARTHEST_M).astype(np.float32)
        return ViewDepth(depth, metric=True, camera=_camera(estimated, width, depth) if estimated else None)


def prepare(rgb: npt.NDArray[np.uint8], side: int) -> FloatImage:
    """The network's input for a photo: (1, 3, side, side) float32 in -1..1."""
    square = np.asarray(cv2.resize(rgb, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)
    return np.ascontiguousarray((square / np.float32(127.5) - 1).transpose(2, 0, 1)[None], np.float32)


def side_of(module: torch.nn.Module) -> int:
    """Pixels of the one size of input that the network takes: 1536 for the published one."""
    config = module.config
    return int(config.patch_size / min(config.scaled_images_ratios))


def focal_of(fov_degrees: float, width: int) -> float:
    """Focal length in pixels of a photo of this width with this horizontal field of view."""
    fov = math.radians(min(max(fov_degrees, NARROWEST_FOV), WIDEST_FOV))
    return 0.5 * width / math.tan(0.5 * fov)


def _camera(focal_px: float, photo_width: int, depth: FloatImage) -> Camera:
    height, width = depth.shape
    focal = focal_px * width / photo_width
    return Camera(fx=focal, fy=focal, cx=width / 2, cy=height / 2, width=width, height=height)


NETWORKS = {"depthpro": DepthPro()}
