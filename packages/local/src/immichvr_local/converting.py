"""A splat file from one format to another, in this process."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from immichvr_splats import SplatError, light, read, write

from immichvr_local.console import Steps
from immichvr_local.errors import about
from immichvr_local.targets import writable_format

STEPS = 3


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


def convert_file(source: Path, target: Path, only_light: bool, steps: Steps) -> Converted:
    """Reads a splat file and writes it in the format of the target's extension.

    only_light: merge it down to a level of detail of at most 5 MB as SPZ. Raises CommandError.
    """
    started = time.perf_counter()
    format_key = writable_format(target)
    with steps.step(f"reading {source.name}"), about(source.name, SplatError):
        size_before = source.stat().st_size
        found = read(source)
    with steps.step("merging Gaussians" if only_light else "checking"), about(source.name, SplatError):
        cloud = light(found.cloud) if only_light else found.cloud
    with steps.step(f"writing {target.name}"), about(target.name, SplatError):
        losses = write(cloud, target, format_key)
    return Converted(
        path=target,
        gaussians_before=found.cloud.count,
        gaussians=cloud.count,
        size_before=size_before,
        size=target.stat().st_size,
        seconds=time.perf_counter() - started,
        notes=[loss.message for loss in (*found.losses, *losses)],
    )
