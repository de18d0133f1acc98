"""What every file format of this package provides."""

from collections.abc import Callable
from dataclasses import dataclass

from ..cloud import GaussianCloud
from ..losses import Loss
from ..source import ReadLimits, Source


@dataclass(frozen=True)
class Decoded:
    """What a reader found, values as they stand in the file."""

    cloud: GaussianCloud
    losses: list[Loss]


@dataclass(frozen=True)
class Encoded:
    """What a writer made: pieces of the file in order, without a copy to join them."""

    chunks: list[bytes | memoryview]
    losses: list[Loss]


Reader = Callable[[Source, ReadLimits], Decoded]
Writer = Callable[..., Encoded]


@dataclass(frozen=True)
class Format:
    """One row of the format table.

    extensions: lower case, with the dot, the usual one first. magic: how files begin, empty where nothing tells.
    frame: the axes that the writer stores. options: keyword arguments that `write` takes for this format.
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

    @property
    def can_read(self) -> bool:
        return self.reader is not None

    @property
    def can_write(self) -> bool:
        return self.writer is not None
