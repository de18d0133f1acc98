"""Where colour and depth lie in one picture that every browser can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

GUTTER = 16
"""Columns between the two, eight of each: chroma is stored for every second pixel, and lenses of scalers reach over."""
WIDEST = 4096
"""Many decoders take no wider picture."""
_SMALLEST = 32
"""A side that libx265 (16) and SVT-AV1 (32) take."""
_MOST_BLOCKS = 36_864  # of 16x16 pixels in a frame: H.264 level 5.1 (ITU-T H.264, table A-1)
_BLOCK = 16


@dataclass(frozen=True)
class Layout:
    """Colour on the left, depth on the right, each `view_width` x `height` pixels; all numbers are even."""

    view_width: int
    height: int

    @property
    def width(self) -> int:
        """Of the whole picture."""
        return 2 * self.view_width + GUTTER

    @property
    def depth_x(self) -> int:
        """Where depth begins."""
        return self.view_width + GUTTER

    def details(self) -> dict[str, Any]:
        """The layout as the viewer reads it: boxes are x, y, width, height in pixels from the top left."""
        view = [self.view_width, self.height]
        return {
            "width": self.width,
            "height": self.height,
            "gutter": GUTTER,
            "colour": [0, 0, *view],
            "depth": [self.depth_x, 0, *view],
        }


def layout_of(width: int, height: int) -> Layout:
    """The largest layout, not larger than the video (width x height), that decoders take."""
    scale = min(1.0, (WIDEST - GUTTER) / 2 / width)
    while True:
        layout = Layout(_even(width * scale), _even(height * scale))
        if _blocks(layout.width) * _blocks(layout.height) <= _MOST_BLOCKS:
            return layout
        scale *= 0.98


def bounded(width: int, height: int, most_pixels: int) -> tuple[int, int]:
    """A size of the same shape, of even sides, with about `most_pixels` at most, and such as every encoder takes."""
    scale = min(1.0, (most_pixels / (width * height)) ** 0.5)
    return max(_SMALLEST, _even(width * scale)), max(_SMALLEST, _even(height * scale))


def _even(length: float) -> int:
    return max(2, int(length + 1e-6) // 2 * 2)


def _blocks(length: int) -> int:
    return -(-length // _BLOCK)
