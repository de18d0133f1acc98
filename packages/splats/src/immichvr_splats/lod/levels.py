"""A cloud at a few sizes, coarsest first, and an index that names them."""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from immichvr_catalog import LEVELS

from immichvr_splats.cleaning import check_any_left, clean
from immichvr_splats.cloud import GaussianCloud
from immichvr_splats.conversion import write
from immichvr_splats.lod.index import INDEX_VERSION, Bounds, cloud_entries, extension_of, write_index
from immichvr_splats.lod.reduction import Reduction
from immichvr_splats.losses import Loss

LEVEL_COUNTS = LEVELS
"""The most Gaussians of each level, by its name."""

LEVELS_FILE = "levels.json"


@dataclass(frozen=True)
class Level:
    """A file of `write_levels`. bounds: what its Gaussians reach. losses: what the format could not keep."""

    name: str
    file: str
    count: int
    bytes: int
    bounds: Bounds
    losses: list[Loss]


def levels(cloud: GaussianCloud) -> Iterator[tuple[str, GaussianCloud]]:
    """Names and clouds of the levels of LEVEL_COUNTS, coarsest first, made as they are taken.

    `full` always comes; another only if it is smaller than the cloud.
    """
    cloud, _ = clean(cloud)
    reduction = Reduction(cloud)
    for name, count in LEVEL_COUNTS.items():
        if name == "full" or count < cloud.count:
            yield name, reduction.to(count) if count < cloud.count else cloud


def write_levels(
    cloud: GaussianCloud, folder: str | os.PathLike[str], format: str = "spz", **options: object
) -> list[Level]:
    """Write a file for each of `levels`, and LEVELS_FILE beside them, which appears last.

    format, options: those of `write`. Raises UnknownFormatError or InvalidCloudError (both SplatError).
    """
    extension = extension_of(format)
    root = Path(folder)
    given = cloud.count
    cloud, dropped = clean(cloud)
    check_any_left(given, cloud.count, dropped)
    root.mkdir(parents=True, exist_ok=True)
    written = []
    for name, level in levels(cloud):
        path = root / f"{name}{extension}"
        losses = write(level, path, format, **options)
        written.append(Level(name, path.name, level.count, path.stat().st_size, Bounds.of(level), losses))
    index: dict[str, object] = {
        "version": INDEX_VERSION,
        "format": format,
        "count": cloud.count,
        **cloud_entries(cloud),
        "losses": [asdict(loss) for loss in dropped],
        "levels": [asdict(level) for level in written],
    }
    write_index(root / LEVELS_FILE, index)
    return written
