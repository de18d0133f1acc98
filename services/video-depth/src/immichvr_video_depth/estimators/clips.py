"""Depth by a network that sees the frames of a window at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from immichvr_inference import Compute
from immichvr_inference.context import RunContext

from immichvr_video_depth.engine.resizing import resized
from immichvr_video_depth.networks.clips import ClipNetwork

if TYPE_CHECKING:
    import torch

Picture = npt.NDArray[np.uint8]
Maps = npt.NDArray[np.float32]
"""Of frames, or the channels of one."""


@dataclass(frozen=True)
class ByClips:
    """A network of clips, with weights that are in memory.

    reason: why it runs where another was preferred.
    """

    key: str
    revision: str
    network: ClipNetwork
    context: RunContext
    reason: str = ""

    @property
    def metric(self) -> bool:
        """Whether it gives metres."""
        return self.network.metric

    @property
    def window(self) -> int:
        """How many frames it sees at once."""
        return self.network.longest

    @property
    def slow(self) -> bool:
        """Whether it runs on the CPU."""
        return self.context.runs_on_cpu

    @property
    def through(self) -> str:
        """Key of the network that runs."""
        return self.key

    @property
    def made_by(self) -> str:
        """What runs, in words."""
        return self.key

    def with_reason(self, reason: str) -> ByClips:
        """The same, running for another reason."""
        return replace(self, reason=reason)

    def prepared(self, rgb: Picture) -> Maps:
        """A picture (h, w, 3) uint8 at the network's resolution, (3, h', w') float32."""
        return self.network.prepared(rgb)

    def infer(self, frames: Sequence[Maps]) -> Maps:
        """(T, h', w') float32 of prepared pictures of one size: metres, or disparity up to scale and shift.

        A window for which memory ran out comes of half the resolution, and is resized to the others'. Raises
        ModelUnavailable, DeviceFailed.
        """

        def work(module: torch.nn.Module, compute: Compute) -> Maps:
            return self.network.clip_depth(module, frames, compute)

        maps, _ = self.context.run(self.key, work)
        height, width = frames[0].shape[1:]
        return maps if maps.shape[1:] == (height, width) else np.stack([resized(one, width, height) for one in maps])
