"""A file system of one's own that is as small as one likes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path, megabytes: int, **options: int) -> Iterator[Path]:
    """Mounts a tmpfs of that size; skips the test where that is not allowed. options: of the mount, like nr_inodes."""
    place.mkdir(exist_ok=True)
    told = ",".join([f"size={megabytes}M", *(f"{name}={value}" for name, value in options.items())])
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", told, "tmpfs", str(place)], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if done.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        # Whoever still holds a file on it is about to end.
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path, leave: int = 0) -> Path:
    """Takes all room but `leave` bytes with one file, which is given."""
    path = place / "filler"
    with path.open("wb") as file:
        try:
            while (free := os.statvfs(place).f_bavail * os.statvfs(place).f_frsize - leave) > 0:
                file.write(bytes(min(1024 * 1024, free)))
                file.flush()
        except OSError:
            pass
    return path
