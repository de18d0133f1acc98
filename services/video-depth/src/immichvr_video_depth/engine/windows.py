"""A shot in windows, as Video Depth Anything was trained to see it: each knows some frames of the one before.

A window has 32 frames and begins 22 after the last one. In the place of its first 10 it gets frames that the network
has seen before: the shot's first, one from the middle of the previous window, and that window's last eight, which are
its own 3rd to 10th. The shot is padded with its last frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

WINDOW, OVERLAP, FADED = 32, 10, 8
STEP = WINDOW - OVERLAP
MIDDLE = 12
"""The position of the frame by which the next window is aligned, beside the shot's first."""
KEYS = (0, MIDDLE, *range(WINDOW - FADED, WINDOW))


@dataclass(frozen=True)
class Window(Generic[T]):
    """What goes through a network at once. number: in its shot. inputs: the frames. fresh: those not given before."""

    number: int
    inputs: tuple[T, ...]
    fresh: tuple[T, ...]


class Overlapping(Generic[T]):
    """Cuts one shot into windows of 32 that overlap, frame by frame."""

    def __init__(self, number: int = 0, keys: Sequence[T] = ()) -> None:
        """number, keys: of the next window, and the previous one's inputs at KEYS, where the shot has begun before."""
        self.number, self.keys = number, tuple(keys)
        self._count = WINDOW + STEP * (number - 1) if number else 0
        self._fresh: list[T] = []

    def push(self, frame: T) -> Window[T] | None:
        """The next frame of the shot; a window if it is full with it."""
        self._fresh.append(frame)
        self._count += 1
        return self._window() if len(self._fresh) + len(self.keys) == WINDOW else None

    def end(self) -> list[Window[T]]:
        """The windows left when the shot has no further frame."""
        windows = []
        while self._count > STEP * self.number:
            windows.append(self._window())
        return windows

    def _window(self) -> Window[T]:
        known = (*self.keys, *self._fresh)
        inputs = known + known[-1:] * (WINDOW - len(known))
        window = Window(self.number, inputs, tuple(self._fresh))
        self.number, self.keys, self._fresh = self.number + 1, tuple(inputs[key] for key in KEYS), []
        return window


class Apart(Generic[T]):
    """Cuts one shot into groups for a network that sees each frame alone: as many new frames as Overlapping."""

    def __init__(self, number: int = 0) -> None:
        self.number, self.keys = number, tuple[T, ...]()
        self._fresh: list[T] = []

    def push(self, frame: T) -> Window[T] | None:
        """The next frame of the shot; a group if it is full with it."""
        self._fresh.append(frame)
        return self._window() if len(self._fresh) == (STEP if self.number else WINDOW) else None

    def end(self) -> list[Window[T]]:
        """What is left when the shot has no further frame."""
        return [self._window()] if self._fresh else []

    def _window(self) -> Window[T]:
        window = Window(self.number, tuple(self._fresh), tuple(self._fresh))
        self.number, self._fresh = self.number + 1, []
        return window
