"""Splat files from one format to another, in this process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from immichvr_splats import SplatError, light, lod, open_cloud, write

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
class Converted:
    """What was written. notes: what was dropped or could not be kept, in words."""

    path: Path
    gaussians_before: int
    gaussians: int
    size_before: int
    size: int
    seconds: float
    notes: list[str]


def convert_file(pair: Pair, options: Mapping[str, str | int], level: Level) -> Converted:
    """Reads a splat file and writes it in another format, block by block where all of it is kept.

    options: those of the target format's writer. Raises CommandError.
    """
    started = time.perf_counter()
    source, target = pair.source, pair.target
    with about(source.name, SplatError):
        size_before = source.stat().st_size
        opened = open_cloud(source)
        opened.check_not_empty()
        cloud = None if level.is_all else opened.cloud()
    with about(target.name, SplatError):
        if cloud is None:
            losses = opened.write(target, pair.format, **options)
        else:
            cloud = light(cloud) if level.count is None else lod(cloud, level.count)
            losses = write(cloud, target, pair.format, **options)
    return Converted(
        path=target,
        gaussians_before=opened.count,
        gaussians=opened.count if cloud is None else cloud.count,
        size_before=size_before,
        size=target.stat().st_size,
        seconds=time.perf_counter() - started,
        notes=[loss.message for loss in (*opened.losses, *losses)],
    )
