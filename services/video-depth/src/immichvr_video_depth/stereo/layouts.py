"""How two views lie in one picture, and the names by which players know it (Pigasus, SKYBOX, DeoVR, Oculus)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from immichvr_depth.compiled import Bytes
from immichvr_video import Codec

from immichvr_video_depth.stereo.boxes import LEFT_RIGHT, TOP_BOTTOM
from immichvr_video_depth.stereo.geometry import Geometry

HALF_SPHERE = "equirectangular-180"
"""The projection of a video that shows half of all around it (VideoFacts)."""
_H264_WIDEST, _H264_PIXELS = 4096, 36_864 * 256  # level 5.1
_WIDEST, _PIXELS = 8192, 35_651_584  # HEVC, level 6


class LayoutRefused(ValueError):
    """A layout that there is not, or not for this video; the message says which there are."""


@dataclass(frozen=True)
class StereoLayout:
    """One way to show two views.

    suffix: at the end of the file's name. box: of `st3d`. matroska: its stereo mode. packing: of H.264's frame packing
    (ITU-T H.264, D.2.26). columns, rows: how the views lie. half: each view has half of its width. half_sphere: each
    shows 180 degrees.
    """

    suffix: str
    box: int
    matroska: str
    packing: int
    columns: int
    rows: int
    half: bool = False
    half_sphere: bool = False

    def view_size(self, width: int, height: int) -> tuple[int, int]:
        """Of a view of a video of this size as it is made, which for `half` is before it is squeezed: even sides."""
        share = min(
            1.0,
            _WIDEST / (width * self._across),
            _WIDEST / (height * self.rows),
            (_PIXELS / (width * self._across * height * self.rows)) ** 0.5,
        )
        return _even(width * share), _even(height * share)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Of the picture that holds two views of this size."""
        return width // (2 if self.half else 1) * self.columns, height * self.rows

    def packed(self, left: Bytes, right: Bytes) -> Bytes:
        """Both views in one picture, the left one first."""
        views = [left, right]
        if self.half:
            size = (left.shape[1] // 2, left.shape[0])
            views = [np.asarray(cv2.resize(view, size, interpolation=cv2.INTER_AREA), np.uint8) for view in views]
        return np.concatenate(views, axis=1 if self.columns == 2 else 0)

    @property
    def _across(self) -> int:
        return 1 if self.half else self.columns


def _even(length: float) -> int:
    return max(2, int(length) // 2 * 2)


LAYOUTS = {
    "full-sbs": StereoLayout("_LRF_Full_SBS", LEFT_RIGHT, "left_right", 3, 2, 1),
    "half-sbs": StereoLayout("_LR", LEFT_RIGHT, "left_right", 3, 2, 1, half=True),
    "over-under": StereoLayout("_TBF_fulltb", TOP_BOTTOM, "top_bottom", 4, 1, 2),
    "vr180": StereoLayout("_180x180_LR", LEFT_RIGHT, "left_right", 3, 2, 1, half_sphere=True),
}


def layout_for(name: str, projection: str | None, stereo: str | None) -> StereoLayout:
    """The layout of this name for a video of this projection with these views (VideoFacts). Raises LayoutRefused."""
    if name not in LAYOUTS:
        raise LayoutRefused(f"there is no stereo layout {name!r}; there are: {', '.join(LAYOUTS)}")
    if stereo is not None:
        raise LayoutRefused(f"the video has two views already ({stereo})")
    layout = LAYOUTS[name]
    if layout.half_sphere and projection != HALF_SPHERE:
        flat = ", ".join(name for name, other in LAYOUTS.items() if not other.half_sphere)
        raise LayoutRefused(f"vr180 is made of videos that show 180 degrees, which this one does not; take {flat}")
    return layout


def geometry_for(
    layout: StereoLayout, baseline: float | None, convergence: float | None, comfort: float | None
) -> Geometry:
    """The geometry that is asked for; the layout's own where it is None. Raises GeometryRefused.

    On half a sphere there is no screen: what is farthest is seen straight ahead by both eyes.
    """
    own = Geometry(convergence=0.0) if layout.half_sphere else Geometry()
    given = {"baseline": baseline, "convergence": convergence, "comfort": comfort}
    return replace(own, **{name: value for name, value in given.items() if value is not None})


def codec_for(width: int, height: int) -> Codec:
    """H.264, which everything plays, as far as it goes."""
    return "h264" if width <= _H264_WIDEST and width * height <= _H264_PIXELS else "hevc"
