"""Pictures with cameras, read when they are wanted: hundreds of them are never in memory at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_media import DecodeLimits, Photo, decode_photo

from immichvr_scenes.arrays import read_depth_array
from immichvr_scenes.cameras import View

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

T = TypeVar("T", bound=np.generic)

_LIMITS = DecodeLimits()
_SAME_SHAPE = 0.02
"""Proportions of a picture and of its camera that differ by a smaller share, or by a pixel, are the same."""


class NotItsCamera(ValueError):
    """A picture, a mask or a depth map of another shape than the camera that it is said to be from."""

    code = "invalid_dataset"


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of a place, and what is known beside it, each read anew by every call of its `read_…`.

    image: a file or a function, (h, w, 3) uint8 sRGB. mask: a file, a function or an array, (h, w) bool, True
    where the picture is to be believed; None: everywhere. depth: a file (.npy), a function or an array, (h, w) float32,
    along the axis in the unit of the world, 0 or not finite where it is not known; None: nowhere.
    upright: files are turned as their EXIF says; those of a dataset are not, whose cameras are of the pixels as stored.
    A mask's file is known wherever it is not black. Files are at the size of `view.camera` or are brought to it.
    Reading raises MediaError, ValueError or OSError.
    """

    view: View
    image: Path | Callable[[], U8]
    mask: Path | Callable[[], Mask] | Mask | None = None
    depth: Path | Callable[[], F32] | F32 | None = None
    upright: bool = True

    @property
    def name(self) -> str:
        """The view's."""
        return self.view.name

    def read_image(self) -> U8:
        """(h, w, 3) uint8, sRGB, of the camera's size."""
        rgb = self._read(self.image) if isinstance(self.image, Path) else self.image()
        return self._fitted(rgb, cv2.INTER_AREA)

    def read_image_as_it_is(self) -> U8:
        """(h, w, 3) uint8, sRGB, as large as it is kept. Raises NotItsCamera where its camera has another shape."""
        rgb = self._read(self.image) if isinstance(self.image, Path) else self.image()
        self._check_shape("it", rgb, "it was turned or cut since its camera was found")
        return rgb

    def read_mask(self) -> Mask | None:
        """(h, w), True where known, of the camera's size; None where everything is. Raises NotItsCamera."""
        mask = self.mask
        if isinstance(mask, Path):
            mask = np.asarray(self._read(mask).any(axis=2))
        elif callable(mask):
            mask = mask()
        if mask is None:
            return None
        self._check_shape("its mask", mask, "a mask is as its picture is stored")
        return np.asarray(self._fitted(mask.astype(np.uint8), cv2.INTER_NEAREST) > 0)

    def read_depth(self) -> F32 | None:
        """(h, w) float32, of the camera's size; None where it is not known at all. Raises NotItsCamera."""
        depth = self.read_depth_as_it_is()
        if depth is None:
            return None
        self._check_shape("its depth map", depth, "a depth map is as its picture is stored")
        return self._fitted(depth, cv2.INTER_NEAREST)

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

    def _read(self, path: Path) -> U8:
        photo = decode_photo(path, _LIMITS)
        return photo.rgb if self.upright else stored(photo)

    def _check_shape(self, what: str, array: npt.NDArray[T], why: str) -> None:
        (height, width), camera = array.shape[:2], self.view.camera
        if not _is_alike(width, height, camera.width, camera.height):
            raise NotItsCamera(
                f"{what} has {width} x {height} pixels, and its camera {camera.width} x {camera.height}: {why}"
            )

    def _fitted(self, array: npt.NDArray[T], interpolation: int) -> npt.NDArray[T]:
        size = (self.view.camera.width, self.view.camera.height)
        if array.shape[1::-1] == size:
            return array
        return np.asarray(cv2.resize(array, size, interpolation=interpolation))


def _is_alike(width: int, height: int, other_width: int, other_height: int) -> bool:
    """Whether two sizes are of one shape, as far as whole pixels of either tell."""
    scale = max(width, height) / max(other_width, other_height)
    apart = max(abs(width - scale * other_width), abs(height - scale * other_height))
    return apart <= max(1.0, scale, _SAME_SHAPE * min(width, height))


def stored(photo: Photo) -> U8:
    """The pixels as they are in the file, whatever its EXIF says of how to turn them: (h, w, 3)."""
    rgb = photo.rgb
    # EXIF counts mirrored ones in pairs: what undoes each is its own inverse, but for the two quarter turns.
    undone = {
        2: rgb[:, ::-1],
        3: rgb[::-1, ::-1],
        4: rgb[::-1],
        5: rgb.transpose(1, 0, 2),
        6: np.rot90(rgb),
        7: rgb[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(rgb, -1),
    }
    return np.ascontiguousarray(undone.get(photo.orientation, rgb))
