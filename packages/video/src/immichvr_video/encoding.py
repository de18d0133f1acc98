"""How pictures become a stream: codec, its settings, planes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Literal, cast

import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from immichvr_video.errors import EncoderFailed

Codec = Literal["h264", "hevc", "av1"]
Pixels = NDArray[np.uint8] | NDArray[np.uint16]

TIME_BASE: Final = Fraction(1, 90_000)
"""Of everything written: exact for all usual rates, a hundredth of a millisecond for others."""
_GOP_S: Final = 2
# Frames are stored in the order they are shown: segments need it, lengths of variable rate are told rightly only so,
# and libx264 gives the same bytes again more often.
_SOFTWARE: Mapping[Codec, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"preset": "veryfast", "profile": "high", "bf": "0"}),
    "hevc": (
        "libx265",
        {"preset": "veryfast", "x265-params": "log-level=none:info=0:pools=2:frame-threads=1:bframes=0"},
    ),
    "av1": ("libsvtav1", {"preset": "9", "svtav1-params": "lp=2:pred-struct=1"}),
}
# NVIDIA's encoders take our qualities as the targets of a rate that nothing else bounds.
_NVENC: Mapping[Codec, tuple[str, dict[str, str]]] = {
    "h264": ("h264_nvenc", {"profile": "high"}),
    "hevc": ("hevc_nvenc", {}),
    "av1": ("av1_nvenc", {}),
}
_DEEP = "p010le"
"""How they take ten bits."""
_BY_NVENC = {"preset": "p4", "tune": "hq", "rc": "vbr", "b": "0", "bf": "0"}
_QUALITY: Mapping[Codec, int] = {"h264": 20, "hevc": 20, "av1": 28}
_TAGS: Mapping[Codec, str] = {"h264": "avc1", "hevc": "hvc1", "av1": "av01"}
_BT709: Final = 1  # AVColorSpace
_EXACTLY: Final = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
# SVT-AV1 tells of its settings on stderr, unless its environment asks for errors only.
os.environ.setdefault("SVT_LOG", "1")


@dataclass(frozen=True)
class Encoding:
    """What is written: pictures of width x height, in this codec, tagged BT.709.

    grey: luma alone, uint8 for H.264 (8 bits) and 0..1023 in uint16 for HEVC and AV1 (10 bits), full range; else sRGB
    pictures (h, w, 3) uint8, of 8 bits in H.264 and 10 in the others, limited range. An odd side gets one more row or
    column, like its last. quality: of constant rate, smaller is better. fps: about. options: of the encoder (libx264,
    libx265, libsvtav1), over ours. exact: colours become the nearest values, in a third more time, for pictures that
    are held against what they are of. on_device: NVIDIA's encoder writes them (see `nvenc.tried`).
    """

    width: int
    height: int
    codec: Codec = "h264"
    grey: bool = False
    fps: Fraction = Fraction(30)
    quality: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    exact: bool = False
    on_device: bool = False

    @property
    def encoder(self) -> str:
        """ffmpeg's name of what writes it."""
        return (_NVENC if self.on_device else _SOFTWARE)[self.codec][0]

    @property
    def coded_size(self) -> tuple[int, int]:
        """Width and height in the file: even."""
        return self.width + self.width % 2, self.height + self.height % 2

    @property
    def bits(self) -> int:
        """Of a sample."""
        return 8 if self.codec == "h264" else 10


