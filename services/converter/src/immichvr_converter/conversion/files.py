"""One splat file into others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import immichvr_splats as splats
from immichvr_splats import (
    LIGHT_BYTES,
    Camera,
    GaussianCloud,
    InvalidCloudError,
    LimitExceededError,
    Opened,
    ReadLimits,
    SplatError,
    UnknownFormatError,
    UnsupportedFileError,
)

from immichvr_converter.conversion.admission import MemoryBudget
from immichvr_converter.conversion.errors import InvalidSplat, TooLarge, UnsupportedFormat
from immichvr_converter.conversion.estimates import FIXED, memory_to_write
from immichvr_converter.conversion.targets import LIGHT, Target


@dataclass(frozen=True)
class Loss:
    """What did not survive. what: for programs. message: for people. count: Gaussians concerned, 0 if not some."""

    what: str
    message: str
    count: int = 0


@dataclass(frozen=True)
class Converted:
    """A file that was made. gaussians: how many it holds."""

    target: Target
    path: Path
    gaussians: int
    losses: list[Loss]


def convert(
    source: Path,
    format: str,
    targets: list[Target],
    folder: Path,
    limits: ReadLimits,
    budget: MemoryBudget,
    reached: Callable[[str], None],
    frame: str = "",
    camera: Camera | None = None,
) -> list[Converted]:
    """Reads `source`, whose format is `format`, once, and writes every target into `folder`.

    reached: called with `decoded` and `packed` as the work gets there. frame: the axes of the source; empty for those
    that it tells, or its format's. camera: what took the photo that the splat is of, where `source` does not tell it.
    Raises InvalidSplat, UnsupportedFormat for another kind of file or an option's value, TooLarge.
    """
    with admitted_splat(source, format, limits, budget, partial(memory_to_write, targets=targets), frame) as opened:
        reached("decoded")
        with blaming_the_file():
            made = list(_written(opened, targets, folder, camera))
        reached("packed")
    return made


@contextmanager
def admitted_splat(
    source: Path,
    format: str,
    limits: ReadLimits,
    budget: MemoryBudget,
    memory: Callable[[int, int], int],
    frame: str = "",
) -> Iterator[Opened]:
    """A file that was checked and holds at least one Gaussian, once there is memory to work on it.

    memory: bytes for a count and a degree, beside what reading takes. frame: as `convert`'s.
    Raises InvalidSplat, UnsupportedFormat, TooLarge.
    """
    before = splats.summary(source, format)
    with ExitStack() as stack:
        if before is not None:
            with blaming_the_file():
                limits.check_points(before.gaussians, source.name)
            needed = FIXED + before.memory + memory(before.gaussians, before.sh_degree)
            stack.enter_context(budget.admitted(needed))
        with blaming_the_file():
            opened = open_splat(source, format, limits, frame)
            opened.check_not_empty()
        if before is None:
            stack.enter_context(budget.admitted(FIXED + memory(opened.count, opened.sh_degree)))
        yield opened


def open_splat(source: Path, format: str, limits: ReadLimits, frame: str) -> Opened:
    """The file checked from end to end. frame: as `convert`'s. Raises SplatError."""
    return splats.open_cloud(source, format, limits, **({"frame": frame} if frame else {}))


@contextmanager
def blaming_the_file() -> Iterator[None]:
    """Turns the splat library's errors into those that callers are told."""
    try:
        yield
    except LimitExceededError as error:
        raise TooLarge(str(error)) from error
    except (InvalidCloudError, UnsupportedFileError, UnknownFormatError) as error:
        # The cloud was found sound before it is written: what remains is what a format does not take.
        raise UnsupportedFormat(str(error)) from error
    except SplatError as error:
        raise InvalidSplat(str(error)) from error


def told(losses: list[splats.Loss]) -> list[Loss]:
    """The splat library's losses as they are told to callers."""
    return [Loss(one.code, one.message, one.count) for one in losses]


def _written(opened: Opened, targets: list[Target], folder: Path, camera: Camera | None) -> Iterator[Converted]:
    cloud: GaussianCloud | None = None
    for target in targets:
        path = folder / target.name
        losses = told(opened.losses)
        if target.variant == LIGHT or target.count is not None:
            cloud = cloud or opened.cloud()
            level = _level(cloud, target, camera)
            losses += merged(cloud.count, level.count)
            losses += told(splats.write(level, path, target.format.name, **target.options))
            yield Converted(target, path, level.count, losses)
        else:
            losses += told(opened.write(path, target.format.name, **target.options))
            yield Converted(target, path, opened.count, losses)


def _level(cloud: GaussianCloud, target: Target, camera: Camera | None) -> GaussianCloud:
    if target.count is None:
        return splats.light(cloud, LIGHT_BYTES, camera)
    return splats.Reduction(cloud, camera).to(target.count)


def merged(before: int, after: int) -> list[Loss]:
    """The loss that a level of detail is, if it is one."""
    if before == after:
        return []
    message = f"a level of detail: {before:,} Gaussians merged into {after:,}"
    return [Loss("level_of_detail", message, before - after)]
