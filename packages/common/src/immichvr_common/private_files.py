"""Files for one pair of eyes."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def write_private(path: Path, text: str) -> None:
    """Writes a file that its owner alone may read; whole or not at all."""
    with open_private(path) as file:
        file.write(text.encode())


@contextmanager
def open_private(path: Path) -> Iterator[IO[bytes]]:
    """A file that its owner alone may read, which is at its place when the block ends well, and nowhere otherwise."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
