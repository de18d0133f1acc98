"""One splat file as levels of detail, and an index of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import immichvr_splats as splats
from immichvr_catalog import SplatFormat
from immichvr_splats import LEVEL_COUNTS, LEVELS_FILE, TILES_FILE, Bounds, Camera, Level, ReadLimits, Reduction
from immichvr_splats.lod import INDEX_VERSION, cloud_entries, write_index

from immichvr_converter.conversion.admission import MemoryBudget
from immichvr_converter.conversion.errors import ConversionError
from immichvr_converter.conversion.estimates import memory_to_hold, memory_to_merge
from immichvr_converter.conversion.files import Loss, admitted_splat, blaming_the_file, told

MOST_LEVELS = 16
MOST_TILES = 1024
"""Files of one octree: what a manifest lists and a viewer asks for one by one."""


@dataclass(frozen=True)
class Levels:
    """Files that were made, coarsest first, and the index. gaussians: those of the whole cloud."""

    levels: list[Level]
    index: Path
    gaussians: int
    losses: list[Loss]


def choose_levels(names: list[str], counts: list[int]) -> dict[str, int]:
    """Names of levels and the most Gaussians of each, coarsest first; LEVEL_COUNTS where nothing is asked for.

    Raises ConversionError.
    """
    for name in names:
        if name not in LEVEL_COUNTS:
            raise ConversionError(f"unknown level {name[:40]!r}, wants one of {', '.join(LEVEL_COUNTS)}")
    if min(counts, default=1) < 1:
        raise ConversionError("a level of 0 Gaussians was asked for, wants at least 1")
    wanted = {name: LEVEL_COUNTS[name] for name in names} | {f"lod-{count}": count for count in counts}
    if len(wanted) > MOST_LEVELS:
        raise ConversionError(f"{len(wanted)} levels were asked for, at most {MOST_LEVELS} are made at once")
    return dict(sorted((wanted or LEVEL_COUNTS).items(), key=lambda item: item[1]))


def make_levels(
    source: Path,
    format: str,
    row: SplatFormat,
    wanted: dict[str, int],
    folder: Path,
    limits: ReadLimits,
    budget: MemoryBudget,
    reached: Callable[[str], None],
    frame: str = "",
    camera: Camera | None = None,
) -> Levels:
    """Reads `source` once and writes a file of format `row` for each level, then LEVELS_FILE, into `folder`.

    wanted: as `choose_levels` gives it. frame: the axes of the source, where it does not tell them. camera: as
    `convert`'s.
    Of levels that the whole cloud fits into only the last is made.
    Raises InvalidSplat, TooLarge.
    """
    with admitted_splat(source, format, limits, budget, memory_to_merge, frame) as opened:
        reached("decoded")
        losses = told(opened.losses)
        with blaming_the_file():
            cloud = opened.cloud()
            reduction = Reduction(cloud, camera)
            levels = [_write(reduction, name, count, row, folder) for name, count in _sensible(wanted, cloud.count)]
        index: dict[str, object] = {
            "version": INDEX_VERSION,
            "format": row.name,
            "count": cloud.count,
            **cloud_entries(cloud),
            "losses": [asdict(loss) for loss in opened.losses],
            "levels": [asdict(level) for level in levels],
        }
        write_index(folder / LEVELS_FILE, index)
        reached("packed")
    return Levels(levels, folder / LEVELS_FILE, cloud.count, losses)


@dataclass(frozen=True)
class Tiles:
    """Files of an octree, the root first, and the index that names them. gaussians: those of the whole cloud."""

    files: list[str]
    index: Path
    gaussians: int
    losses: list[Loss]


def make_tiles(
    source: Path,
    format: str,
    row: SplatFormat,
    most: int,
    folder: Path,
    limits: ReadLimits,
    budget: MemoryBudget,
    reached: Callable[[str], None],
    frame: str = "",
) -> Tiles:
    """Reads `source` once and writes an octree of tiles of at most `most` Gaussians, then TILES_FILE, into `folder`.

    frame: the axes of the source, where it does not tell them.
    Raises InvalidSplat, TooLarge, ConversionError where there would be more than MOST_TILES.
    """
    with admitted_splat(source, format, limits, budget, memory_to_hold, frame) as opened:
        if most < 1 or opened.count > most * MOST_TILES // 4:
            least = max(1, -(-opened.count * 4 // MOST_TILES))
            raise ConversionError(f"tiles of {most:,} Gaussians would be too many files, wants at least {least:,}")
        reached("decoded")
        losses = told(opened.losses)
        with blaming_the_file():
            root = splats.write_tiles(opened.cloud(), folder, row.name, most)
        reached("packed")
    return Tiles([tile.file for tile in root.walk()], folder / TILES_FILE, opened.count, losses)


def _sensible(wanted: dict[str, int], count: int) -> list[tuple[str, int]]:
    smaller = [item for item in wanted.items() if item[1] < count]
    whole = [item for item in wanted.items() if item[1] >= count]
    return [*smaller, *whole[-1:]]


def _write(reduction: Reduction, name: str, count: int, row: SplatFormat, folder: Path) -> Level:
    path = folder / f"splat.{name}{row.extensions[0]}"
    level = reduction.to(count)
    losses = splats.write(level, path, row.name)
    return Level(name, path.name, level.count, path.stat().st_size, Bounds.of(level), losses)
