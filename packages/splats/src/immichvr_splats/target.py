"""Where files are written to."""

import os
import secrets
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from .formats.base import Encoded
from .losses import Loss

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
        for _ in encoded.chunks:
            pass
    return encoded.losses


def _write_whole(path: Path, encoded: Encoded) -> None:
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with unfinished.open("xb", buffering=0) as file:
            for chunk in encoded.chunks:
                _write_all(file, memoryview(chunk).cast("B"))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _write_all(file: FileIO, data: memoryview) -> None:
    _reserve(file, data.nbytes)
    while data.nbytes:
        data = data[file.write(data) :]


def _reserve(file: FileIO, size: int) -> None:
    # Where blocks of the disk are chosen late, as by ext4, renaming a file over another waits until they are: for
    # several times as long as writing takes.
    if size and hasattr(os, "posix_fallocate"):
        with suppress(OSError):  # the file system cannot, or is full, which writing then tells
            os.posix_fallocate(file.fileno(), file.tell(), size)
