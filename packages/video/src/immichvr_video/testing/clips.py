"""Clips that tests are about: a square that moves, and the number of the frame in bars that survive encoding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

_BITS = 12


@dataclass(frozen=True)
class Clip:
    """What a clip is. times: of its frames, in seconds; else `frames` of them, `fps` a second.

    codec, options: of PyAV's encoder; rotation: in degrees, as cameras note it; sound: an encoder of audio, or None;
    cuts: frames at which the picture changes altogether. container_options: of ffmpeg's muxer.
    """

    frames: int = 30
    width: int = 160
    height: int = 96
    fps: int = 30
    times: Sequence[Fraction] | None = None
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)
    container_options: Mapping[str, str] = field(default_factory=dict)
    rotation: int = 0
    sound: str | None = None
    sound_rate: int = 48_000
    cuts: Sequence[int] = ()
    key_every: int = 12


def picture(index: int, clip: Clip = Clip()) -> NDArray[np.uint8]:
    """Frame `index` of a clip: (h, w, 3) sRGB. A square moves to the right, by 4 pixels a frame."""
    height, width = clip.height, clip.width
    shot = sum(index >= cut for cut in clip.cuts)
    made = np.empty((height, width, 3), np.uint8)
    made[:] = ((40, 90, 60), (200, 60, 30), (20, 30, 160), (180, 180, 40))[shot % 4]
    side = height // 4
    left = index * 4 % max(1, width - side)
    made[height // 2 : height // 2 + side, left : left + side] = (250, 240, 230) if shot % 2 == 0 else (10, 20, 30)
    bar = width // (_BITS + 2)
    for bit in range(_BITS):
        made[: height // 6, (bit + 1) * bar : (bit + 2) * bar] = 235 if index >> bit & 1 else 20
    return made


def number_in(rgb: NDArray[np.uint8]) -> int:
    """The number that is drawn in a picture, at any size."""
    height, width = rgb.shape[:2]
    bar = width / (_BITS + 2)
    row = rgb[height // 12].mean(axis=-1)
    return sum(1 << bit for bit in range(_BITS) if row[int((bit + 1.5) * bar)] > 127)


def make_clip(path: Path, clip: Clip) -> Path:
    """Write a clip; its container is told by the suffix."""
    with av.open(str(path), "w", container_options=dict(clip.container_options)) as container:
        stream = _stream(container, clip)
        sound = _sound(container, clip) if clip.sound is not None else None
        container.start_encoding()
        base = stream.codec_context.time_base
        times = clip.times if clip.times is not None else [Fraction(i, clip.fps) for i in range(clip.frames)]
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(index, clip), "rgb24").reformat(format=clip.pixel_format)
            frame.time_base, frame.pts = base, round(time / base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            _tone(container, sound, float(max(times, default=Fraction(0))), clip.sound_rate)
    return path


def _stream(container: OutputContainer, clip: Clip) -> VideoStream:
    stream = cast("VideoStream", container.add_stream(clip.codec, rate=clip.fps, options=dict(clip.options)))
    stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, clip.pixel_format
    stream.codec_context.time_base = Fraction(1, clip.fps if clip.times is None else 90_000)
    stream.codec_context.gop_size = clip.key_every
    stream.codec_context.thread_count = 1
    if clip.rotation:
        stream.set_display_rotation(clip.rotation)
    return stream


def _sound(container: OutputContainer, clip: Clip) -> AudioStream:
    return cast("AudioStream", container.add_stream(clip.sound or "", clip.sound_rate, layout="mono"))


def _tone(container: OutputContainer, stream: AudioStream, seconds: float, rate: int) -> None:
    for start in range(0, int(seconds * rate), 1024):
        wave = np.sin(np.arange(start, start + 1024) * (2 * np.pi * 440 / rate)) * 8000
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
