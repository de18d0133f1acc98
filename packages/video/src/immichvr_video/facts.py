"""What a video is: size, length, rate, colour, sound; read from its head and its first frame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.reformatter import ColorTrc
from av.video.stream import VideoStream

from immichvr_video.decoding import Decoder, Picture, is_by_order
from immichvr_video.demuxing import best_stream
from immichvr_video.errors import EmptyVideo, InvalidVideo, VideoTooLong
from immichvr_video.limits import VideoLimits
from immichvr_video.opening import check_pixels, open_video
from immichvr_video.side_data import Turn, projection_of, stereo_of, turn_of

_HDR = {int(ColorTrc.SMPTE2084): "pq", int(ColorTrc.ARIB_STD_B67): "hlg"}
_ORDINARY_RATE: Final = Fraction(30)
_PIXEL_SHAPES = (Fraction(1, 4), Fraction(4))  # others than these are mistakes
_MATROSKA_DURATION = re.compile(r"(\d{1,4}):(\d\d):(\d\d\.\d{1,9})")
_START_S = Fraction(10)


Span = tuple[float, float | None]
"""A part of a video: start and end in seconds; None for the video's end."""


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a video is.

    width, height: upright, of square pixels. fps: on average. duration_s, frames: as the file says; None where it
    does not. rotation: degrees clockwise that bring a frame upright; mirrored: left to right before that.
    hdr: "pq" or "hlg"; bits: of a sample; interlaced: two fields a frame. audio: the codec of the sound, or None.
    codec: ffmpeg's name. projection: what a frame is instead of flat (`equirectangular-180`, …); stereo: how two views
    lie in it (`side-by-side`, `over-under`, …). start: where in the file's own time the first frame is.
    """

    width: int
    height: int
    fps: Fraction
    duration_s: float | None
    frames: int | None
    rotation: int
    mirrored: bool
    hdr: str | None
    bits: int
    interlaced: bool
    audio: str | None
    codec: str
    container: str
    projection: str | None
    stereo: str | None
    start: Fraction

    @property
    def turn(self) -> Turn:
        """How its frames are brought upright."""
        return Turn(self.rotation // 90, self.mirrored)


def inspect(path: Path, limits: VideoLimits | None = None) -> VideoFacts:
    """What the video in this file is. The length is told, not judged: VideoReader does that.

    Raises VideoError.
    """
    limits = limits or VideoLimits()
    container, stream = open_video(path, limits)
    with container:
        return _facts(container, stream, limits)


def check_length(facts: VideoFacts, limits: VideoLimits, span: Span | None) -> None:
    """VideoTooLong for more seconds or frames than are taken, of the video or the part that is asked for."""
    seconds = facts.duration_s or 0.0
    if span is not None:
        ends = [end for end in (span[1], facts.duration_s or None) if end is not None]
        seconds = max(0.0, min(ends, default=0.0) - span[0])
    if seconds > limits.max_seconds:
        raise VideoTooLong(
            f"the video runs {_clock(seconds)}; at most {_clock(limits.max_seconds)} are taken (max_seconds): "
            "choose a part of it (range)"
        )
    frames = seconds * float(facts.fps) if span is not None or facts.frames is None else facts.frames
    if frames > limits.max_frames:
        raise VideoTooLong(
            f"the video has {frames:.0f} frames; at most {limits.max_frames} are taken (max_frames): "
            "choose a part of it (range)"
        )


def _facts(container: InputContainer, stream: VideoStream, limits: VideoLimits) -> VideoFacts:
    context = stream.codec_context
    first = next(Decoder(container, stream, limits).pictures(), None)
    if first is None and not stream.codec_context.width:
        raise InvalidVideo(
            "the size of its frames is not told, or more than any decoder takes; open the original to check"
        )
    if first is None:
        raise EmptyVideo("the video has no frame that can be shown; open the original to check it")
    frame = first.frame
    turn = turn_of(frame)
    width, height = _square(frame.width, frame.height, stream.sample_aspect_ratio)
    if turn.swaps:
        width, height = height, width
    check_pixels(width, height, limits)
    bits = max((part.bits for part in frame.format.components), default=8)
    sound = _sound(container)
    return VideoFacts(
        width=width,
        height=height,
        fps=_rate(stream),
        duration_s=_duration(container, stream),
        frames=stream.frames or None,
        rotation=turn.quarters * 90,
        mirrored=turn.mirrored,
        hdr=_HDR.get(int(frame.color_trc)),
        bits=bits,
        interlaced=frame.interlaced_frame,
        audio=sound,
        codec=context.codec.canonical_name,
        container=container.format.name,
        projection=projection_of(frame),
        stereo=stereo_of(frame),
        start=_start(container, stream, first),
    )


def _square(width: int, height: int, shape: Fraction | None) -> tuple[int, int]:
    """The size in square pixels; the wider side is stretched, so that no pixel is lost."""
    if not shape or shape == 1 or not _PIXEL_SHAPES[0] <= shape <= _PIXEL_SHAPES[1]:
        return width, height
    return (round(width * shape), height) if shape > 1 else (width, round(height / shape))


def _rate(stream: VideoStream) -> Fraction:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and Fraction(1, 1000) <= rate <= 1000:
            return Fraction(rate)
    return _ORDINARY_RATE


def _duration(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    tag = _MATROSKA_DURATION.fullmatch(stream.metadata.get("DURATION", ""))
    if tag is not None:
        return int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3])
    return container.duration / 1_000_000 if container.duration else None


def _start(container: InputContainer, stream: VideoStream, first: Picture) -> Fraction:
    """The file's word for it, as long as it fits the first frame that could be shown."""
    seen = first.time
    if is_by_order(container) or stream.start_time is None or stream.time_base is None:
        return seen or Fraction(0)
    told = stream.start_time * stream.time_base
    return told if seen is None or 0 <= seen - told <= _START_S else seen


def _sound(container: InputContainer) -> str | None:
    sound = best_stream(container, "audio")
    if not isinstance(sound, AudioStream):
        return None
    context: object = sound.codec_context
    if context is None or not sound.rate or not sound.channels:
        return None
    return sound.codec_context.codec.canonical_name


def _clock(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return (
        " ".join(f"{value} {unit}" for value, unit in ((hours, "h"), (minutes, "min"), (left, "s")) if value) or "0 s"
    )
