"""What training stands on: cameras, points, depth and masks. Kept with its state, so that nothing is made twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
import torch
from immichvr_splats.pointclouds import PointCloud

from immichvr_scenes.cameras import Camera, View
from immichvr_scenes.frames import Dropped
from immichvr_scenes.pictures import Picture
from immichvr_scenes.training.checkpoints import Checkpoint

T = TypeVar("T", np.uint8, np.float32)

_LONGEST = 160
"""Pixels of the depth maps and masks that are kept: they hold surfaces in place, the pictures tell the rest."""


@dataclass(frozen=True, eq=False)
class Ground:
    """views: in the pictures' order. depths: (h, w) float32 of each, or None; masks: (h, w) bool of each, or None.

    dropped, notes, reprojection_px: of the poses.
    """

    views: tuple[View, ...]
    points: PointCloud
    depths: tuple[npt.NDArray[np.float32] | None, ...]
    masks: tuple[npt.NDArray[np.bool_] | None, ...]
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()
    reprojection_px: float | None = None

    @classmethod
    def of(
        cls,
        pictures: Sequence[Picture],
        points: PointCloud,
        dropped: tuple[Dropped, ...],
        notes: tuple[str, ...],
        reprojection_px: float | None,
    ) -> Ground:
        """Of pictures with depth and masks, which are read one after the other."""
        depths, masks = [], []
        for picture in pictures:
            depth, mask = picture.read_depth(), picture.read_mask()
            depths.append(None if depth is None else _small(depth))
            masks.append(None if mask is None else _small(mask.astype(np.uint8)).astype(np.bool_))
        views = tuple(picture.view for picture in pictures)
        return cls(views, points, tuple(depths), tuple(masks), dropped, notes, reprojection_px)

    def pictures(self, plain: Sequence[Picture]) -> list[Picture]:
        """Pictures of the views' names where they were taken, with the depth and the masks."""
        named = {picture.name: picture for picture in plain}
        parts = zip(self.views, self.depths, self.masks, strict=True)
        return [replace(named[view.name], view=view, depth=depth, mask=mask) for view, depth, mask in parts]

    def with_training(self, work: str, training: bytes) -> bytes:
        """Bytes that hold this and the state of the training."""
        tensors = {
            "points": torch.from_numpy(self.points.points),
            "colors": torch.from_numpy(self.points.colors),
            "places": torch.from_numpy(np.stack([view.world_to_camera for view in self.views])),
            "training": torch.frombuffer(bytearray(training), dtype=torch.uint8),
        }
        for number, (depth, mask) in enumerate(zip(self.depths, self.masks, strict=True)):
            if depth is not None:
                tensors[f"depth.{number}"] = torch.from_numpy(depth)
            if mask is not None:
                tensors[f"mask.{number}"] = torch.from_numpy(mask)
        facts = {
            "views": [{"name": view.name, "camera": asdict(view.camera)} for view in self.views],
            "dropped": [asdict(one) for one in self.dropped],
            "notes": list(self.notes),
            "reprojection_px": self.reprojection_px,
        }
        return Checkpoint(work, tensors, facts).packed()

    @classmethod
    def kept_in(cls, data: bytes, work: str) -> tuple[Ground, bytes]:
        """What `with_training` made bytes of. Raises InvalidCheckpoint where they are of other work, or none."""
        kept = Checkpoint.unpacked(data, work)
        arrays = {name: tensor.numpy() for name, tensor in kept.tensors.items()}
        facts: dict[str, Any] = kept.facts
        views = [
            View(one["name"], Camera(**one["camera"]), place)
            for one, place in zip(facts["views"], arrays["places"], strict=True)
        ]
        ground = cls(
            tuple(views),
            PointCloud(arrays["points"], arrays["colors"]),
            tuple(arrays.get(f"depth.{number}") for number in range(len(views))),
            tuple(arrays.get(f"mask.{number}") for number in range(len(views))),
            tuple(Dropped(**one) for one in facts["dropped"]),
            tuple(facts["notes"]),
            facts["reprojection_px"],
        )
        return ground, arrays["training"].tobytes()


def _small(array: npt.NDArray[T]) -> npt.NDArray[T]:
    height, width = array.shape
    share = min(1.0, _LONGEST / max(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return np.asarray(cv2.resize(array, size, interpolation=cv2.INTER_NEAREST), array.dtype)
