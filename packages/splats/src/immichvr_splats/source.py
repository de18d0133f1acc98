"""Bytes to read from, and how much of them may be read."""

import mmap
import os
from dataclasses import dataclass
from pathlib import Path

from immichvr_splats.errors import LimitExceededError, MalformedFileError


@dataclass(frozen=True)
class ReadLimits:
    """What reading one file may cost.

    max_bytes: size of the file. max_points: Gaussians. max_decompressed_bytes: size of what is inside it.
    """

    max_bytes: int = 4 << 30
    max_points: int = 20_000_000
    max_decompressed_bytes: int = 4 << 30

    def check_points(self, count: int, name: str) -> None:
        """Raise LimitExceededError if a file announces more than `max_points` Gaussians."""
        if count > self.max_points:
            raise LimitExceededError(f"{name}: {count:,} Gaussians, the limit is {self.max_points:,}")

    def check_decompressed(self, size: int, name: str) -> None:
        """Raise LimitExceededError if a file would decompress to more than `max_decompressed_bytes`."""
        if size > self.max_decompressed_bytes:
            raise LimitExceededError(
                f"{name}: {size:,} bytes decompressed, the limit is {self.max_decompressed_bytes:,}"
            )


@dataclass(frozen=True)
class Source:
    """The bytes of one file and the name that errors call it by."""

    data: memoryview
    name: str

    @property
    def size(self) -> int:
        return self.data.nbytes


def open_source(source: str | os.PathLike[str] | bytes | bytearray | memoryview, limits: ReadLimits) -> Source:
    """Map a file, or wrap bytes, without copying.

    Raises LimitExceededError above `max_bytes`, MalformedFileError for an empty file, OSError as `open` does.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        opened = Source(memoryview(source).cast("B"), "<bytes>")
        _check_size(opened.size, opened.name, limits)
        return opened
    path = Path(source)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        _check_size(size, path.name, limits)
        return Source(memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)), path.name)


def _check_size(size: int, name: str, limits: ReadLimits) -> None:
    if size == 0:
        raise MalformedFileError(f"{name}: the file is empty")
    if size > limits.max_bytes:
        raise LimitExceededError(f"{name}: {size:,} bytes, the limit is {limits.max_bytes:,}")
