"""What every file format of this package provides."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ..cloud import GaussianCloud
from ..losses import Loss
from ..source import ReadLimits, Source
from ..stream import Stream

COMMON_OPTIONS = ("sh_degree",)
"""Options that every writer has, because they are applied before it is called."""


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
class Format:
    """One row of the format table.

    extensions: lower case, with the dot, the usual one first. magic: how files begin, empty where nothing tells.
    is_it: tells from a file whether it is this format, where another one begins alike. frame: the axes that the
    writer stores unless told otherwise. options, read_options: keyword arguments of `write` and `read` for this
    format, beside COMMON_OPTIONS. streams: the writer takes a `SoundStream`, otherwise a clean cloud in memory.
    keeps_antialiased, keeps_georeference: of a cloud's marks.
    """

    key: str
    description: str
    extensions: tuple[str, ...]
    media_type: str
    max_sh_degree: int
    keeps_camera: bool
    keeps_order: bool
    frame: str
    magic: tuple[bytes, ...] = ()
    options: tuple[str, ...] = ()
    reader: Reader | None = None
    writer: Writer | None = None
    streams: bool = False
    read_options: tuple[str, ...] = ()
    is_it: Callable[[Source], bool] | None = None
    keeps_antialiased: bool = False
    keeps_georeference: bool = False

    @property
    def can_read(self) -> bool:
        return self.reader is not None

    @property
    def can_write(self) -> bool:
        return self.writer is not None


__all__ = ["COMMON_OPTIONS", "Decoded", "Encoded", "Format", "Placed", "ReadLimits", "Reader", "Source", "Writer"]
