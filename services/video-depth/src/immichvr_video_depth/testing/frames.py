"""Frames with their depth, and the video that they are of."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from immichvr_common.tasks import MadeFile
from immichvr_video import Encoding, VideoWriter

from immichvr_video_depth.engine.frames import DepthFrame, Output, Share
from immichvr_video_depth.outputs import Clip, Maker

FPS = Fraction(20)
WIDTH, HEIGHT = 160, 96
CLIP = Clip(WIDTH, HEIGHT, FPS)
MAKER = Maker("vda-small", "r1", metric=False)
SECOND_SHOT = 15
"""Where it begins."""
_WINDOW = 6


def frame(number: int, width: int = WIDTH, height: int = HEIGHT) -> DepthFrame:
    """Red on the left and blue on the right, brighter with time; disparity from 2 (left) to 6 (right)."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[:, : width // 2, 0] = 60 + 5 * number
    rgb[:, width // 2 :, 2] = 60 + 5 * number
    raw = np.tile(np.linspace(1, 3, 56, dtype=np.float32), (42, 1))
    return DepthFrame(
        index=number, time=number / FPS, duration=1 / FPS, shot=int(number >= SECOND_SHOT), rgb=rgb,
        shares=(Share(raw, 2.0, 0.0),), low=2.0, high=6.0 + 0.01 * number,
    )  # fmt: skip


def frames(count: int) -> list[DepthFrame]:
    """The first ones."""
    return [frame(number) for number in range(count)]


def write_all(output: Output, of: Iterable[DepthFrame], window: int = _WINDOW) -> list[list[Path]]:
    """Writes frames, and seals after every window; what was given at each seal."""
    seals = []
    for number, one in enumerate(of):
        output.write(one)
        if number % window == window - 1:
            seals.append(output.seal())
    seals.append(output.seal())
    return seals


def made_by(output: Output, of: Iterable[DepthFrame]) -> list[MadeFile]:
    """The files that an output makes of frames."""
    write_all(output, of)
    return output.finish()


def colour_video(path: Path, of: Iterable[DepthFrame]) -> Path:
    """The video that these frames are of."""
    of = list(of)
    height, width = of[0].rgb.shape[:2]
    with VideoWriter(path, Encoding(width, height, fps=FPS, quality=8)) as writer:
        for one in of:
            writer.write(one.rgb, one.time, one.duration)
    return path
