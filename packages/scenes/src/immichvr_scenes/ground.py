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
"""Pixels of the depth maps that are kept: they hold surfaces in place, the pictures tell the rest."""
_TRAINING = "training."


@dataclass(frozen=True, eq=False)
class Bits:
    """A mask in an eighth of its bytes. rows: (h, ⌈width / 8⌉) uint8."""

    rows: npt.NDArray[np.uint8]
    width: int

    @classmethod
    def of(cls, mask: npt.NDArray[np.bool_]) -> Bits:
        """Of (h, w)."""
        return cls(np.packbits(mask, axis=1), mask.shape[1])

    def read(self) -> npt.NDArray[np.bool_]:
        """(h, w)."""
        return np.unpackbits(self.rows, axis=1, count=self.width).astype(np.bool_)


@dataclass(frozen=True, eq=False)
class Ground:
    """views: in the pictures' order. depths: (h, w) float32 of each, or None; masks: of each, or None.

    dropped, notes, reprojection_px: of the poses.
    """

    views: tuple[View, ...]
    points: PointCloud
    depths: tuple[npt.NDArray[np.float32] | None, ...]
    masks: tuple[Bits | None, ...]
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
        longest: int,
    ) -> Ground:
        """Of pictures with depth and masks, read one after the other. longest: pixels of what is trained on."""
        depths, masks = [], []
        for picture in pictures:
            depth, mask = picture.read_depth(), picture.read_mask()
            depths.append(None if depth is None else _small(depth, _LONGEST))
            masks.append(None if mask is None else Bits.of(_small(mask.astype(np.uint8), longest) > 0))
        views = tuple(picture.view for picture in pictures)
        return cls(views, points, tuple(depths), tuple(masks), dropped, notes, reprojection_px)

    def pictures(self, plain: Sequence[Picture]) -> list[Picture]:
        """Pictures of the views' names where they were taken, with the depth and the masks."""
        named = {picture.name: picture for picture in plain}
        parts = zip(self.views, self.depths, self.masks, strict=True)
        return [
            replace(named[view.name], view=view, depth=depth, mask=None if mask is None else mask.read)
            for view, depth, mask in parts
        ]

    def with_training(self, work: str, training: Checkpoint) -> bytes:
        """Bytes that hold this and the state of the training, one beside the other."""
        tensors = {
            "points": torch.from_numpy(self.points.points),
            "colors": torch.from_numpy(self.points.colors),
            "places": torch.from_numpy(np.stack([view.world_to_camera for view in self.views])),
        }
        tensors |= {f"{_TRAINING}{name}": value for name, value in training.tensors.items()}
        for number, (depth, mask) in enumerate(zip(self.depths, self.masks, strict=True)):
            if depth is not None:
                tensors[f"depth.{number}"] = torch.from_numpy(depth)
            if mask is not None:
                tensors[f"mask.{number}"] = torch.from_numpy(mask.rows)
        facts = {
            "training": {"work": training.work, "facts": training.facts},
            "mask_widths": {str(number): mask.width for number, mask in enumerate(self.masks) if mask is not None},
            "views": [{"name": view.name, "camera": asdict(view.camera)} for view in self.views],
            "dropped": [asdict(one) for one in self.dropped],
            "notes": list(self.notes),
            "reprojection_px": self.reprojection_px,
        }
        return Checkpoint(work, tensors, facts).packed()

    @classmethod
    def kept_in(cls, data: bytes, work: str) -> tuple[Ground, Checkpoint]:
        """What `with_training` made bytes of. Raises InvalidCheckpoint where they are of other work, or none."""
        kept = Checkpoint.unpacked(data, work)
        arrays = {name: one.numpy() for name, one in kept.tensors.items() if not name.startswith(_TRAINING)}
        facts: dict[str, Any] = kept.facts
        views = [
            View(one["name"], Camera(**one["camera"]), place)
            for one, place in zip(facts["views"], arrays["places"], strict=True)
        ]
        ground = cls(
            tuple(views),
            PointCloud(arrays["points"], arrays["colors"]),
            tuple(arrays.get(f"depth.{number}") for number in range(len(views))),
            tuple(_kept_mask(arrays, facts, number) for number in range(len(views))),
            tuple(Dropped(**one) for one in facts["dropped"]),
            tuple(facts["notes"]),
            facts["reprojection_px"],
        )
        return ground, _kept_training(kept)


def _kept_mask(arrays: dict[str, npt.NDArray[Any]], facts: dict[str, Any], number: int) -> Bits | None:
    rows = arrays.get(f"mask.{number}")
    if rows is None:
        return None
    if rows.dtype == np.bool_:  # as it was kept before masks were packed
        return Bits.of(rows)
    return Bits(rows, int(facts["mask_widths"][str(number)]))


def _kept_training(kept: Checkpoint) -> Checkpoint:
    if "training" in kept.tensors:  # as it was kept before the one was written beside the other
        return Checkpoint.unpacked(kept.tensors["training"].numpy().tobytes())
    tensors = {name.removeprefix(_TRAINING): one for name, one in kept.tensors.items() if name.startswith(_TRAINING)}
    return Checkpoint(kept.facts["training"]["work"], tensors, kept.facts["training"]["facts"])


def _small(array: npt.NDArray[T], longest: int) -> npt.NDArray[T]:
    height, width = array.shape
    share = min(1.0, longest / max(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return np.asarray(cv2.resize(array, size, interpolation=cv2.INTER_NEAREST), array.dtype)
