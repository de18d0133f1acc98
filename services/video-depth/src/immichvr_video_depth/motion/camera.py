"""How the camera travels: out from the photo and back to it, eased."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from immichvr_common.errors import InvalidRequest
from immichvr_depth import Layers

Path = Literal["sway", "orbit", "dolly", "zoom"]
PATHS: tuple[Path, ...] = get_args(Path)
LARGEST_SHIFT = 0.015
"""By how much of the picture's longer side the nearest or the farthest thing moves at an amplitude of 1."""
SHORTEST_S, LONGEST_S = 2.0, 4.0
MOST_AMPLITUDE = 2.0
_MOST_SIDESTEP = 1.0  # of the reference sidestep, for which the background is painted
REACH = (2.0, 98.0)
"""Percentiles of shift between which a scene lies."""
_RISE = 0.62  # how high an orbit is for its width
_BORDER_SAMPLES = 400

Floats64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Travel:
    """What is asked for: the path, how long it takes, and how far it goes (1: its own; see LARGEST_SHIFT)."""

    path: Path = "sway"
    seconds: float = 3.0
    amplitude: float = 1.0

    @classmethod
    def of(cls, path: str, seconds: float, amplitude: float) -> Travel:
        """What somebody asks for. Raises InvalidRequest, with what can be had."""
        known = next((one for one in PATHS if one == path), None)
        if known is None:
            raise InvalidRequest(f"there is no path {path!r}; there are: {', '.join(PATHS)}")
        if not SHORTEST_S <= seconds <= LONGEST_S:
            raise InvalidRequest(f"a clip of {seconds:g} s is asked for; {SHORTEST_S:g} to {LONGEST_S:g} s can be had")
        if not 0 < amplitude <= MOST_AMPLITUDE:
            raise InvalidRequest(f"an amplitude of {amplitude:g} is asked for; up to {MOST_AMPLITUDE:g} can be had")
        return cls(known, seconds, amplitude)


@dataclass(frozen=True)
class View:
    """Where the camera is. A pixel with shift S goes from p, counted from the middle, to
    scale · ((p − (right, down) · S) / (1 − forward · S) + (right, down) · focus).
    """

    right: float
    down: float
    forward: float
    focus: float
    scale: float

    def apart(self, reach: float, size: tuple[int, int]) -> float:
        """By how many pixels two things whose shifts differ by `reach` part at most, in a picture of (h, w)."""
        return reach * float(np.hypot(self.right, self.down) + abs(self.forward) * np.hypot(*size) / 2)


def views(layers: Layers, travel: Travel, count: int) -> list[View]:
    """The camera at each of `count` pictures; the first and the last are the photo itself.

    Where the photo would end inside of the picture, the lens closes in just enough.
    """
    low, high = (float(value) for value in np.percentile(layers.shift[::4, ::4], REACH))
    focus = (low + high) / 2
    reach = max((high - low) / 2, 1e-6)
    height, width = layers.shift.shape
    most = travel.amplitude * LARGEST_SHIFT * max(width, height)
    sidestep = min(most / reach, _MOST_SIDESTEP)
    forward = sidestep / (float(np.hypot(width, height)) / 2)
    steps = _TRAVELS[travel.path](np.linspace(0.0, 1.0, count))
    ways = [
        View(
            right=sidestep * float(step[0]),
            down=sidestep * float(step[1]),
            forward=forward * float(step[2]),
            focus=focus,
            scale=1.0 - forward * float(step[2]) * focus if travel.path == "zoom" else 1.0,
        )
        for step in steps
    ]
    return _without_borders(layers, ways, np.abs(steps).max(axis=1))


def is_mirrored(path: Path) -> bool:
    """Whether the second half of a loop shows the pictures of the first, backwards."""
    return path != "orbit"


def _smooth(x: Floats64) -> Floats64:
    return np.asarray((1 - np.cos(np.pi * np.clip(x, 0, 1))) / 2)


def _sway(t: Floats64) -> Floats64:
    """To the left, to the right, and back the same way."""
    half = 1 - np.abs(2 * t - 1)
    across = -_smooth(half * 3) + 2 * _smooth((half - 1 / 3) * 1.5)
    return np.stack([across, 0 * t, 0 * t], axis=1)


def _orbit(t: Floats64) -> Floats64:
    """Once around the photo's own place, r = sin(angle / 2)."""
    angle = 2 * np.pi * _smooth(t)
    radius = np.sin(angle / 2)
    return np.stack([radius * np.sin(angle), -_RISE * radius * np.cos(angle), 0 * t], axis=1)


def _forth(t: Floats64) -> Floats64:
    """Forwards and back."""
    return np.stack([0 * t, 0 * t, _smooth(1 - np.abs(2 * t - 1))], axis=1)


def _back(t: Floats64) -> Floats64:
    return -_forth(t)


_TRAVELS: dict[Path, Callable[[Floats64], Floats64]] = {
    "sway": _sway,
    "orbit": _orbit,
    "dolly": _forth,
    "zoom": _back,
}


def _without_borders(layers: Layers, ways: list[View], distance: Floats64) -> list[View]:
    """The lens closes in as far as the widest step needs, and no faster than the camera leaves the photo."""
    leaving = np.maximum.accumulate(distance)
    returning = np.maximum.accumulate(distance[::-1])[::-1]
    part = np.minimum(leaving, returning)
    needed = np.array([_needed(layers, view) for view in ways])
    moving = part > 1e-9
    most = float(np.max((needed[moving] - 1) / part[moving], initial=0.0))
    return [
        replace(view, scale=view.scale * (1 + most * share)) for view, share in zip(ways, part.tolist(), strict=True)
    ]


def _needed(layers: Layers, view: View) -> float:
    """The enlargement with which the photo's borders lie on or outside of the picture's."""
    height, width = layers.shift.shape
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    needed = 1.0
    for shift, offset, way in (
        (layers.shift[:, 0], -middle_x, view.right),
        (layers.shift[:, -1], middle_x, view.right),
        (layers.shift[0], -middle_y, view.down),
        (layers.shift[-1], middle_y, view.down),
    ):
        goes_to = view.scale * ((offset - way * shift) / (1 - view.forward * shift) + way * view.focus)
        needed = max(needed, float(np.max(offset / goes_to)))
    return needed
