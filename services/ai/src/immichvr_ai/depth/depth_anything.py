"""Depth Anything V2 through transformers: what goes into the network and what its output means.

Source: Yang et al., "Depth Anything V2" (NeurIPS 2024); input preparation as in the published
preprocessor_config.json (518 pixels, multiples of 14, bicubic, ImageNet statistics).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from immichvr_ai.depth.filters import resized
from immichvr_ai.depth.scale import MEDIAN, with_median
from immichvr_ai.depth_map import FloatImage

if TYPE_CHECKING:
    import torch

PATCH = 14
"""Pixels of one patch of the vision transformer; both sides of the input are multiples of it."""
SHORTER_SIDE = 518
"""The shorter side of the input; the networks were trained at 518 x 518."""
LONGEST_SIDE = 4 * SHORTER_SIDE
"""The longer side of the input, at most: attention grows with the square of the number of patches."""
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
NEAR_TO_FAR = 20.0
"""Depth of disparity 0 (the sky) over that of the near end of the scene: an assumption, see `depth`."""
NEAREST = 4.0
"""Disparity of the nearest pixel over that of the near end of the scene, at most."""


class DepthAnythingV2:
    """The relative models of any size: inverse depth, correct up to scale and shift."""

    metric = False

    def load(self, directory: Path) -> torch.nn.Module:
        """Load the network from a directory with config.json and model.safetensors.

        Raises OSError, ValueError or RuntimeError where the files do not make the whole network.
        """
        from safetensors import SafetensorError
        from transformers import DepthAnythingForDepthEstimation
        from transformers.utils import logging

        logging.disable_progress_bar()  # it would write into the service's log
        try:
            network, info = DepthAnythingForDepthEstimation.from_pretrained(
                directory, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
        except SafetensorError as error:
            raise ValueError(str(error)) from error
        if absent := sorted(info["missing_keys"]):
            raise ValueError(f"the weights lack {len(absent)} tensors, first of them {absent[0]}")
        module: torch.nn.Module = network.eval()
        return module

    def prepare(self, rgb: npt.NDArray[np.uint8]) -> FloatImage:
        """The network's input for a photo: (1, 3, h, w) float32, normalised, both sides multiples of 14."""
        height, width = input_size(rgb.shape[0], rgb.shape[1])
        small = Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC)
        normalised = (np.asarray(small, np.float32) / np.float32(255.0) - MEAN) / STD
        return np.ascontiguousarray(normalised.transpose(2, 0, 1)[None], np.float32)

    def depth(self, output: FloatImage, height: int, width: int) -> FloatImage:
        """Depth of a photo of this height and width from the network's output.

        output: (h, w) float32, not negative, 1 / depth up to an unknown scale and shift. The shift is taken to be
        zero, as 0 is what the network was taught for the sky; 0 is then put `NEAR_TO_FAR` times farther than the
        98th percentile, so that nothing is infinitely far. Returns (H, W) float32, median 2, at the network's
        resolution and the photo's aspect ratio.
        """
        scale = min(1.0, max(output.shape) / max(height, width))
        shape = (max(1, round(width * scale)), max(1, round(height * scale)))
        fitted = resized(np.ascontiguousarray(output, np.float32), *shape)
        near = float(np.percentile(fitted, 98))
        if near <= 1e-6:
            return np.full(fitted.shape, MEDIAN, np.float32)
        relative = np.clip(fitted / np.float32(near), 0.0, NEAREST)
        return with_median(np.asarray(NEAR_TO_FAR / (1.0 + (NEAR_TO_FAR - 1.0) * relative), np.float32))


def input_size(height: int, width: int) -> tuple[int, int]:
    """(height, width) of the input: 518 on the shorter side, less where the longer one would be too long."""
    scale = min(SHORTER_SIDE / min(height, width), LONGEST_SIDE / max(height, width))
    return _patches(height * scale) * PATCH, _patches(width * scale) * PATCH


def _patches(pixels: float) -> int:
    return max(1, round(pixels / PATCH))
