"""What somebody who waits for a run is told, and keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from immichvr_scenes.progress import Report, silent, within
from immichvr_scenes.training.checkpoints import Checkpoint


@dataclass(frozen=True, eq=False)
class Preview:
    """A run so far. step: of how many. rgb: (h, w, 3) uint8, one of its pictures drawn. spz: a light file of it."""

    step: int
    steps: int
    rgb: npt.NDArray[np.uint8]
    spz: bytes


@dataclass(frozen=True)
class Watch:
    """report: told of every stage, and a few times a second; what it raises ends the work.

    preview: given one every `preview_s` seconds. checkpoint: given the state of the run every `checkpoint_s` seconds,
    to be taken up again from; packed: how that becomes bytes.
    """

    report: Report = silent
    preview: Callable[[Preview], None] | None = None
    checkpoint: Callable[[bytes], None] | None = None
    packed: Callable[[Checkpoint], bytes] = Checkpoint.packed
    preview_s: float = 20.0
    checkpoint_s: float = 60.0

    def within(self, first: float, last: float) -> Watch:
        """The same for a part of the work: its fractions go from `first` to `last` of the whole."""
        return replace(self, report=within(self.report, first, last))


UNWATCHED = Watch()
