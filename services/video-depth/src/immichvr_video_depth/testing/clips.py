"""Small videos with sound, made on the spot."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, FPS = 96, 64, 25
_RATE, _SAMPLES = 44_100, 1024


def write_clip(path: Path, frames: int, cut_at: int | None = None) -> Path:
    """A square that moves before a wall, and a tone; from `cut_at` on before another wall."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = out.add_stream("aac", rate=_RATE)
        for index in range(frames):
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture(index, cut_at), format="rgb24")))
        out.mux(video.encode())
        tone = (np.sin(np.arange(_SAMPLES) / 20) * 8000).astype(np.int16).reshape(1, -1)
        for number in range(frames * _RATE // (FPS * _SAMPLES)):
            sound = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = _RATE, number * _SAMPLES, Fraction(1, _RATE)
            out.mux(audio.encode(sound))
        out.mux(audio.encode())
    return path


def picture(index: int, cut_at: int | None = None) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """One frame."""
    seed = 1 if cut_at is not None and index >= cut_at else 0
    wall = np.random.default_rng(seed).integers(30 + 90 * seed, 90 + 120 * seed, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    frame = wall.repeat(8, axis=0).repeat(8, axis=1)
    way = WIDTH - 20
    left = abs((index + way) % (2 * way) - way)
    frame[20:40, left : left + 20] = (250, 240, 20)
    return frame
