"""Splat files from one format to another, in this process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from immichvr_splats import GaussianCloud, ReadLimits, Reduction, SplatError, light, open_cloud, write, write_sog_folder
from immichvr_splats.formats.sog import META_NAME

from immichvr_local.errors import about
from immichvr_local.targets import Pair


@dataclass(frozen=True)
class Level:
    """How many Gaussians are kept: all, at most `count`, or with `light` what an SPZ of 5 MB holds."""

    count: int | None = None
    light: bool = False

    @property
    def is_all(self) -> bool:
        return self.count is None and not self.light


@dataclass(frozen=True)
class Reading:
    """How a file is read. frame: its axes, where it does not tell them itself."""

    frame: str | None = None
    limits: ReadLimits = field(default_factory=ReadLimits)


@dataclass(frozen=True)
class Converted:
    """What was written. notes: what was dropped or could not be kept, in words."""

    path: Path
    gaussians_before: int
    gaussians: int
    size_before: int
    size: int
    seconds: float
    notes: list[str]


def convert_file(pair: Pair, options: Mapping[str, str | int], level: Level, reading: Reading) -> Converted:
    """Reads a splat file and writes it in another format, block by block where all of it is kept.

    options: those of the target format's writer. Raises CommandError.
    """
    started = time.perf_counter()
    source, target = pair.source, pair.target
    with about(source.name, SplatError):
        size_before = _size_of(source)
        own = {} if reading.frame is None else {"frame": reading.frame}
        opened = open_cloud(source, limits=reading.limits, **own)
        opened.check_not_empty()
        to_folder = target.name == META_NAME
        cloud = None if level.is_all and not to_folder else opened.cloud()
    with about(target.name, SplatError):
        if cloud is None:
            losses = opened.write(target, pair.format, **options)
        else:
            cloud = _level_of(cloud, level)
            losses = (
                write_sog_folder(cloud, target.parent, **options)
                if to_folder
                else write(cloud, target, pair.format, **options)
            )
    return Converted(
        path=target,
        gaussians_before=opened.count,
        gaussians=opened.count if cloud is None else cloud.count,
        size_before=size_before,
        size=_size_of(target),
        seconds=time.perf_counter() - started,
        notes=[loss.message for loss in (*opened.losses, *losses)],
    )


def _level_of(cloud: GaussianCloud, level: Level) -> GaussianCloud:
    if level.is_all:
        return cloud
    return light(cloud) if level.count is None else Reduction(cloud).to(level.count)


def _size_of(path: Path) -> int:
    """Bytes of a file, or of a SOG's folder, of which `path` may be the description."""
    folder = path.parent if path.name == META_NAME else path
    if not folder.is_dir():
        return path.stat().st_size
    return sum(one.stat().st_size for one in folder.iterdir() if one.is_file())
