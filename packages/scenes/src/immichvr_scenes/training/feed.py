"""The pictures that are trained on, read when they are wanted; those seen last stay in memory, within bounds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt
import torch

from immichvr_scenes.cameras import Camera, View
from immichvr_scenes.pictures import Picture

T = TypeVar("T", np.uint8, np.float32)

ROOM_BYTES = 512 << 20
"""Of pictures kept in memory."""


@dataclass(frozen=True, eq=False)
class Example:
    """A picture as it is trained on. rgb: (h, w, 3) float32 of 0 to 1. mask: (h, w) bool. depth: (h, w) float32."""

    rgb: torch.Tensor
    mask: torch.Tensor | None
    depth: torch.Tensor | None


@dataclass(frozen=True, eq=False)
class _Kept:
    rgb: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.bool_] | None
    depth: npt.NDArray[np.float32] | None

    @property
    def bytes(self) -> int:
        return sum(one.nbytes for one in (self.rgb, self.mask, self.depth) if one is not None)


class Feed:
    """Pictures by number. views: theirs, at the size at which they are trained on."""

    def __init__(
        self, pictures: Sequence[Picture], longest: int, device: torch.device, room_bytes: int = ROOM_BYTES
    ) -> None:
        self._pictures = pictures
        self.views = [shrunk(picture.view, longest) for picture in pictures]
        self._device, self._room = device, room_bytes
        self._kept: OrderedDict[int, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self.views)

    def __getitem__(self, number: int) -> Example:
        """Raises what reading a picture raises."""
        kept = self._kept.pop(number, None) or self._read(number)
        self._kept[number] = kept
        while len(self._kept) > 1 and sum(one.bytes for one in self._kept.values()) > self._room:
            self._kept.popitem(last=False)
        rgb = torch.from_numpy(kept.rgb).to(self._device).float() / 255
        mask = None if kept.mask is None else torch.from_numpy(kept.mask).to(self._device)
        depth = None if kept.depth is None else torch.from_numpy(kept.depth).to(self._device)
        return Example(rgb, mask, depth)

    def _read(self, number: int) -> _Kept:
        picture, camera = self._pictures[number], self.views[number].camera
        rgb = fitted(picture.read_image(), camera, cv2.INTER_AREA)
        mask, depth = picture.read_mask(), picture.read_depth()
        known = None if mask is None else fitted(mask.astype(np.uint8), camera, cv2.INTER_NEAREST).astype(np.bool_)
        return _Kept(rgb, known, None if depth is None else fitted(depth, camera, cv2.INTER_NEAREST))


def shrunk(view: View, longest: int) -> View:
    """The view with its picture's longer side at most `longest` pixels."""
    camera = view.camera
    share = longest / max(camera.width, camera.height)
    if share >= 1:
        return view
    return view.scaled(max(1, round(camera.width * share)), max(1, round(camera.height * share)))


def fitted(array: npt.NDArray[T], camera: Camera, interpolation: int) -> npt.NDArray[T]:
    """An image, (h, w) or (h, w, 3), at the camera's size."""
    size = (camera.width, camera.height)
    if array.shape[1::-1] == size:
        return np.ascontiguousarray(array)
    return np.asarray(cv2.resize(array, size, interpolation=interpolation), array.dtype)
