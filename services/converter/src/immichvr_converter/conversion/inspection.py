"""What a splat file holds, without writing another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from immichvr_splats import Camera, ReadLimits, summary

from immichvr_converter.conversion.admission import MemoryBudget
from immichvr_converter.conversion.estimates import FIXED
from immichvr_converter.conversion.files import Loss, blaming_the_file, open_splat, told


@dataclass(frozen=True)
class Inspected:
    """Facts about a file. bounds: smallest and largest mean, metres, OpenCV axes; None without a Gaussian."""

    format: str
    gaussians: int
    sh_degree: int
    bounds: tuple[list[float], list[float]] | None
    camera: Camera | None
    losses: list[Loss]


def inspect(source: Path, format: str, limits: ReadLimits, budget: MemoryBudget, frame: str = "") -> Inspected:
    """Checks a file from end to end and tells what it holds. Raises InvalidSplat, UnsupportedFormat, TooLarge.

    frame: the axes of the source; empty for those that it tells, or its format's.
    """
    before = summary(source, format)
    with budget.admitted(FIXED + (before.memory if before else 0)), blaming_the_file():
        if before:
            limits.check_points(before.gaussians, source.name)
        opened = open_splat(source, format, limits, frame)
    bounds = opened.bounds if opened.count else None
    return Inspected(opened.format, opened.count, opened.sh_degree, bounds, opened.camera, told(opened.losses))
