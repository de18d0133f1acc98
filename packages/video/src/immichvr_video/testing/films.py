"""Holding one file of frames against another."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from immichvr_video import VideoReader

_LEVELS = 2.0
"""libx264 codes one frame in thousands otherwise when it is asked again; people could not tell them apart."""


def difference(found: Path, expected: Path) -> str:
    """How a file differs from another; empty where they are the same byte for byte, or, as H.264 allows, show the
    same pictures at the same times."""
    if found.read_bytes() == expected.read_bytes():
        return ""
    if found.suffix != ".mp4":
        return f"{found.name} has other bytes"
    with VideoReader(found) as one, VideoReader(expected) as other:
        if one.facts != other.facts or one.facts.codec != "h264":
            return f"{found.name} has other bytes, and its encoder gives the same again"
        for frame, wanted in zip(one, other, strict=True):
            apart = float(np.abs(frame.rgb.astype(np.int16) - wanted.rgb.astype(np.int16)).mean())
            if frame.time != wanted.time or apart > _LEVELS:
                return f"frame {wanted.index} of {found.name} is shown at {frame.time} s and is {apart} levels apart"
    return ""
