"""One picture from the stream: JPEG bytes that may be anything, decoded no larger than it is used."""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass

import numpy as np
from immichvr_depth.compiled import Bytes
from PIL import Image

from immichvr_ai.live.messages import BadMessage

LONGEST_SIDE = 4096
SHORTEST_SIDE = 16
_MOST_SCANS = 100
"""A progressive picture has about ten; each costs a pass over all its pixels, whatever its few bytes say."""
_SCAN = b"\xff\xda"
"""Start of a scan; coded data never hold these two bytes (ITU-T T.81, B.1.1.2 and B.1.1.5)."""
_FOCAL_UNKNOWN = 0.98
"""Focal length over the longer side where nothing says it: 54° across."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded frame. rgb: (h, w, 3) uint8, upright. focal_px: of these pixels; known: whether the client said it."""

    rgb: Bytes
    focal_px: float
    focal_known: bool

    @property
    def fov(self) -> float:
        """Vertical field of view in degrees."""
        return math.degrees(2 * math.atan(self.rgb.shape[0] / 2 / self.focal_px))


def decode(jpeg: bytes, fov: float | None, longest: int) -> Picture:
    """Decode a frame to at most `longest` pixels on its longer side.

    Raises BadMessage: `image_too_large` and `image_too_small` from the header alone, `invalid_image` for the rest.
    """
    if jpeg.count(_SCAN) > _MOST_SCANS:
        raise BadMessage("invalid_image", f"the frame is a picture of more than {_MOST_SCANS} scans")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own limit is above ours
            image = Image.open(io.BytesIO(jpeg), formats=["JPEG"])
            _check_size(image.size)
            full = image.size
            scale = min(1.0, longest / max(full))
            size = (max(1, round(full[0] * scale)), max(1, round(full[1] * scale)))
            # JPEG decodes to an eighth, a quarter or a half at a part of the cost.
            image.draft("RGB", size)
            image.load()
            upright = image if image.mode == "RGB" else image.convert("RGB")
            if upright.size != size:
                upright = upright.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
            rgb = np.asarray(upright, np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, BadMessage):
            raise
        raise BadMessage("invalid_image", f"the frame is no whole JPEG picture: {error}") from error
    if fov is None:
        return Picture(rgb, _FOCAL_UNKNOWN * max(rgb.shape[:2]), focal_known=False)
    return Picture(rgb, rgb.shape[0] / 2 / math.tan(math.radians(fov) / 2), focal_known=True)


def _check_size(size: tuple[int, int]) -> None:
    if max(size) > LONGEST_SIDE:
        raise BadMessage(
            "image_too_large", f"a frame may have {LONGEST_SIDE} pixels on a side; this one is {size[0]}×{size[1]}"
        )
    if min(size) < SHORTEST_SIDE:
        raise BadMessage(
            "image_too_small", f"a frame has at least {SHORTEST_SIDE} pixels on a side; this one is {size[0]}×{size[1]}"
        )
