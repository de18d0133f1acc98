"""How far apart the two eyes see a point: parallax from disparity, within what eyes bear."""

from __future__ import annotations

from dataclasses import dataclass

WIDEST_BASELINE = 10.0
"""Per cent of the width: beyond it hardly a pixel of one eye is seen by the other."""
LARGEST_COMFORT = 5.0


class GeometryRefused(ValueError):
    """Parameters with which no picture for two eyes can be made; the message says what would be right."""


@dataclass(frozen=True)
class Geometry:
    """Where a point appears for either eye.

    baseline: per cent of the picture's width by which the parallax of the nearest point differs from that of the
        farthest. convergence: the value (0 farthest, 1 nearest) that lies in the plane of the screen. comfort: the most
        parallax of any point, per cent of the width; a baseline with which there would be more is made smaller, so that
        the scene keeps its proportions. Raises GeometryRefused.
    """

    baseline: float = 2.5
    convergence: float = 0.5
    comfort: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.baseline <= WIDEST_BASELINE:
            raise GeometryRefused(f"baseline is {self.baseline:g}; above 0, up to {WIDEST_BASELINE:g} % of the width")
        if not 0 <= self.convergence <= 1:
            raise GeometryRefused(f"convergence is {self.convergence:g}; from 0 (farthest) to 1 (nearest)")
        if not 0 < self.comfort <= LARGEST_COMFORT:
            raise GeometryRefused(f"comfort is {self.comfort:g}; above 0, up to {LARGEST_COMFORT:g} % of the width")

    @property
    def comfortable_baseline(self) -> float:
        """The baseline that is used, per cent of the width."""
        farthest_from_screen = max(self.convergence, 1 - self.convergence)
        return min(self.baseline, self.comfort / farthest_from_screen)

    def gain(self, width: int) -> float:
        """Pixels by which a point of value 1 is moved against one of value 0 in the left eye; the right's is -gain."""
        return self.comfortable_baseline / 100 * width / 2
