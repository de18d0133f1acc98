"""The sizes in which the network is published, and what its input may be."""

from __future__ import annotations

from dataclasses import dataclass

PATCH = 14
"""Pixels of one patch of the vision transformer; both sides of the input are multiples of it."""
LONGEST = 32
"""Frames that one pass takes at most: the positions in time that the network has learnt."""
TRAINED_GRID = 37
"""Patches on each side of the pictures that the network was trained with, 518 × 518."""
HEAD_WIDTH = 64
"""Channels of one head of the encoder's attention."""


@dataclass(frozen=True)
class Shape:
    """One size of the network.

    width: channels of the encoder. blocks: of the encoder; taps: those whose output the head sees, counted from 0.
    channels: of the head's four levels, the finest first. features: of what the levels are fused into. The temporal
    attention has groups of 32 channels and 8 heads, so that the two coarser levels and `features` are multiples of 32.
    """

    width: int
    blocks: int
    taps: tuple[int, int, int, int]
    channels: tuple[int, int, int, int]
    features: int


SMALL = Shape(384, 12, (2, 5, 8, 11), (48, 96, 192, 384), 64)
BASE = Shape(768, 12, (2, 5, 8, 11), (96, 192, 384, 768), 128)
LARGE = Shape(1024, 24, (4, 11, 17, 23), (256, 512, 1024, 1024), 256)
TINY = Shape(64, 4, (0, 1, 2, 3), (8, 16, 32, 32), 32)
"""For tests: 0.6 million parameters."""
