"""What a network that paints takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from immichvr_inference import Compute, Network

if TYPE_CHECKING:
    import torch

F32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Hole:
    """A picture of which a part is to be painted. rgb: (h, w, 3) float32 from 0 to 1. missing: (h, w)."""

    rgb: F32
    missing: Mask

    def filled(self, painted: F32) -> F32:
        """The picture with this where it was missing, and to the bit as it was elsewhere."""
        return np.where(self.missing[..., None], np.clip(painted, 0, 1), self.rgb).astype(np.float32)


@dataclass(frozen=True)
class Job:
    """How to paint. strength: share of the noise that one starts from, 1 for nothing of what was there. joint: all
    pictures together, so that they agree. seed: of all chance. on_step: told the share that is done; what it raises
    stops the work.
    """

    strength: float = 1.0
    joint: bool = False
    seed: int = 0
    on_step: Callable[[float], None] = lambda share: None


@runtime_checkable
class InpaintNetwork(Network, Protocol):
    """Paints what is missing."""

    def paint(self, module: torch.nn.Module, holes: Sequence[Hole], compute: Compute, job: Job) -> list[F32]:
        """Each picture whole, (h, w, 3) float32 from 0 to 1, what was known as it was."""
