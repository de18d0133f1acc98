"""Memory that several processes share: each says what it will take, and waits until there is so much.

Each process keeps a locked file in one folder, named by its turn and what it takes. It goes ahead once it fits beside
everyone whose turn was before: nobody is overtaken for ever. A lock ends with its process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from immichvr_converter.conversion.errors import TooLarge

_ENTRY = re.compile(r"(\d{20})-(\d+)")
_MIB = 1024 * 1024


@dataclass(frozen=True)
class MemoryBudget:
    """What conversions may take together.

    total: bytes. folder: shared by all processes that share the memory; made when it is needed.
    """

    total: int
    folder: Path

    @contextmanager
    def admitted(self, needed: int, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Waits until `needed` bytes fit beside what came before, and holds them.

        waiting: called once if it has to wait. Raises TooLarge where they never fit.
        """
        if needed > self.total:
            raise TooLarge(
                f"this conversion takes about {needed // _MIB:,} MiB of memory; "
                f"conversions may take {self.total // _MIB:,} MiB together"
            )
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        turn, entry, path = self._enter(needed)
        try:
            told = False
            while (blocking := self._blocking(turn, needed)) is not None:
                if not told:
                    waiting()
                    told = True
                _wait_for(blocking)
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(entry)

    def _enter(self, needed: int) -> tuple[int, int, Path]:
        with self._alone():
            turn = max((turn for turn, _, _ in self._entries()), default=0) + 1
            path = self.folder / f"{turn:020d}-{needed}"
            entry = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            fcntl.flock(entry, fcntl.LOCK_EX)
        return turn, entry, path

    def _blocking(self, turn: int, needed: int) -> Path | None:
        """The oldest of those before, while they leave too little; None once there is enough."""
        with self._alone():
            before = [one for one in self._entries() if one[0] < turn]
        if needed + sum(taken for _, taken, _ in before) <= self.total:
            return None
        return before[0][2]

    def _entries(self) -> list[tuple[int, int, Path]]:
        """Turn, bytes and file of everyone who is there, oldest first; forgets those whose process has ended."""
        found = []
        for path in sorted(self.folder.iterdir()):
            match = _ENTRY.fullmatch(path.name)
            if match and _is_held(path):
                found.append((int(match[1]), int(match[2]), path))
        return found

    @contextmanager
    def _alone(self) -> Iterator[None]:
        descriptor = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        path.unlink(missing_ok=True)
        return False
    finally:
        os.close(descriptor)


def _wait_for(path: Path) -> None:
    """Returns when the process that holds the file has let go of it."""
    with suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)
