"""Pictures with cameras, read when they are wanted: hundreds of them are never in memory at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_media import DecodeLimits, decode_photo

from immichvr_scenes.arrays import read_depth_array
from immichvr_scenes.cameras import View

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

T = TypeVar("T", bound=np.generic)

_LIMITS = DecodeLimits()
_KNOWN = 127
"""Of a mask's picture: brighter than this is known."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of a place, and what is known beside it, each read anew by every call of its `read_…`.

    image: a file or a function, (h, w, 3) uint8 sRGB. mask: a file, a function or an array, (h, w) bool, True
    where the picture is to be believed; None: everywhere. depth: a file (.npy), a function or an array, (h, w) float32,
    along the axis in the unit of the world, 0 or not finite where it is not known; None: nowhere.
    Files are at the size of `view.camera` or are brought to it. Reading raises MediaError, ValueError or OSError.
    """

    view: View
    image: Path | Callable[[], U8]
    mask: Path | Callable[[], Mask] | Mask | None = None
    depth: Path | Callable[[], F32] | F32 | None = None

    @property
    def name(self) -> str:
        """The view's."""
        return self.view.name

    def read_image(self) -> U8:
        """(h, w, 3) uint8, sRGB, of the camera's size."""
        rgb = decode_photo(self.image, _LIMITS).rgb if isinstance(self.image, Path) else self.image()
        return self._fitted(rgb, cv2.INTER_AREA)

    def read_mask(self) -> Mask | None:
        """(h, w), True where known, of the camera's size; None where everything is."""
        mask = self.mask
        if isinstance(mask, Path):
            mask = decode_photo(mask, _LIMITS).rgb[..., 0] > _KNOWN
        elif callable(mask):
            mask = mask()
        if mask is None:
            return None
        return np.asarray(self._fitted(mask.astype(np.uint8), cv2.INTER_NEAREST) > 0)

    def read_depth(self) -> F32 | None:
        """(h, w) float32, of the camera's size; None where it is not known at all."""
        depth = self.read_depth_as_it_is()
        return None if depth is None else self._fitted(depth, cv2.INTER_NEAREST)

    def read_depth_as_it_is(self) -> F32 | None:
        """(h, w) float32, of the size in which it is kept; None where it is not known at all."""
        depth = self.depth
        if isinstance(depth, Path):
            depth = read_depth_array(depth, _LIMITS.max_pixels)
        elif callable(depth):
            depth = depth()
        return None if depth is None else depth.astype(np.float32, copy=False)

    def with_view(self, view: View) -> Picture:
        """The same picture with another camera, which may be of another size."""
        return replace(self, view=view)

    def _fitted(self, array: npt.NDArray[T], interpolation: int) -> npt.NDArray[T]:
        size = (self.view.camera.width, self.view.camera.height)
        if array.shape[1::-1] == size:
            return array
        return np.asarray(cv2.resize(array, size, interpolation=interpolation))
