"""Opening a file below a root so that no symbolic link, however timed, leads out of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

# O_NONBLOCK: opening a pipe that somebody put in the file's place must not wait for a writer.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DIRECTORY_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


def open_below(root: Path, place: str) -> BinaryIO:
    """Opens the regular file `place` below the resolved directory `root`, following no link on the way.

    Raises OSError where it is not there, not a regular file, or not reached without links.
    """
    *directories, name = place.split("/")
    if not {"", ".", ".."}.isdisjoint((*directories, name)):
        raise PermissionError(f"{place} is not a plain path below the folder")
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in directories:
            inner = os.open(part, _DIRECTORY_FLAGS, dir_fd=directory)
            os.close(directory)
            directory = inner
        descriptor = os.open(name, _FILE_FLAGS, dir_fd=directory)
    finally:
        os.close(directory)
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise FileNotFoundError(f"{place} is not a regular file")
    return file
