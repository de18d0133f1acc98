"""Times of frames: exact, from zero, never going back."""

from __future__ import annotations

from fractions import Fraction

MOMENT_S = Fraction(1, 1000)
"""Frames nearer to each other than this are of one moment: no rate that is taken has such, and few files can tell them
apart. A whole even number of ticks of what is written (1/90000 s), so that rounding brings none nearer."""
_LATE_S = Fraction(1, 2)
"""A frame that comes so much too late was meant to be shown before; more is a clock that was set back."""

_ROUNDING_S = Fraction(2, 1000)
_REGULAR_FRAMES = 24
_HOLE_STEPS = Fraction(3, 2)
_EVER = 1 << 60


class Timeline:
    """Places frames on one axis that begins at `origin`.

    Times are as the file has them, as long as they rise. Of two frames at one moment (MOMENT_S) only the first is
    shown; one that comes up to half a second late is left out, as players do. Where the clock is set back further
    (joined recordings), or leaps by more than `longest`, the axis goes on after the last frame, until the file's own
    times fit again.
    """

    def __init__(self, origin: Fraction, step: Fraction, longest: Fraction) -> None:
        self._origin, self._step, self._longest = origin, step, longest
        self._offset = Fraction(0)
        self._last: Fraction | None = None
        self.jumps = 0

    def place(self, raw: Fraction | None) -> Fraction | None:
        """The time of the next frame, in seconds; None where it is not shown.

        raw: its time in the file; None where the file tells none, which puts it one step after the last.
        """
        time = self._time(raw)
        if time is not None:
            self._last = time
        return time

    def _time(self, raw: Fraction | None) -> Fraction | None:
        last = self._last
        following = Fraction(0) if last is None else last + self._step
        if raw is None:
            return following
        own = raw - self._origin
        if last is None:
            return max(own, Fraction(0))
        for time in dict.fromkeys((own, own + self._offset)):
            if last + MOMENT_S <= time <= last + self._longest:
                self._offset = time - own
                return time
        nearest = own + self._offset
        if last - _LATE_S <= nearest < last + MOMENT_S:
            return None
        return self._jump(own, following)

    def _jump(self, own: Fraction, following: Fraction) -> Fraction:
        self.jumps += 1
        self._offset = following - own
        return following


class Pace:
    """Tells a hole in a video of constant rate from the irregular times of others."""

    def __init__(self, step: Fraction) -> None:
        self._step = step
        self._regular = 0

    def misses(self, late: Fraction) -> bool:
        """Whether frames are missing before one that comes so much later than a step after the last."""
        if late <= _ROUNDING_S:
            self._regular += 1
            return False
        is_hole = self._regular >= _REGULAR_FRAMES and late > _HOLE_STEPS * self._step
        if not is_hole:
            self._regular = -_EVER
        return is_hole
