"""What has arrived of a file: bytes at their places in one sparse file, and a journal that says which they are.

The journal never claims what is not on the disk: the bytes are flushed before it is written, so that neither a killed
process nor a power cut leaves a file that looks more complete than it is.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ValidationError

from immichvr_models.records import read_record, write_record


@dataclass(eq=False)
class Piece:
    """The bytes from `start` up to `end` (None: to an end nobody knows yet); those before `at` are here."""

    start: int
    end: int | None
    at: int

    @property
    def done(self) -> bool:
        """Whether all of it is here."""
        return self.at == self.end


class _Journal(BaseModel):
    validator: str | None = None
    total: int | None
    pieces: list[tuple[int, int | None, int]]


@dataclass
class Partial:
    """A file on its way, and its journal.

    total: bytes of the whole file; validator: which version of it this is, for If-Range. None where unknown.
    """

    path: Path
    journal: Path
    total: int | None = None
    validator: str | None = None
    pieces: list[Piece] = field(default_factory=lambda: [Piece(0, None, 0)])

    @classmethod
    def beside(cls, target: Path) -> Partial:
        """What is here of `target`, or nothing where the journal and the file do not agree."""
        partial = cls(target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.part.json"))
        try:
            journal = _Journal.model_validate(read_record(partial.journal))
            size = partial.path.stat().st_size
        except (ValidationError, OSError):
            return partial
        pieces = [Piece(*numbers) for numbers in journal.pieces]
        if _consistent(pieces, journal.total, size):
            partial.pieces, partial.total, partial.validator = pieces, journal.total, journal.validator
        return partial

    @property
    def received(self) -> int:
        """Bytes that are here."""
        return sum(piece.at - piece.start for piece in self.pieces)

    def begin(self, total: int | None, validator: str | None) -> None:
        """Take the one piece for the whole of a file, of which nothing is here yet."""
        (piece,) = self.pieces
        piece.start, piece.end, piece.at = 0, total, 0
        self.total, self.validator = total, validator

    def split(self, count: int) -> None:
        """Cut the one piece of a file of known size into `count` pieces of about the same size."""
        (first,) = self.pieces
        total = first.end or 0
        bounds = [total * index // count for index in range(count + 1)]
        first.end = bounds[1]
        rest = pairwise(bounds[1:])
        self.pieces = [first, *(Piece(start, end, start) for start, end in rest)]

    def finish(self) -> None:
        """Say that the file ends where its one piece has come to."""
        (piece,) = self.pieces
        self.total = piece.end = piece.at

    @contextmanager
    def opened(self) -> Iterator[Writer]:
        """Let bytes be written in the block; afterwards nobody can, whichever threads are left behind."""
        writer = Writer(self, os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666))
        try:
            yield writer
        finally:
            with suppress(OSError):  # on a full disk, what the last note said is still true
                writer.note()
            writer.close()

    def discard(self) -> None:
        """Start over."""
        self.pieces = [Piece(0, None, 0)]
        self.total = self.validator = None
        self.path.unlink(missing_ok=True)
        self.journal.unlink(missing_ok=True)

    def place(self, target: Path) -> None:
        """Put the file, complete and checked, where it belongs."""
        self.path.replace(target)
        self.journal.unlink(missing_ok=True)


class Writer:
    """The open file of a `Partial`, for as many threads as there are pieces."""

    def __init__(self, partial: Partial, descriptor: int) -> None:
        self._partial = partial
        self._descriptor: int | None = descriptor
        self._lock = threading.Lock()

    def write(self, piece: Piece, chunk: bytes) -> int | None:
        """Append bytes to a piece and return how many of them belonged to it; None once the file is closed."""
        with self._lock:
            if self._descriptor is None:
                return None
            rest = memoryview(chunk)[: None if piece.end is None else piece.end - piece.at]
            count = len(rest)
            os.lseek(self._descriptor, piece.at, os.SEEK_SET)
            while rest:
                written = os.write(self._descriptor, rest)
                piece.at += written
                rest = rest[written:]
        return count

    def note(self) -> None:
        """Flush what is here to the disk and write down that it is here."""
        with self._lock:
            if self._descriptor is None:
                return
            state = _Journal(
                validator=self._partial.validator,
                total=self._partial.total,
                pieces=[(piece.start, piece.end, piece.at) for piece in self._partial.pieces],
            )
            descriptor = os.dup(self._descriptor)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        write_record(self._partial.journal, state.model_dump())

    def close(self) -> None:
        """Refuse everything from now on, and cut off what an earlier, longer version of the file left behind."""
        with self._lock:
            if self._descriptor is None:
                return
            try:
                if all(piece.done for piece in self._partial.pieces):
                    os.ftruncate(self._descriptor, self._partial.pieces[-1].at)
            finally:
                os.close(self._descriptor)
                self._descriptor = None


def _consistent(pieces: list[Piece], total: int | None, size: int) -> bool:
    """Whether the pieces cover the file without gaps and what they claim fits into what is on the disk."""
    starts = [piece.start for piece in pieces]
    ends = [piece.end for piece in pieces]
    return (
        bool(pieces)
        and starts == [0, *ends[:-1]]
        and ends[-1] == total
        and all(piece.start <= piece.at <= size and (piece.end is None or piece.at <= piece.end) for piece in pieces)
    )
