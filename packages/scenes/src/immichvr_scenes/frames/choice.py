"""Which frames of a video are taken: evenly along the way that the camera went, of each stretch the sharpest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_STEP = 0.012
"""Share of the width by which the camera has come on when another frame is worth having."""
_LEAST = 8
"""Frames that are taken of a shot, if it has them, however little it moves."""


@dataclass(frozen=True)
class Seen:
    """What is remembered of a frame. way: how far the camera had come, in this shot and before; blur: 0 to 1."""

    index: int
    shot: int
    way: float
    blur: float


def chosen(seen: Sequence[Seen], most: int) -> list[Seen]:
    """At most so many, in their order, shots apart: each gets its share by the way that the camera went in it."""
    shots: dict[int, list[Seen]] = {}
    for frame in seen:
        shots.setdefault(frame.shot, []).append(frame)
    wanted = {shot: min(len(frames), max(_LEAST, 1 + round(_way(frames) / _STEP))) for shot, frames in shots.items()}
    total = sum(wanted.values())
    share = min(1.0, most / total) if total else 1.0
    taken: list[Seen] = []
    for shot, frames in sorted(shots.items(), key=lambda one: -_way(one[1])):
        room = most - len(taken)
        taken += _along(frames, min(room, max(2, int(wanted[shot] * share)))) if room >= 2 else []
    return sorted(taken, key=lambda frame: frame.index)


def _along(frames: Sequence[Seen], count: int) -> list[Seen]:
    """The sharpest frame of each of `count` stretches of equal length."""
    ways = np.array([frame.way for frame in frames])
    moved = float(np.ptp(ways))
    # Where the camera stood, time goes on: frames there are apart by a little, so that every stretch has its own.
    evenly = np.linspace(0, 1, len(ways))
    along = 0.9 * (ways - ways[0]) / moved + 0.1 * evenly if moved > 0 else evenly
    stretch = np.minimum((along * count).astype(int), count - 1)
    taken = []
    for number in range(count):
        inside = [frame for frame, one in zip(frames, stretch, strict=True) if one == number]
        if inside:
            taken.append(min(inside, key=lambda frame: frame.blur))
    return taken


def _way(frames: Sequence[Seen]) -> float:
    return frames[-1].way - frames[0].way
