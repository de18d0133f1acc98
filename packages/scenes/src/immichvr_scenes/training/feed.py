"""The pictures that are trained on, read when they are wanted; those seen last stay in memory, within bounds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from immichvr_scenes.cameras import View
from immichvr_scenes.pictures import Picture

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
        self.views = [shrunk(picture.view, longest) for picture in pictures]
        self._pictures = [one.with_view(view) for one, view in zip(pictures, self.views, strict=True)]
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
        picture = self._pictures[number]
        return _Kept(picture.read_image(), picture.read_mask(), picture.read_depth())


def shrunk(view: View, longest: int) -> View:
    """The view with its picture's longer side at most `longest` pixels."""
    camera = view.camera
    share = longest / max(camera.width, camera.height)
    if share >= 1:
        return view
    return view.scaled(max(1, round(camera.width * share)), max(1, round(camera.height * share)))
