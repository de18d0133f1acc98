"""What golden data of Video Depth Anything were made with: weights and clips by formula.

The weights are not trained: they were chosen so that every part of the network matters.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from immichvr_video_depth.networks.video_depth_anything.shapes import BASE, LARGE, SMALL, Shape

if TYPE_CHECKING:
    import torch

SHAPES: dict[str, Shape] = {"vits": SMALL, "vitb": BASE, "vitl": LARGE}
_SMALL_VALUES = re.compile(
    r"^pretrained\.(patch_embed\.proj\.(weight|bias)|cls_token|pos_embed)$|\.gamma$|^head\.projects\.|\.proj_in\."
    r"|\.to_out\.0\.|^head\.scratch\.refinenet[34]\.out_conv\."
)
"""Weights that make what the norms see small, so that their epsilons show."""
_MEAN, _STD = np.array((0.485, 0.456, 0.406)), np.array((0.229, 0.224, 0.225))


def values_of(name: str, shape: Iterable[int]) -> npt.NDArray[np.float32]:
    """The values of the tensor of this name."""
    sizes = tuple(shape)
    values = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(sizes, dtype=np.float32)
    leaf = name.split(".")[-1]
    if name == "head.scratch.output_conv2.2.bias":
        values[...] = 1.5
    elif leaf in ("cls_token", "pos_embed", "mask_token"):
        values *= np.float32(0.5)
    elif leaf == "gamma":
        values = np.float32(0.3) + np.float32(0.05) * values
    elif leaf == "bias":
        values *= np.float32(0.1)
    elif len(sizes) == 1:
        values = np.float32(1) + np.float32(0.1) * values
    else:
        values *= np.float32(1 / math.sqrt(math.prod(sizes[1:])))
    return values


def network(encoder: str, *, small_norms: bool = False) -> torch.nn.Module:
    """The network `vits`, `vitb` or `vitl` with those weights, in evaluation mode.

    small_norms: with some of them a thousandth, so that a wrong epsilon shows.
    """
    import torch

    from immichvr_video_depth.networks.video_depth_anything.network import VideoDepthAnything

    with torch.device("meta"):
        made = VideoDepthAnything(SHAPES[encoder])
    weights = {name: torch.from_numpy(values_of(name, one.shape)) for name, one in made.named_parameters()}
    if small_norms:
        for name in filter(_SMALL_VALUES.search, weights):
            weights[name] *= 0.001
    made.load_state_dict(weights, strict=False, assign=True)
    return made.eval()


def clip(frames: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    """A clip (frames, height, width, 3) uint8: drifting gradients, and two discs that move over them."""
    t, y, x, c = np.ogrid[:frames, :height, :width, :3]
    values = np.abs((4 * x + 3 * y + (5 + 2 * c) * t + 85 * c) % 510 - 255)
    discs = (
        ((width // 4 + 2 * t) % width, (height // 3 + t) % height, height // 5, (230, 40, 90)),
        ((3 * width // 4 - 3 * t) % width, (2 * height // 3 + t // 2) % height, height // 7, (20, 200, 240)),
    )
    for across, down, radius, colour in discs:
        values = np.where((x - across) ** 2 + (y - down) ** 2 < radius**2, np.array(colour), values)
    return np.asarray(values, np.uint8)


def plain(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Frames (T, H, W, 3) as an input (1, T, 3, H, W), normalised but not resized."""
    unit = frames.astype(np.float32) / np.float32(255)
    return np.asarray((unit - _MEAN) / _STD, np.float32).transpose(0, 3, 1, 2)[None]
