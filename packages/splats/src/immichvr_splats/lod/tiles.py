"""A cloud as a tree of tiles, so that a viewer loads only what it sees, as fine as it sees it.

Leaves hold the cloud's own Gaussians. Every other tile stands for all of its children, merged, and is shown until
they are there. Nodes are those of an octree over the bounding cube; neighbours with few Gaussians share a tile.
"""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from immichvr_splats.cleaning import check_any_left, clean
from immichvr_splats.cloud import GaussianCloud
from immichvr_splats.compiled import I32, I64
from immichvr_splats.conversion import write
from immichvr_splats.errors import InvalidCloudError
from immichvr_splats.lod.index import INDEX_VERSION, Bounds, cloud_entries, extension_of, unique, write_index
from immichvr_splats.lod.merging import LARGEST_LOG_SCALE
from immichvr_splats.lod.reduction import lod
from immichvr_splats.losses import Loss
from immichvr_splats.order import LEVELS_PER_GRID, MORTON_BITS, morton_tree

TILES_FILE = "tiles.json"

_NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Tile:
    """A node of the tree. bounds: what its Gaussians reach. detail: median standard deviation of its Gaussians along
    their longest axis, metres: a tile is fine enough while that is small on the screen."""

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


def write_tiles(
    cloud: GaussianCloud,
    folder: str | os.PathLike[str],
    format: str = "spz",
    most: int = 100_000,
    **options: object,
) -> Tile:
    """Write one file for each tile, and TILES_FILE beside them, which appears last; returns the root.

    most: Gaussians in a tile; only more than that at one place make a larger one. format, options: those of `write`.
    Raises UnknownFormatError or InvalidCloudError (both SplatError).
    """
    if most < 1:
        raise InvalidCloudError(f"tiles of {most} Gaussians were asked for, wants at least 1")
    extension = extension_of(format)
    given = cloud.count
    cloud, losses = clean(cloud)
    check_any_left(given, cloud.count, losses)
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    order, levels = morton_tree(cloud.means.astype(np.float64))
    writer = _TileWriter(cloud, _parting_depths(levels), order, most, root, extension, format, options, losses)
    tile, _ = writer.write_node("r", 0, cloud.count)
    index: dict[str, object] = {
        "version": INDEX_VERSION,
        "format": format,
        "count": cloud.count,
        **cloud_entries(cloud),
        "losses": [asdict(loss) for loss in unique(losses)],
        "root": asdict(tile),
    }
    write_index(root / TILES_FILE, index)
    return tile


def _parting_depths(levels: I32) -> I32:
    """After how many halvings of the cube each row is apart from the one before, (N,); _NEVER at one place.

    levels: those of `morton_tree`.
    """
    bits = levels % LEVELS_PER_GRID
    depths = MORTON_BITS * -(levels // LEVELS_PER_GRID) + MORTON_BITS - 1 - (bits - 1) // 3
    return np.where(bits == 0, _NEVER, depths).astype(np.int32)


@dataclass(frozen=True)
class _TileWriter:
    """order: (N,) indices into the cloud. depths: (N,) of `_parting_depths`. losses: grows with each file."""

    cloud: GaussianCloud
    depths: I32
    order: I64
    most: int
    root: Path
    extension: str
    format: str
    options: dict[str, object]
    losses: list[Loss]

    def write_node(self, name: str, start: int, stop: int) -> tuple[Tile, GaussianCloud]:
        """Write the tile of rows start to stop and all below it."""
        parts = self._parts(start, stop)
        if len(parts) == 1:
            level = self.cloud.take(self.order[start:stop])
            return self._write(name, level, []), level
        below = [self.write_node(f"{name}{k}", *part) for k, part in enumerate(parts)]
        level = lod(_joined([part for _, part in below]), self.most)
        return self._write(name, level, [tile for tile, _ in below]), level

    def _parts(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Rows of the octants, those that fit into one tile together as one part; all as one where they fit or must."""
        inner = self.depths[start + 1 : stop]
        depth = inner.min(initial=_NEVER)
        if stop - start <= self.most or depth == _NEVER:
            return [(start, stop)]
        edges = [start, *(start + 1 + np.flatnonzero(inner == depth)).tolist(), stop]
        parts: list[tuple[int, int]] = []
        for low, high in pairwise(edges):
            if parts and high - parts[-1][0] <= self.most:
                parts[-1] = (parts[-1][0], high)
            else:
                parts.append((low, high))
        return parts

    def _write(self, name: str, level: GaussianCloud, children: list[Tile]) -> Tile:
        path = self.root / f"{name}{self.extension}"
        self.losses.extend(write(level, path, self.format, **self.options))
        largest = level.log_scales.max(axis=1).clip(-LARGEST_LOG_SCALE, LARGEST_LOG_SCALE)
        detail = float(np.exp(np.median(largest))) if level.count else 0.0
        return Tile(path.name, level.count, path.stat().st_size, Bounds.of(level), detail, children)


def _joined(parts: list[GaussianCloud]) -> GaussianCloud:
    return replace(
        parts[0],
        means=np.concatenate([part.means for part in parts]),
        log_scales=np.concatenate([part.log_scales for part in parts]),
        quaternions=np.concatenate([part.quaternions for part in parts]),
        opacity_logits=np.concatenate([part.opacity_logits for part in parts]),
        sh=np.concatenate([part.sh for part in parts]),
    )
