"""Turning pictures and maps upright by their EXIF orientation."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

UPRIGHT = 1

# EXIF 2.32, tag 0x0112: where row 0 and column 0 of the stored picture belong.
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def valid_orientation(value: object) -> int:
    """The orientation 1..8 that `value` stands for; anything else is upright (1)."""
    return value if isinstance(value, int) and value in _TRANSPOSE else UPRIGHT


def swaps_sides(orientation: int) -> bool:
    """Whether undoing this orientation exchanges width and height."""
    return orientation >= 5


def upright_image(image: Image.Image, orientation: int) -> Image.Image:
    """The picture turned upright."""
    method = _TRANSPOSE.get(orientation)
    return image if method is None else image.transpose(method)


def upright_array(array: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """The map (h, w, …) turned upright in the way `upright_image` turns a picture; contiguous."""
    if swaps_sides(orientation):
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)
