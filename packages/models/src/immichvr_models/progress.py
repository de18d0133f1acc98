"""How far a download is."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

INTERVAL = 0.1
"""Seconds between two reports, at least."""
WINDOW = 5.0
"""Seconds over which the rate is taken."""


@dataclass(frozen=True)
class Progress:
    """How far the download of one model is.

    file: the one that is being fetched; received, total: bytes of the whole model (total None: unknown);
    rate: bytes per second lately.
    """

    model: str
    file: str
    received: int
    total: int | None
    rate: float

    @property
    def fraction(self) -> float | None:
        """0..1, None where the size is unknown."""
        return None if not self.total else min(1.0, self.received / self.total)

    @property
    def remaining_s(self) -> float | None:
        """Seconds still to go at this rate, None where that is unknown."""
        if self.total is None or self.rate <= 0:
            return None
        return max(0, self.total - self.received) / self.rate


class Meter:
    """Turns byte counts into progress reports: few enough not to slow the transfer down, and one at each end."""

    def __init__(self, model: str, total: int | None, report: Callable[[Progress], None]) -> None:
        self._model = model
        self._total = total
        self._report = report
        self._before = 0
        self._due = 0.0
        self._samples: deque[tuple[float, int]] = deque()

    def skip(self, size: int) -> None:
        """A file of this size is here already."""
        self._before += size

    def at(self, file: str, received: int, file_total: int | None, *, final: bool = False) -> None:
        """Say that `received` bytes of this file are here. What the callback raises stops the download."""
        now = time.monotonic()
        if now < self._due and not final:
            return
        self._due = now + INTERVAL
        count = self._before + received
        self._samples.append((now, count))
        while self._samples[0][0] < now - WINDOW:
            self._samples.popleft()
        (then, before) = self._samples[0]
        rate = max(0, count - before) / (now - then) if now > then else 0.0
        total = self._total
        if total is None and file_total is not None:
            total = self._before + file_total
        self._report(Progress(self._model, file, count, total, rate))
        if final:
            self._before = count
