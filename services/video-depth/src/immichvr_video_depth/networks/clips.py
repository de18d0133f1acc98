"""What networks of clips take and give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from immichvr_inference import Compute, Network

if TYPE_CHECKING:
    import torch


@runtime_checkable
class ClipNetwork(Network, Protocol):
    """Makes depth of the frames of a clip, which see each other.

    longest: frames that one pass takes at most.
    """

    longest: int

    def prepared(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """What the network takes of a frame (H, W, 3) uint8, sRGB, upright, with the usual effort: (3, h, w)."""

    def clip_depth(
        self, module: torch.nn.Module, frames: Sequence[npt.NDArray[np.float32]], compute: Compute
    ) -> npt.NDArray[np.float32]:
        """Depth (T, h, w) of prepared frames (3, h, w), all of one size; smaller with less effort.

        Metres where `metric`, else inverse depth up to scale and shift, not negative, larger is nearer. Raises
        ValueError where the network's output is not finite.
        """
