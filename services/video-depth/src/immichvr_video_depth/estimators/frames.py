"""Depth of every frame by itself, which whoever drives this aligns over time: by a network of photos, or guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from immichvr_depth import guess
from immichvr_inference import Compute, DepthNetwork, View
from immichvr_inference.context import RunContext
from immichvr_media.focal import focal_length

from immichvr_video_depth.engine.frames import SeesPictures

if TYPE_CHECKING:
    import torch

PER_FRAME = "depth-per-frame"

Picture = npt.NDArray[np.uint8]
Maps = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ByFrames(SeesPictures):
    """A network of photos, with weights that are in memory.

    key, revision: of the row `depth-per-frame`. through: the key of the network. Metres of single frames are no
    steadier than other depth, so that they count as relative. reason: why it runs where another was preferred.
    """

    key: str
    revision: str
    through: str
    network: DepthNetwork
    context: RunContext
    reason: str = ""
    metric = False
    window = 1

    @property
    def slow(self) -> bool:
        """Whether it runs on the CPU."""
        return self.context.runs_on_cpu

    @property
    def made_by(self) -> str:
        """What runs, in words."""
        return self.key

    def with_reason(self, reason: str) -> ByFrames:
        """The same, running for another reason."""
        return replace(self, reason=reason)

    def infer(self, frames: Sequence[Picture]) -> Maps:
        """(T, h', w') float32 of pictures (h, w, 3) uint8 of one size: disparity, 1 over relative depth.

        All of half the resolution where memory ran out for these. Raises ModelUnavailable, DeviceFailed.
        """
        views = [_view(frame) for frame in frames]

        def work(module: torch.nn.Module, compute: Compute) -> list[Maps]:
            return [seen.depth for seen in self.network.depth(module, views, compute)]

        depths, _ = self.context.run(self.through, work)
        return np.stack([_disparity(one) for one in depths])


@dataclass(frozen=True)
class Guessed(SeesPictures):
    """The built-in guess, which needs no weights and runs anywhere. reason: why it runs where another was preferred."""

    key: str
    revision: str
    reason: str = ""
    metric = False
    window = 1

    @property
    def through(self) -> str:
        """What runs."""
        return self.key

    @property
    def made_by(self) -> str:
        """What runs, in words."""
        return self.key

    def with_reason(self, reason: str) -> Guessed:
        """The same, running for another reason."""
        return replace(self, reason=reason)

    def infer(self, frames: Sequence[Picture]) -> Maps:
        """(T, h', w') float32 of pictures (h, w, 3) uint8 of one size: disparity, 1 over relative depth."""
        return np.stack([_disparity(guess(frame)[0]) for frame in frames])


def _view(frame: Picture) -> View:
    """A frame as a photo whose lens nobody knows."""
    height, width = frame.shape[:2]
    return View(frame, focal_length({}, width, height).px, focal_known=False)


def _disparity(depth: Maps) -> Maps:
    return np.reciprocal(depth, dtype=np.float32)
