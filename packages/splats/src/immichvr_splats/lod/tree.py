"""The tree of tiles, whatever they hold: an octree whose neighbours with little in them share a tile.

Leaves hold what there is. Every other tile stands for all of its children, made fewer, and is shown until they are
there. Nodes are those of an octree over the bounding cube.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np

from immichvr_splats.compiled import F32, I32, I64
from immichvr_splats.lod.index import INDEX_VERSION, Bounds, unique, write_index
from immichvr_splats.losses import Loss
from immichvr_splats.order import LEVELS_PER_GRID, MORTON_BITS, morton_tree

TILES_FILE = "tiles.json"

_NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Tile:
    """A node of the tree. bounds: what is in it reaches. detail: how coarse that is, metres: a tile is fine enough
    while it is small on the screen. Of Gaussians it is the median standard deviation along their longest axis, of
    points how far neighbours are apart."""

    file: str
    count: int
    bytes: int
    bounds: Bounds
    detail: float
    children: list["Tile"] = field(default_factory=list)

    def walk(self) -> Iterator["Tile"]:
        """This tile and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


class Counted(Protocol):
    """Something of which there are many."""

    @property
    def count(self) -> int:
        """How many."""
        ...


C = TypeVar("C", bound=Counted)


class Contents(Protocol[C]):
    """What tiles are made of, and how a tile of it is told and written."""

    @property
    def format(self) -> str:
        """The key of the tiles' format."""
        ...

    @property
    def extension(self) -> str:
        """Of the tiles' files."""
        ...

    def take(self, rows: I64) -> C:
        """Those rows."""
        ...

    def merged(self, parts: list[C], count: int) -> C:
        """One level of at most `count` that stands for all parts."""
        ...

    def write(self, level: C, path: Path) -> list[Loss]:
        """Writes a tile's file."""
        ...

    def bounds(self, level: C) -> Bounds:
        """What it reaches."""
        ...

    def detail(self, level: C) -> float:
        """As of `Tile`, metres."""
        ...

    def entries(self) -> dict[str, object]:
        """What the index tells of the whole beside the tree."""
        ...


def write_tree(contents: Contents[C], places: F32, folder: Path, most: int, losses: list[Loss]) -> Tile:
    """Write one file for each tile, and TILES_FILE beside them, which appears last; returns the root.

    places: (N, 3) metres, of the rows of `contents`. most: in one tile. losses: of what came before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    order, levels = morton_tree(places.astype(np.float64))
    writer = _TreeWriter(contents, _parting_depths(levels), order, most, folder, list(losses))
    tile, _ = writer.write_node("r", 0, places.shape[0])
    index: dict[str, object] = {
        "version": INDEX_VERSION,
        "format": contents.format,
        "count": places.shape[0],
        **contents.entries(),
        "losses": [asdict(loss) for loss in unique(writer.losses)],
        "root": asdict(tile),
    }
    write_index(folder / TILES_FILE, index)
    return tile


def _parting_depths(levels: I32) -> I32:
    """After how many halvings of the cube each row is apart from the one before, (N,); _NEVER at one place.

    levels: those of `morton_tree`.
    """
    bits = levels % LEVELS_PER_GRID
    depths = MORTON_BITS * -(levels // LEVELS_PER_GRID) + MORTON_BITS - 1 - (bits - 1) // 3
    return np.where(bits == 0, _NEVER, depths).astype(np.int32)


class _TreeWriter(Generic[C]):
    """depths: (N,) of `_parting_depths`. order: (N,) rows. losses: grows with each file."""

    def __init__(
        self, contents: Contents[C], depths: I32, order: I64, most: int, root: Path, losses: list[Loss]
    ) -> None:
        self._contents, self._depths, self._order = contents, depths, order
        self._most, self._root, self.losses = most, root, losses

    def write_node(self, name: str, start: int, stop: int) -> tuple[Tile, C]:
        """Write the tile of rows start to stop and all below it."""
        parts = self._parts(start, stop)
        if len(parts) == 1:
            level = self._contents.take(self._order[start:stop])
            return self._write(name, level, []), level
        below = [self.write_node(f"{name}{k}", *part) for k, part in enumerate(parts)]
        level = self._contents.merged([part for _, part in below], self._most)
        return self._write(name, level, [tile for tile, _ in below]), level

    def _parts(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Rows of the octants, those that fit into one tile together as one part; all as one where they fit or must."""
        inner = self._depths[start + 1 : stop]
        depth = inner.min(initial=_NEVER)
        if stop - start <= self._most or depth == _NEVER:
            return [(start, stop)]
        edges = [start, *(start + 1 + np.flatnonzero(inner == depth)).tolist(), stop]
        parts: list[tuple[int, int]] = []
        for low, high in pairwise(edges):
            if parts and high - parts[-1][0] <= self._most:
                parts[-1] = (parts[-1][0], high)
            else:
                parts.append((low, high))
        return parts

    def _write(self, name: str, level: C, children: list[Tile]) -> Tile:
        path = self._root / f"{name}{self._contents.extension}"
        self.losses.extend(self._contents.write(level, path))
        detail, bounds = self._contents.detail(level), self._contents.bounds(level)
        return Tile(path.name, level.count, path.stat().st_size, bounds, detail, children)
