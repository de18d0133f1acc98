"""One splat file into another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import immichvr_splats as splats
from immichvr_splats import GaussianCloud, LimitExceededError, ReadLimits, SplatError

from immichvr_converter.conversion.errors import InvalidSplat, TooLarge
from immichvr_converter.conversion.formats import LIGHT, LIGHT_MAX_BYTES, Target


@dataclass(frozen=True)
class Loss:
    """What did not survive. what: for programs. message: for people. count: Gaussians concerned, 0 if not some."""

    what: str
    message: str
    count: int = 0


@dataclass(frozen=True)
class Converted:
    """A file that was made. gaussians: how many it holds."""

    path: Path
    gaussians: int
    losses: list[Loss]


def convert(
    source: Path, format: str, target: Target, folder: Path, limits: ReadLimits, reached: Callable[[str], None]
) -> Converted:
    """Reads `source`, whose format is `format`, and writes `target` into `folder`.

    reached: called with `decoded` and `packed` as the work gets there.
    Raises InvalidSplat, TooLarge.
    """
    path = folder / target.name
    with _blaming_the_file():
        found = splats.read(source, format, limits)
        cloud, losses = found.cloud, [_loss(one) for one in found.losses]
        if not cloud.count:
            reasons = "; ".join(loss.message for loss in losses) or "it is empty"
            raise InvalidSplat(f"{source.name}: the file gives no Gaussians: {reasons}")
        reached("decoded")
        if target.variant == LIGHT:
            cloud, more = _lighten(cloud)
            losses += more
        losses += [_loss(one) for one in splats.write(cloud, path, target.format.key)]
        reached("packed")
    return Converted(path, cloud.count, losses)


@contextmanager
def _blaming_the_file() -> Iterator[None]:
    try:
        yield
    except LimitExceededError as error:
        raise TooLarge(str(error)) from error
    except SplatError as error:
        raise InvalidSplat(str(error)) from error


def _lighten(cloud: GaussianCloud) -> tuple[GaussianCloud, list[Loss]]:
    level = splats.light(cloud, max_bytes=LIGHT_MAX_BYTES)
    merged = cloud.count - level.count
    if not merged:
        return level, []
    message = f"a level of detail: {cloud.count:,} Gaussians merged into {level.count:,}"
    return level, [Loss("level_of_detail", message, merged)]


def _loss(loss: splats.Loss) -> Loss:
    return Loss(loss.code, loss.message, loss.count)
