"""Telling a photo that was deleted from one whose disk is not there just now."""

from __future__ import annotations

from pathlib import Path, PurePosixPath


def trace_of(root: Path, place: str) -> str:
    """Where a photo lay, and on which device."""
    folder = PurePosixPath(place).parent
    return f"{(root / folder).stat().st_dev}:{folder}"


def has_left(root: Path, trace: str) -> bool:
    """Whether the folder that a photo lay in would show it: it, or what is left of its path, is on the same device.

    Raises OSError where the root itself cannot be read.
    """
    device, _, place = trace.partition(":")
    folder = root / place
    while folder != root and not folder.is_dir():
        folder = folder.parent
    return str(folder.stat().st_dev) == device
