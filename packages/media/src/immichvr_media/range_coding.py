"""Depth maps as the pictures that files store: decoding the picture, undoing its range coding.

Source: Google's depth map metadata ("GDepth") and Dynamic Depth 1.0, section Depth Map. With n the stored value
in 0..1 and d the depth: RangeLinear n = (d - near) / (far - near);
RangeInverse n = far (d - near) / (d (far - near)).
"""

import base64
import binascii
import dataclasses
import math
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from immichvr_media.carried import DepthUnusable
from immichvr_media.errors import MediaError
from immichvr_media.formats import Format
from immichvr_media.limits import DecodeLimits
from immichvr_media.opening import load_image, open_image

RangeFormat = Literal["RangeInverse", "RangeLinear"]

# Linear maps may start at 0, where they have no reading; such pixels come to this part of the far end.
_NEAREST_OF_FAR = 1e-3


def from_base64(text: str, limits: DecodeLimits) -> bytes:
    """The bytes of a base64 property; raises DepthUnusable."""
    if len(text) > limits.max_depth_bytes * 4 // 3 + 1024:
        raise DepthUnusable(f"its data has {len(text)} characters, above {limits.max_depth_bytes} bytes")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise DepthUnusable(f"its data is not base64: {error}") from error


def unit_picture(encoded: bytes, limits: DecodeLimits) -> npt.NDArray[np.float32]:
    """A grey PNG or JPEG, 8 or 16 bits, as (h, w) float32 in 0..1, not turned; raises DepthUnusable."""
    bounds = dataclasses.replace(limits, max_bytes=limits.max_depth_bytes, max_pixels=limits.max_depth_pixels)
    if len(encoded) > bounds.max_bytes:
        raise DepthUnusable(f"its picture has {len(encoded)} bytes; the limit is {bounds.max_bytes} bytes")
    notes: list[str] = []
    try:
        opened = open_image(encoded, bounds, notes)
        if opened.format not in (Format.PNG, Format.JPEG):
            raise DepthUnusable(f"its picture is {opened.format}; PNG and JPEG are read")
        image = load_image(opened, notes).image
    except MediaError as error:
        raise DepthUnusable(f"its picture: {error}") from error
    if image.mode.startswith("I;16"):
        return np.asarray(image, dtype=np.float32) / np.float32(65535)
    return np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255)


def from_range(
    values: npt.NDArray[np.float32], coding: str | None, near: str | None, far: str | None
) -> npt.NDArray[np.float32]:
    """Depth from stored values in 0..1 and the properties Format, Near and Far; raises DepthUnusable."""
    if coding not in get_args(RangeFormat):
        raise DepthUnusable(f"its format is {coding!r}; {' and '.join(get_args(RangeFormat))} are read")
    lo, hi = finite_number(near, "near"), finite_number(far, "far")
    if coding == "RangeInverse":
        if not 0 < lo < hi:
            raise DepthUnusable(f"its range is {lo} to {hi}; 0 < near < far must hold")
        with np.errstate(divide="ignore"):  # infinite depth is refused with the rest of what is unusable
            depth = hi * lo / (hi - values.astype(np.float64) * (hi - lo))
    else:
        if not 0 <= lo < hi:
            raise DepthUnusable(f"its range is {lo} to {hi}; 0 <= near < far must hold")
        depth = np.maximum(lo + values.astype(np.float64) * (hi - lo), hi * _NEAREST_OF_FAR)
    return depth.astype(np.float32)


def finite_number(text: str | None, name: str) -> float:
    """A property as a finite number; raises DepthUnusable."""
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DepthUnusable(f"its {name} is {(text or 'missing')[:40]!r}; a finite number must be there")
    return number
