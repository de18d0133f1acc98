"""What frames tell beside their pixels: how they are turned, what they are a projection of, for which eye they are.

Layouts: AVFrameSideData of libavutil 60 (display.h, spherical.h, stereo3d.h).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from numpy.typing import NDArray

_TURNS: Final = {1: cv2.ROTATE_90_CLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_COUNTERCLOCKWISE}
_HALF: Final = 0x3FFFFFFF  # a quarter of the sphere on each side, as 0.32 fixed point
_PROJECTIONS = (
    "equirectangular-360", "cubemap", "equirectangular-tile", "equirectangular-180", None, "fisheye", "parametric",
)  # fmt: skip
_STEREO = (
    None, "side-by-side", "over-under", "frame-sequence", "checkerboard", "side-by-side-quincunx", "lines", "columns",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Turn:
    """How a picture is brought upright: mirrored left to right first, then turned clockwise by `quarters` x 90°."""

    quarters: int = 0
    mirrored: bool = False

    @property
    def swaps(self) -> bool:
        """Whether width and height change places."""
        return self.quarters % 2 == 1

    def upright(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture (h, w, 3) upright."""
        turned = cv2.flip(picture, 1) if self.mirrored else picture
        return cv2.rotate(turned, _TURNS[self.quarters]) if self.quarters else turned


def turn_of(frame: VideoFrame) -> Turn:
    """From the display matrix; angles between quarters are taken as the nearest quarter."""
    matrix = _content(frame, Type.DISPLAYMATRIX, 36)
    if matrix is None:
        return Turn()
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix)
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    if abs(a) >= abs(b):
        return Turn(0 if a >= 0 else 2, mirrored)
    return Turn(1 if b > 0 else 3, mirrored)


def projection_of(frame: VideoFrame) -> str | None:
    """What the picture is instead of flat; None for flat ones."""
    data = _content(frame, Type.SPHERICAL, 32)
    if data is None:
        return None
    kind, _, _, _, left, _, right, _ = struct.unpack("=4i4I", data)
    if kind in (0, 2) and abs(left - _HALF) < _HALF // 100 and abs(right - _HALF) < _HALF // 100:
        return "equirectangular-180"
    return _PROJECTIONS[kind] if 0 <= kind < len(_PROJECTIONS) else "unknown"


def stereo_of(frame: VideoFrame) -> str | None:
    """How two views lie in the picture; None for one view."""
    data = _content(frame, Type.STEREO3D, 4)
    if data is None:
        return None
    (kind,) = struct.unpack("=i", data)
    return _STEREO[kind] if 0 <= kind < len(_STEREO) else None


def _content(frame: VideoFrame, kind: Type, size: int) -> bytes | None:
    try:
        content = bytes(frame.side_data[kind])  # type: ignore[literal-required]
    except (KeyError, ValueError):  # a kind that PyAV has no name for hides the others
        return None
    return content[:size] if len(content) >= size else None
