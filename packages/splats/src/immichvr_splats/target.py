"""Where files are written to."""

import os
import secrets
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from immichvr_splats.formats.base import Encoded, Placed
from immichvr_splats.losses import Loss

Writable = str | os.PathLike[str] | BinaryIO | None


def put(encoded: Encoded, target: Writable) -> list[Loss]:
    """Write the pieces to a path, which appears whole or not at all, to an open file, or, for None, nowhere.

    Nothing waits until the disk has it: after a power failure a file may be there that is not whole.
    """
    if isinstance(target, (str, os.PathLike)):
        _write_whole(Path(target), encoded)
    elif target is not None:
        target.writelines(encoded.chunks)
    else:
        for _ in encoded.chunks.pieces if isinstance(encoded.chunks, Placed) else encoded.chunks:
            pass
    return encoded.losses


def _write_whole(path: Path, encoded: Encoded) -> None:
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with unfinished.open("xb", buffering=0) as file:
            if isinstance(encoded.chunks, Placed):
                _reserve(file, 0, encoded.chunks.size)
                for offset, data in encoded.chunks.pieces:
                    _write_at(file, offset, data)
            else:
                end = 0
                for chunk in encoded.chunks:
                    data = memoryview(chunk).cast("B")
                    _reserve(file, end, data.nbytes)
                    _write_at(file, end, data)
                    end += data.nbytes
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _write_at(file: FileIO, offset: int, data: bytes | memoryview) -> None:
    file.seek(offset)
    left = memoryview(data)
    while left.nbytes:
        left = left[file.write(left) :]


def _reserve(file: FileIO, offset: int, size: int) -> None:
    # Where blocks of the disk are chosen late, as by ext4, renaming a file over another waits until they are: for
    # several times as long as writing takes.
    if size and hasattr(os, "posix_fallocate"):
        with suppress(OSError):  # the file system cannot, or is full, which writing then tells
            os.posix_fallocate(file.fileno(), offset, size)
