"""How much room a disk has, and whether that is enough."""

from __future__ import annotations

import os
from pathlib import Path

from immichvr_common.errors import StorageFull
from immichvr_common.sizes import size

_AGAIN = 1.05
"""Room that was short counts as there again with a little more than is asked for, lest it be told every second."""


def free_bytes(place: Path) -> int:
    """Bytes that may still be written where `place` lies, or will lie; 0 where no file can be made for want of inodes.

    Raises OSError.
    """
    found = os.statvfs(next(one for one in (place, *place.absolute().parents) if one.exists()))
    return 0 if found.f_files and not found.f_favail else found.f_bavail * found.f_frsize


def short_of_room(place: Path, keep_free: int, was_short: bool = False) -> StorageFull | None:
    """What is to be said where fewer than `keep_free` bytes are free; else None. Raises OSError."""
    free = free_bytes(place)
    if free >= keep_free * (_AGAIN if was_short else 1):
        return None
    return StorageFull("disk", f"the disk of {place} has {size(free)} left, of which {size(keep_free)} are kept free")
