"""`immichvr convert`: many files with one progress bar."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from immichvr_common.sizes import size
from rich.console import Console

from immichvr_local.console import Steps, messages, output
from immichvr_local.converting import Converted, Level, convert_file
from immichvr_local.errors import CommandError
from immichvr_local.targets import pairs_of, writer_options


def convert_files(
    files: list[Path],
    to: str | None,
    out_dir: Path | None,
    given: Mapping[str, str | int | None],
    count: int | None,
    only_light: bool,
) -> int:
    """Converts every file and tells what became of it; the command's exit code.

    given: options of the command and their values. A file that cannot be converted does not stop the others.
    Raises CommandError where nothing can be begun.
    """
    if count is not None and only_light:
        raise CommandError("--lod and --quality light exclude each other: both say how many Gaussians are kept")
    pairs = pairs_of(files, to, out_dir)
    options = writer_options(pairs[0].format, given)
    done: list[Converted] = []
    failures: list[CommandError] = []
    with Steps(len(pairs)) as steps:
        for pair in pairs:
            with steps.step(f"{pair.source.name} → {pair.target.name}"):
                try:
                    done.append(convert_file(pair, options, Level(count, only_light)))
                except CommandError as error:
                    failures.append(error)
    results = output()
    for one in done:
        _tell(one, results, f"{one.path.name}: " if len(pairs) > 1 else "")
    for failure in failures:
        messages().print(f"immichvr: {failure}", markup=False)
    return max((failure.exit_code for failure in failures), default=0)


def _tell(done: Converted, results: Console, name: str) -> None:
    for note in done.notes:
        results.print(f"note: {name}{note}", markup=False)
    fewer = f" (of {done.gaussians_before:,})" if done.gaussians != done.gaussians_before else ""
    results.print(
        f"{done.path}: {done.gaussians:,} Gaussians{fewer}, "
        f"{size(done.size)} (from {size(done.size_before)}), {done.seconds:.1f} s",
        markup=False,
    )
