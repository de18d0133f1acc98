"""Stereo of a video from its stored depth: no network is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from immichvr_common.tasks import MadeFile
from immichvr_video import Encoding, VideoWriter, fits_mp4

from immichvr_video_depth.engine.frames import DepthFrame
from immichvr_video_depth.heap import share_heap
from immichvr_video_depth.outputs import StoredDepth
from immichvr_video_depth.stereo.boxes import mark_stereo
from immichvr_video_depth.stereo.layouts import StereoLayout, codec_for, geometry_for, layout_for
from immichvr_video_depth.stereo.views import Eyes, Views

_MEDIA_TYPES = {"mp4": "video/mp4", "mkv": "video/x-matroska"}


@dataclass(frozen=True)
class StereoWish:
    """What is asked for.

    layout: of LAYOUTS. baseline, convergence, comfort: as in Geometry; None for the layout's own. label: tells the file
    from others of its asset; the layout's name where nothing else is asked for.
    """

    layout: str
    baseline: float | None = None
    convergence: float | None = None
    comfort: float | None = None
    label: str = ""

    @property
    def variant(self) -> str:
        """Of the file."""
        return self.label or self.layout


def make_stereo(
    depth: StoredDepth, folder: Path, wish: StereoWish, progress: Callable[[float], None] = lambda done_s: None
) -> list[MadeFile]:
    """Writes the stereo video into `folder`, with the video's sound.

    An MP4; Matroska where the sound does not fit into one. progress: told up to which time, in seconds, it is written.
    Raises LayoutRefused, GeometryRefused, DepthUnusable, VideoError.
    """
    share_heap()
    clip = depth.clip
    layout = layout_for(wish.layout, clip.projection, clip.stereo)
    geometry = geometry_for(layout, wish.baseline, wish.convergence, wish.comfort)
    width, height = layout.view_size(clip.width, clip.height)
    eyes = Eyes(width, height, geometry, half_sphere=layout.half_sphere)
    suffix = "mp4" if clip.audio is None or fits_mp4(clip.audio_codec) else "mkv"
    path = folder / f"{_stem(wish)}{layout.suffix}.{suffix}"
    marked = {"stereo_mode": layout.matroska} if suffix == "mkv" else {}
    writer = VideoWriter(path, _encoding(layout, width, height, clip.fps), clip.audio, stream_metadata=marked)
    with writer:
        for frame in depth:
            for views in eyes.push(_sized(frame, width, height)):
                _write(writer, layout, views)
                progress(float(views.time))
        for views in eyes.end():
            _write(writer, layout, views)
    if suffix == "mp4":
        mark_stereo(path, layout.box, half_sphere=layout.half_sphere)
    return [MadeFile(path.name, "stereo", suffix, _MEDIA_TYPES[suffix], wish.variant)]


def _stem(wish: StereoWish) -> str:
    """`stereo`, and what is asked for beyond the layout."""
    return "stereo" + wish.variant.removeprefix(wish.layout)


def _encoding(layout: StereoLayout, width: int, height: int, fps: Fraction) -> Encoding:
    size = layout.size(width, height)
    codec = codec_for(*size)
    options = {"x264-params": f"frame-packing={layout.packing}"} if codec == "h264" else {}
    return Encoding(*size, codec, fps=fps, options=options)


def _write(writer: VideoWriter, layout: StereoLayout, views: Views) -> None:
    writer.write(layout.packed(views.left, views.right), views.time, views.duration)


def _sized(frame: DepthFrame, width: int, height: int) -> DepthFrame:
    rows, columns = frame.rgb.shape[:2]
    if (rows, columns) == (height, width):
        return frame
    if rows - height in (0, 1) and columns - width in (0, 1):
        return replace(frame, rgb=np.ascontiguousarray(frame.rgb[:height, :width]))
    smaller = cv2.resize(frame.rgb, (width, height), interpolation=cv2.INTER_AREA)
    return replace(frame, rgb=np.asarray(smaller, np.uint8))
