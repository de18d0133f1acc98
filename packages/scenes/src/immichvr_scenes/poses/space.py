"""Room on the disk, looked for before COLMAP writes: a full one makes it end the whole process, in no words."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_LEAST = 2_000_000
_TWICE = 2
"""What is written to a database lies in its log first, and then in itself."""


def check_space(folder: Path, written: int) -> None:
    """Raises OSError, as a full disk does, where `written` bytes of a database in `folder` would fill its disk."""
    found, needed = os.statvfs(folder), _LEAST + _TWICE * written
    if found.f_bavail * found.f_frsize < needed:
        raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}: {needed:,} bytes are needed", str(folder))
