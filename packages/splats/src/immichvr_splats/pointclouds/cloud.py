"""Coloured points in memory."""

from dataclasses import dataclass, replace

import numpy as np

from immichvr_splats.compiled import F32, I64, U8
from immichvr_splats.errors import InvalidCloudError
from immichvr_splats.losses import Loss, number
from immichvr_splats.reach import near_each_other


@dataclass(frozen=True, eq=False)
class PointCloud:
    """N coloured points. Arrays are made contiguous on construction.

    points: (N, 3) float32, metres, OpenCV axes (x right, y down, z forward). colors: (N, 3) uint8, sRGB.
    confidence: (N,) float32, more is better, or None. origin: metres that the points are counted from, or None.
    Raises InvalidCloudError where shapes do not fit.
    """

    points: F32
    colors: U8
    confidence: F32 | None = None
    origin: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", np.ascontiguousarray(self.points, np.float32))
        object.__setattr__(self, "colors", np.ascontiguousarray(self.colors, np.uint8))
        shapes: dict[str, tuple[int, ...]] = {"points": (self.count, 3), "colors": (self.count, 3)}
        if self.confidence is not None:
            object.__setattr__(self, "confidence", np.ascontiguousarray(self.confidence, np.float32))
            shapes["confidence"] = (self.count,)
        for name, wanted in shapes.items():
            if getattr(self, name).shape != wanted:
                raise InvalidCloudError(f"{name} has shape {getattr(self, name).shape}, wants {wanted}")

    @property
    def count(self) -> int:
        """Number of points."""
        return int(self.points.shape[0]) if self.points.ndim else 0

    def take(self, indices: I64) -> "PointCloud":
        """The points at `indices`, (M,), in that order."""
        confidence = None if self.confidence is None else self.confidence[indices]
        return replace(self, points=self.points[indices], colors=self.colors[indices], confidence=confidence)


def without_strays(cloud: PointCloud) -> tuple[PointCloud, list[Loss]]:
    """The points whose coordinates are finite; the others are counted. Confidence NaN is none, 0."""
    sound = np.isfinite(cloud.points).all(axis=1)
    losses = []
    if not sound.all():
        dropped = cloud.count - int(sound.sum())
        losses.append(Loss("dropped", f"{number(dropped, 'point')} dropped: non-finite coordinates", dropped))
        cloud = cloud.take(np.flatnonzero(sound))
    if cloud.confidence is not None and not np.isfinite(cloud.confidence).all():
        cloud = replace(cloud, confidence=np.nan_to_num(cloud.confidence))
    return cloud, losses


def near_ones(cloud: PointCloud) -> tuple[PointCloud, list[Loss]]:
    """The points that are not so far from all others that these would lose precision in steps of their range."""
    near = near_each_other(cloud.points)
    if near.all():
        return cloud, []
    strays = cloud.count - int(near.sum())
    message = f"{number(strays, 'point')} dropped: so far from all others that they would lose precision"
    return cloud.take(np.flatnonzero(near)), [Loss("dropped", message, strays)]


def joined(parts: list[PointCloud]) -> PointCloud:
    """All of their points; their confidence where each has one."""
    nothing = PointCloud(np.empty((0, 3), np.float32), np.empty((0, 3), np.uint8))
    sure = bool(parts) and all(part.confidence is not None for part in parts)
    return PointCloud(
        points=np.concatenate([part.points for part in (nothing, *parts)]),
        colors=np.concatenate([part.colors for part in (nothing, *parts)]),
        confidence=np.concatenate([p.confidence for p in parts if p.confidence is not None]) if sure else None,
    )
