"""What is known of where pictures were taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from immichvr_scenes.cameras import View
from immichvr_scenes.errors import SceneError
from immichvr_scenes.frames import Dropped, Frame
from immichvr_scenes.pictures import Picture

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SparsePoints:
    """Points that several pictures show. xyz: (n, 3); error: (n,) pixels.

    seen: (m, 2) integers, a point and a view each; pixels: (m, 2), where that view shows it.
    """

    xyz: F64
    error: F64
    seen: npt.NDArray[np.int64]
    pixels: F64

    @classmethod
    def none(cls) -> SparsePoints:
        """No points."""
        return cls(np.zeros((0, 3)), np.zeros(0), np.zeros((0, 2), np.int64), np.zeros((0, 2)))

    @property
    def count(self) -> int:
        """How many."""
        return len(self.xyz)

    def of_view(self, view: int) -> tuple[F64, F64]:
        """The points that a view shows, (k, 3), and where, (k, 2) pixels."""
        mine = self.seen[:, 1] == view
        return self.xyz[self.seen[mine, 0]], self.pixels[mine]


@dataclass(frozen=True, eq=False)
class Poses:
    """Where pictures were taken.

    views: of those that are registered, named as their frames, in the frames' order; the world's y points down as far
    as that can be known. dropped: the others, each with the reason. method: "colmap", a network's key, "imported" or
    "photo". metric: the unit is the metre; else the median distance of what is seen is 3. reprojection_px: mean error
    of the points; of two pictures alone, the median. notes: in words. photo_only: why this is no place but a photo;
    there is one view then, the sharpest.
    """

    views: tuple[View, ...]
    dropped: tuple[Dropped, ...] = ()
    points: SparsePoints = field(default_factory=SparsePoints.none)
    method: str = "colmap"
    metric: bool = False
    reprojection_px: float | None = None
    notes: tuple[str, ...] = ()
    photo_only: SceneError | None = None

    def pictures(self, frames: Sequence[Frame]) -> list[Picture]:
        """The registered frames where they were taken, in the views' order."""
        named = {frame.name: frame for frame in frames}
        return [named[view.name].picture(view) for view in self.views]
