"""The sizes of the network, as whoever runs networks gets them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from immichvr_inference import Compute

from immichvr_video_depth.networks.video_depth_anything.pixels import SHORTER_SIDE, network_size, normalised, smaller
from immichvr_video_depth.networks.video_depth_anything.shapes import LONGEST, TINY, Shape

if TYPE_CHECKING:
    import torch


class VideoDepthAnythingFamily:
    """One size, relative or metric: the two differ in their weights alone."""

    bf16 = True
    longest = LONGEST

    def __init__(self, shape: Shape, *, metric: bool = False) -> None:
        self._shape, self.metric = shape, metric

    def load(self, directory: Path) -> torch.nn.Module:
        """The network with the weights of the one `.pth` file there, on the CPU. Raises OSError, ValueError."""
        from immichvr_video_depth.networks.video_depth_anything import weights

        return weights.loaded(self._shape, directory)

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        """Four blocks of 64 features, with random weights."""
        from immichvr_video_depth.networks.video_depth_anything import weights

        return weights.random(TINY, seed)

    def full_random(self, seed: int = 0) -> torch.nn.Module:
        """The network at its real size with random weights, on torch's default device, for measuring."""
        from immichvr_video_depth.networks.video_depth_anything import weights

        return weights.random(self._shape, seed)

    def prepared(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """A frame (H, W, 3) as the network takes it, (3, h, w)."""
        return normalised(frame, network_size(*frame.shape[:2]))

    def clip_depth(
        self, module: torch.nn.Module, frames: Sequence[npt.NDArray[np.float32]], compute: Compute
    ) -> npt.NDArray[np.float32]:
        """Depth (T, h, w) of at most 32 frames, in one pass."""
        import torch

        if compute.effort != 1:
            frames = [smaller(frame, max(1, round(SHORTER_SIDE * compute.effort))) for frame in frames]
        pixels = torch.from_numpy(np.stack(frames)[None]).to(compute.device)
        with compute.autocast():
            depth = np.asarray(module(pixels)[0].cpu().numpy(), np.float32)
        if not np.isfinite(depth).all():
            raise ValueError("the network's output is not finite")
        return depth
