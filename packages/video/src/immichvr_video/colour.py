"""From decoded frames to what is shown: sRGB, 8 bits, upright, square pixels; or luma as it is coded."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from typing import Final, cast

import cv2
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from immichvr_video.errors import UnsupportedVideo
from immichvr_video.facts import VideoFacts
from immichvr_video.hdr import Hdr, cube

_HD_LINES: Final = 720
"""Where a file does not say which matrix it is coded with, pictures of so many lines are BT.709, others BT.601."""
_PLAIN_BITS: Final = 8
# AVColorSpace to swscale's numbers, where they differ from what PyAV would take
_MATRICES = {
    1: Colorspace.ITU709, 4: Colorspace.FCC, 5: Colorspace.ITU601, 6: Colorspace.ITU601, 7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020, 10: Colorspace.BT2020,
}  # fmt: skip


class Shown:
    """Makes pictures of the frames of one video; all have the size that its facts tell."""

    def __init__(self, facts: VideoFacts, threads: int = 1) -> None:
        self._facts, self._threads = facts, threads
        turn = facts.turn
        self._size = (facts.height, facts.width) if turn.swaps else (facts.width, facts.height)
        self._to_rgb, self._to_deep = VideoReformatter(), VideoReformatter()
        self._table: Graph | None = None

    def rgb(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """(h, w, 3) sRGB."""
        if self._facts.hdr is not None:
            picture = self._tone_mapped(self._reformatted(self._to_deep, frame, "gbrp16le"))
        else:
            picture = cast("NDArray[np.uint8]", self._reformatted(self._to_rgb, frame, "rgb24").to_ndarray())
        return self._facts.turn.upright(picture)

    def _reformatted(self, by: VideoReformatter, frame: VideoFrame, to: str) -> VideoFrame:
        width, height = self._size
        matrix = _MATRICES.get(int(frame.colorspace))
        if matrix is None:
            matrix = Colorspace.ITU709 if frame.height >= _HD_LINES else Colorspace.ITU601
        name = frame.format.name
        is_coloured = frame.format.is_rgb or name.startswith("pal")
        full = is_coloured or frame.color_range == ColorRange.JPEG or name.startswith("yuvj")
        return by.reformat(
            frame,
            width=width,
            height=height,
            format=to,
            src_colorspace=None if is_coloured else matrix,
            dst_colorspace=None if is_coloured else matrix,
            src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=self._interpolation(frame),
            threads=self._threads,
        )

    def _interpolation(self, frame: VideoFrame) -> Interpolation:
        """Of pixels where the size changes; else of colour, which the plain way doubles, as encoders halve it again."""
        if (frame.width, frame.height) != self._size:
            return Interpolation.BICUBIC | Interpolation.ACCURATE_RND
        deep = any(part.bits > _PLAIN_BITS for part in frame.format.components)
        return Interpolation.BILINEAR | Interpolation.ACCURATE_RND if deep else Interpolation.BILINEAR

    def _tone_mapped(self, deep: VideoFrame) -> NDArray[np.uint8]:
        if self._table is None:
            self._table = _table(deep, cast("Hdr", self._facts.hdr))
        self._table.vpush(deep)
        shown = self._table.vpull()
        green, blue, red = (cv2.convertScaleAbs(_rows(plane, np.uint16), alpha=1 / 257) for plane in shown.planes)
        return cast("NDArray[np.uint8]", cv2.merge([red, green, blue]))


def luma_of(frame: VideoFrame) -> NDArray[np.uint16]:
    """(h, w), the values of the first plane; UnsupportedVideo where that is not luma alone."""
    first = frame.format.components[0]
    if not frame.format.name.startswith(("yuv", "gray")) or frame.format.name.startswith("yuyv"):
        raise UnsupportedVideo(f"luma is read from planes, not from {frame.format.name}")
    return _rows(frame.planes[0], np.uint16 if first.bits > 8 else np.uint8).astype(np.uint16)


def _rows(plane: VideoPlane, kind: type[np.uint8 | np.uint16]) -> NDArray[np.uint8 | np.uint16]:
    """The samples of a plane (h, w), as long as its frame lives."""
    rows = np.frombuffer(memoryview(plane), kind).reshape(plane.height, -1)
    return cast("NDArray[np.uint8 | np.uint16]", rows[:, : plane.width])


def _table(like: VideoFrame, hdr: Hdr) -> Graph:
    """A filter that looks colours up; ffmpeg reads its table when it is configured."""
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(width=like.width, height=like.height, format=like.format, time_base=Fraction(1, 1000))
    with tempfile.NamedTemporaryFile("w", suffix=".cube") as file:
        file.write(cube(hdr))
        file.flush()
        lookup = graph.add("lut3d", f"file={file.name}:interp=tetrahedral")
        sink = graph.add("buffersink")
        graph.link_nodes(source, lookup, sink)
        graph.configure()
    return graph
