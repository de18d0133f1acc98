"""A cloud of Gaussians as a tree of tiles, so that a viewer loads only what it sees, as fine as it sees it."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from immichvr_splats.cleaning import check_any_left, clean
from immichvr_splats.cloud import GaussianCloud
from immichvr_splats.compiled import I64
from immichvr_splats.conversion import write
from immichvr_splats.errors import InvalidCloudError
from immichvr_splats.lod.index import Bounds, cloud_entries, extension_of
from immichvr_splats.lod.merging import LARGEST_LOG_SCALE
from immichvr_splats.lod.reduction import lod
from immichvr_splats.lod.tree import Tile, write_tree
from immichvr_splats.losses import Loss


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
    return write_tree(_Gaussians(cloud, format, extension, options), cloud.means, Path(folder), most, losses)


@dataclass(frozen=True)
class _Gaussians:
    """The contents of tiles. options: of `write`."""

    cloud: GaussianCloud
    format: str
    extension: str
    options: dict[str, object]

    def take(self, rows: I64) -> GaussianCloud:
        return self.cloud.take(rows)

    def merged(self, parts: list[GaussianCloud], count: int) -> GaussianCloud:
        return lod(_joined(parts), count)

    def write(self, level: GaussianCloud, path: Path) -> list[Loss]:
        return write(level, path, self.format, **self.options)

    def bounds(self, level: GaussianCloud) -> Bounds:
        return Bounds.of(level)

    def detail(self, level: GaussianCloud) -> float:
        largest = level.log_scales.max(axis=1).clip(-LARGEST_LOG_SCALE, LARGEST_LOG_SCALE)
        return float(np.exp(np.median(largest))) if level.count else 0.0

    def entries(self) -> dict[str, object]:
        return cloud_entries(self.cloud)


def _joined(parts: list[GaussianCloud]) -> GaussianCloud:
    return replace(
        parts[0],
        means=np.concatenate([part.means for part in parts]),
        log_scales=np.concatenate([part.log_scales for part in parts]),
        quaternions=np.concatenate([part.quaternions for part in parts]),
        opacity_logits=np.concatenate([part.opacity_logits for part in parts]),
        sh=np.concatenate([part.sh for part in parts]),
    )
