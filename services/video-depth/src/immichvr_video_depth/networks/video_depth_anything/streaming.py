"""One frame at a time: what the temporal attentions keep of those before stands in for the window."""

from __future__ import annotations

from typing import Generic, TypeVar

import torch
from torch import Tensor

from immichvr_video_depth.networks.video_depth_anything.network import VideoDepthAnything
from immichvr_video_depth.networks.video_depth_anything.shapes import LONGEST
from immichvr_video_depth.networks.video_depth_anything.temporal import Step

_KEPT = 42
"""Frames that are kept; the second of them is the first to go, so that the first frame stays for ever."""
_OLDEST = 2

T = TypeVar("T")


class Memory(Generic[T]):
    """What was kept of the frames so far, and which of it the next one sees."""

    def __init__(self) -> None:
        self._kept: list[T] = []

    def __len__(self) -> int:
        return len(self._kept)

    def past(self) -> list[T]:
        """What the next frame sees, oldest first: nothing of the first, else of 31: the oldest two and the last 29."""
        return self._kept[:_OLDEST] + self._kept[_OLDEST + 1 - LONGEST :] if self._kept else []

    def keep(self, one: T) -> None:
        """Keeps what the newest frame left; the first frame fills the whole window."""
        self._kept.extend([one] * (1 if self._kept else LONGEST))
        if len(self._kept) > _KEPT:
            del self._kept[1]


class Stream:
    """A clip seen frame by frame, in inference mode. All frames are of one size."""

    def __init__(self, network: VideoDepthAnything) -> None:
        self._network = network
        self._memory: Memory[list[Tensor]] = Memory()

    def depth(self, frame: Tensor) -> Tensor:
        """Depth (H, W) float32, not negative, of the next frame (3, H, W), normalised."""
        past = self._memory.past()
        step = Step([torch.cat(states, 1) for states in zip(*past, strict=True)])
        depth = self._network(frame[None, None], step)[0, 0]
        self._memory.keep(step.states)
        return depth