class Encoder:
    """One encoder of one stream of a container, as `encoding` says."""

    def __init__(self, container: OutputContainer, encoding: Encoding) -> None:
        self.encoding, self._to_coded = encoding, VideoReformatter()
        self.stream = _stream(container, encoding)
        self.pictures = 0
        self._durations: dict[int, int] = {}

    def encode(self, picture: Pixels, time: Fraction, duration: Fraction) -> None:
        """Encode a picture and write what is ready; ValueError where it is not as the encoding says."""
        frame = self._frame(picture)
        self.pictures += 1
        frame.pts, frame.time_base = round(time / TIME_BASE), TIME_BASE
        self._durations[frame.pts] = max(1, round((time + duration) / TIME_BASE) - frame.pts)
        self._write(frame)

    def flush(self) -> None:
        """Write all that the encoder holds back."""
        self._write(None)

    def _write(self, frame: VideoFrame | None) -> None:
        for packet in self._encoded(frame):
            if packet.pts in self._durations:  # encoders tell the average
                packet.duration = self._durations.pop(packet.pts)
            cast("OutputContainer", self.stream.container).mux(packet)

    def _encoded(self, frame: VideoFrame | None) -> list[Packet[VideoStream]]:
        try:
            return self.stream.encode(frame)
        except FFmpegError as error:
            if not self.encoding.on_device:
                raise
            raise EncoderFailed(f"{self.encoding.encoder} failed ({error.strerror})") from error

    def _frame(self, picture: Pixels) -> VideoFrame:
        encoding = self.encoding
        shape = (encoding.height, encoding.width) + (() if encoding.grey else (3,))
        kind = np.uint16 if encoding.grey and encoding.bits > 8 else np.uint8
        if picture.shape != shape or picture.dtype != kind:
            raise ValueError(f"a picture is {shape} {np.dtype(kind)} here, not {picture.shape} {picture.dtype}")
        if encoding.grey and picture.max(initial=0) >> encoding.bits:
            raise ValueError(f"luma goes up to {(1 << encoding.bits) - 1} here, not to {picture.max()}")
        odd = ((0, shape[0] % 2), (0, shape[1] % 2)) + (() if encoding.grey else ((0, 0),))
        even = cast("Pixels", np.pad(picture, odd, "edge")) if any(more for _, more in odd) else picture
        return _grey_frame(even, encoding.bits) if encoding.grey else self._coloured(even)

    def _coloured(self, picture: Pixels) -> VideoFrame:
        frame = VideoFrame.from_numpy_buffer(cast("Pixels", np.ascontiguousarray(picture)), "rgb24")
        coded = self._to_coded.reformat(
            frame,
            format=_pixel_format(self.encoding),
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=_EXACTLY if self.encoding.exact else None,
            threads=1,
        )
        return _tagged(coded, ColorRange.MPEG)


def _grey_frame(luma: Pixels, bits: int) -> VideoFrame:
    height, width = luma.shape
    frame = VideoFrame(width, height, "yuv420p10le" if bits > 8 else "yuv420p")
    for plane, content in zip(frame.planes, (luma, 1 << (bits - 1), 1 << (bits - 1)), strict=True):
        rows = np.frombuffer(memoryview(plane), luma.dtype).reshape(plane.height, -1)
        rows[:, : plane.width] = content
        rows[:, plane.width :] = 0
    return _tagged(frame, ColorRange.JPEG)


def _tagged(frame: VideoFrame, color_range: ColorRange) -> VideoFrame:
    frame.colorspace, frame.color_range = _BT709, color_range
    frame.color_primaries, frame.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return frame


def _pixel_format(encoding: Encoding) -> str:
    if encoding.bits == 8:
        return "yuv420p"
    return _DEEP if encoding.on_device else "yuv420p10le"


def _stream(container: OutputContainer, encoding: Encoding) -> VideoStream:
    rate = encoding.fps.limit_denominator(1001)
    options = {**_settings(encoding), "g": str(max(1, round(_GOP_S * rate))), **encoding.options}
    stream = cast("VideoStream", container.add_stream(encoding.encoder, rate=rate, options=options))
    context = stream.codec_context
    stream.width, stream.height = encoding.coded_size
    stream.pix_fmt = _pixel_format(encoding)
    context.time_base = TIME_BASE
    context.framerate = rate
    context.thread_count = 2
    context.codec_tag = _TAGS[encoding.codec]
    context.colorspace, context.color_range = _BT709, ColorRange.JPEG if encoding.grey else ColorRange.MPEG
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return stream


def _settings(encoding: Encoding) -> dict[str, str]:
    quality = _QUALITY[encoding.codec] if encoding.quality is None else encoding.quality
    if encoding.on_device:
        return {**_BY_NVENC, **_NVENC[encoding.codec][1], "cq": str(quality)}
    return {**_SOFTWARE[encoding.codec][1], "crf": str(quality)}
