"""What every file format of this package provides."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from immichvr_catalog import FORMATS as CATALOG
from immichvr_catalog import SplatFormat

from immichvr_splats.cloud import GaussianCloud
from immichvr_splats.losses import Loss
from immichvr_splats.source import ReadLimits, Source
from immichvr_splats.stream import Stream


@dataclass(frozen=True)
class Decoded:
    """What a reader found, values as they stand in the file; a stream where it can be decoded block by block."""

    cloud: GaussianCloud | Stream
    losses: list[Loss]


@dataclass(frozen=True)
class Placed:
    """The pieces of a file of `size` bytes in the order in which they are made, each with its offset in the file.

    For formats that keep one kind of value after the other, of sources that have all of one Gaussian together.
    Iterated over, it is the whole file in one piece.
    """

    size: int
    pieces: Iterable[tuple[int, bytes | memoryview]]

    def __iter__(self) -> Iterator[memoryview]:
        whole = np.empty(self.size, np.uint8).data
        for offset, data in self.pieces:
            whole[offset : offset + len(data)] = data
        yield whole


@dataclass(frozen=True)
class Encoded:
    """What a writer makes: pieces of the file in order, without a copy to join them, or `Placed` ones.

    A writer may make pieces, and learn of losses, only while they are taken: the losses are complete after the last.
    """

    chunks: Iterable[bytes | memoryview]
    losses: list[Loss]


Reader = Callable[..., Decoded]
Writer = Callable[..., Encoded]


@dataclass(frozen=True)
class Head:
    """What a file says of itself ahead of its Gaussians.

    sh_degree: of what is read, 0 to 3. turned: bytes that its numbers take where those cannot be read in place, else 0.
    """

    gaussians: int
    sh_degree: int
    turned: int = 0


@dataclass(frozen=True)
class Summary:
    """What a file has, and the bytes of memory that hold what of it cannot be read in place."""

    gaussians: int
    sh_degree: int
    memory: int


@dataclass(frozen=True, kw_only=True)
class Format(SplatFormat):
    """A format of the catalogue with what reads and writes it here.

    head: finds what a file says of itself, at little cost; raises SplatError; None where files are always read in
    place. magic: how files begin, empty where nothing tells. is_it: tells from a file whether it is this format, where
    another one begins alike. A writer whose format streams takes a `SoundStream`, otherwise a clean cloud in memory.
    """

    reader: Reader | None
    writer: Writer | None
    head: Callable[[Source], Head] | None
    magic: tuple[bytes, ...] = ()
    is_it: Callable[[Source], bool] | None = None

    @classmethod
    def of(cls, name: str, **own: Any) -> "Format":
        """The catalogue's row of that name with its codec."""
        row = CATALOG[name]
        return cls(**{field.name: getattr(row, field.name) for field in fields(row)}, **own)

    @property
    def key(self) -> str:
        """Its name."""
        return self.name

    def summary(self, source: Source) -> Summary | None:
        """What a file has; None where it is read in place. Raises SplatError where its head is not sound."""
        if self.head is None:
            return None
        told = self.head(source)
        unpacked = 0 if self.unpacked is None else self.unpacked.bytes(told.gaussians, told.sh_degree)
        memory = told.turned + unpacked
        return Summary(told.gaussians, told.sh_degree, memory) if memory or self.unpacked else None


__all__ = ["Decoded", "Encoded", "Format", "Head", "Placed", "ReadLimits", "Reader", "Source", "Summary", "Writer"]
