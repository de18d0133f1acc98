"""A full or unwritable disk, told apart from everything else that can go wrong."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import disk_usage

from immichvr_models.errors import DownloadError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_MAKE_ROOM = "free some space, or choose another directory with IMMICHVR_MODELS_DIR"


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Turn an OSError of the block into a DownloadError, `no_space` or `not_writable`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DownloadError("no_space", f"no space: the disk of {directory} is full", _MAKE_ROOM) from error
        raise DownloadError(
            "not_writable",
            f"cannot write to {directory}: {error.strerror or error}",
            "make the directory writable, or choose another with IMMICHVR_MODELS_DIR",
        ) from error


def require_space(directory: Path, needed: int, keep_free: int) -> None:
    """Raise DownloadError (`no_space`) unless `needed` bytes fit and `keep_free` bytes remain."""
    free = disk_usage(directory).free
    if needed + keep_free > free:
        raise DownloadError(
            "no_space",
            f"no space: {(needed + keep_free) / 1e6:.0f} MB are needed in {directory}, {free / 1e6:.0f} MB are free",
            _MAKE_ROOM,
        )
