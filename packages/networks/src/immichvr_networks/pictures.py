"""A photo as a network's input, without torchvision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_depth.depth_map import FloatImage, resized
from PIL import Image

if TYPE_CHECKING:
    import torch

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)
"""Mean and deviation that bring pixels to -1..1."""


def normalised(
    rgb: npt.NDArray[np.uint8],
    size: tuple[int, int],
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    resample: Image.Resampling = Image.Resampling.BICUBIC,
) -> FloatImage:
    """The input (1, 3, h, w) float32 of a photo (H, W, 3) uint8, resized to `size` (h, w) with antialiasing."""
    small = Image.fromarray(rgb).resize((size[1], size[0]), resample)
    pixels = np.asarray(small, np.float32) / np.float32(255.0)
    scaled = (pixels - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None], np.float32)


def resized_within(rgb: npt.NDArray[np.uint8], longest: int) -> npt.NDArray[np.uint8]:
    """The photo (h, w, 3), shrunk where a side is longer than `longest` pixels; never to nothing."""
    scale = longest / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def predicted(tensor: torch.Tensor) -> FloatImage:
    """A network's output (1, h, w) as (h, w) float32. Raises ValueError where it is not finite."""
    output = np.asarray(tensor.detach()[0].float().cpu().numpy(), np.float32)
    if not np.isfinite(output).all():
        raise ValueError("the network's output is not finite")
    return output


def in_aspect_of(image: FloatImage, height: int, width: int) -> FloatImage:
    """An output resized to the aspect ratio of a photo of this height and width, no longer than it or the photo."""
    scale = min(1.0, max(image.shape) / max(height, width))
    shape = (max(1, round(width * scale)), max(1, round(height * scale)))
    return resized(np.ascontiguousarray(image, np.float32), *shape)


def input_size(height: int, width: int, shorter: int, longest: int, multiple: int) -> tuple[int, int]:
    """(height, width) of an input: `shorter` on the shorter side, less where the longer one would exceed `longest`."""
    scale = min(shorter / min(height, width), longest / max(height, width))
    return (
        max(1, round(height * scale / multiple)) * multiple,
        max(1, round(width * scale / multiple)) * multiple,
    )
