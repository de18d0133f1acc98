"""`immichvr convert`: many files with one progress bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from immichvr_common.sizes import size
from immichvr_splats import FORMATS
from rich.console import Console

from immichvr_local.console import Steps, messages, output
from immichvr_local.converting import Converted, Level, Reading, convert_file
from immichvr_local.errors import CommandError
from immichvr_local.targets import pairs_of, writer_options


def convert_files(
    files: list[Path],
    to: str | None,
    out_dir: Path | None,
    given: Mapping[str, str | int | None],
    count: int | None,
    only_light: bool,
    reading: Reading,
) -> int:
    """Converts every file and tells what became of it; the command's exit code.

    given: options of the command and their values. A file that cannot be converted does not stop the others.
    Raises CommandError where nothing can be begun.
    """
    if count is not None and only_light:
        raise CommandError("--lod and --quality light exclude each other: both say how many Gaussians are kept")
    pairs = pairs_of(files, to, out_dir)
    given, reading = _frame_of_source(pairs[0].format, given, reading)
    options = writer_options(pairs[0].format, given)
    done: list[Converted] = []
    failures: list[CommandError] = []
    with Steps(len(pairs)) as steps:
        for pair in pairs:
            with steps.step(f"{pair.source.name} → {pair.target.name}"):
                try:
                    done.append(convert_file(pair, options, Level(count, only_light), reading))
                except CommandError as error:
                    failures.append(error)
    results = output()
    for one in done:
        _tell(one, results, f"{one.path.name}: " if len(pairs) > 1 else "")
    for failure in failures:
        messages().print(f"immichvr: {failure}", markup=False)
    return max((failure.exit_code for failure in failures), default=0)


def _frame_of_source(
    format: str, given: Mapping[str, str | int | None], reading: Reading
) -> tuple[Mapping[str, str | int | None], Reading]:
    """--frame, for which a target whose axes cannot be chosen has no use, is then the source's."""
    frame = given.get("--frame")
    if frame is None or FORMATS[format].option("frame") is not None:
        return given, reading
    if reading.frame is not None:
        raise CommandError(f"--frame is not for {format}; --frame-in says already what is read")
    return {**given, "--frame": None}, replace(reading, frame=str(frame))


def _tell(done: Converted, results: Console, name: str) -> None:
    for note in done.notes:
        results.print(f"note: {name}{note}", markup=False)
    fewer = f" (of {done.gaussians_before:,})" if done.gaussians != done.gaussians_before else ""
    results.print(
        f"{done.path}: {done.gaussians:,} Gaussians{fewer}, "
        f"{size(done.size)} (from {size(done.size_before)}), {done.seconds:.1f} s",
        markup=False,
    )
