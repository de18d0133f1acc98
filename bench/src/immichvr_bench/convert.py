"""Converting between splat formats, ours and its peers in turn on the same files.

python -m immichvr_bench.convert [--quick] [--runs N] [--json PATH] | --large | --markdown

Ours, gaussforge, gsply and ply2splat stay warm in processes of their own and are timed inside, from file to file.
Tools for Node are timed from start to end. So is what the machine itself needs, the limit: to map the input and look at
each of its pages, and to write a file as large as ours. Prints a table; the full run writes bench/results/convert.json,
which --markdown makes the table of docs/formats.md of. --large converts ten million Gaussians instead.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from immichvr_splats import FORMATS, SplatError, open_cloud, write
from rich.console import Console
from rich.table import Table

from immichvr_bench.clouds import SHARP_SIDE, photo_cloud, with_view_dependence
from immichvr_bench.convert_cases import CASES, Case
from immichvr_bench.convert_large import measure_large
from immichvr_bench.convert_report import document
from immichvr_bench.convert_tools import LIMIT, OURS, FailedError, Job, Measure, Tool, start_tools
from immichvr_bench.plain_ply import write_plain_ply

_RESULTS = Path("bench/results/convert.json")
_SH3_COUNT = 1_000_000
_QUICK_SIDE = 96
_SIZE_MARGIN = 1.07  # a file larger than that against the smallest correct peer's does not count as faster
_LONG_SECONDS = 4.0  # of runs of one tool with one case, after which two are enough
_ALPHA_PRUNED = 0.98  # the reference writer of ksplat leaves out what is all but transparent


@dataclass
class Run:
    """What one tool did with one case. problem: why it does not count."""

    measures: list[Measure] = field(default_factory=list)
    bytes: int = 0
    problem: str = ""

    def milliseconds(self) -> list[float]:
        return [measure.wall * 1000 for measure in self.measures]


def make_inputs(folder: Path, quick: bool) -> dict[str, Path]:
    """PLY files by the name of the input: `sh0`, as SHARP writes without its extra elements, and `sh3`, INRIA's."""
    side = _QUICK_SIDE if quick else SHARP_SIDE
    paths = {name: folder / f"{name}.ply" for name in ("sh0", "sh3")}
    photo = photo_cloud("still-life", side)
    write_plain_ply(photo, paths["sh0"])
    count = min(_SH3_COUNT, photo.count)
    some = np.sort(np.random.default_rng(0).choice(photo.count, count, replace=False))
    scene = with_view_dependence(dataclasses.replace(photo.take(some), camera=None), 3)
    write(scene, paths["sh3"], "ply", layout="inria")
    return paths


def measure_case(case: Case, name: str, ply: Path, tools: dict[str, Tool], runs: int, folder: Path) -> dict[str, Run]:
    """Each tool in turn, `runs` times after one that warms up; slow ones at least twice, then no more."""
    source = ply
    if case.source != "ply":
        source = folder / f"{name}-in{FORMATS[case.source].extensions[0]}"
        write_input(ply, source, case)
    degree = 3 if name == "sh3" else 0
    options = {} if case.target == "ply" else case.options
    extension = FORMATS[case.target].extensions[0]
    peers = () if name in case.stuck else case.peers
    done = {tool: Run() for tool in (OURS, LIMIT, *peers)}
    jobs = {
        tool: Job(source, folder / f"{tool.replace(' ', '-')}{extension}", case.source, case.target, options, degree)
        for tool in done
    }
    count = open_cloud(source, case.source).count
    for turn in range(runs + 1):
        for tool, run in done.items():
            warm_up = turn == 0 and tools[tool].in_process
            enough = len(run.measures) > 1 and sum(measure.wall for measure in run.measures) > _LONG_SECONDS
            if run.problem or enough or (turn == 0 and not warm_up):
                continue
            try:
                measure = tools[tool].convert(_with_size(jobs[tool], jobs[OURS]) if tool == LIMIT else jobs[tool])
            except FailedError as error:
                run.problem = str(error)
                continue
            if turn:
                run.measures.append(measure)
    for tool, run in done.items():
        if not run.problem and tool != LIMIT:
            run.bytes = jobs[tool].output.stat().st_size
            run.problem = problem_of(jobs[tool], count)
        jobs[tool].output.unlink(missing_ok=True)
    return done


def _with_size(job: Job, ours: Job) -> Job:
    """The job of writing as many bytes as ours did."""
    if not ours.output.exists():
        raise FailedError("ours wrote nothing")
    return dataclasses.replace(job, options={"size": ours.output.stat().st_size})


def write_input(ply: Path, path: Path, case: Case) -> None:
    """The file to convert back, as we write it: every tool reads the same."""
    open_cloud(ply, "ply").write(path, case.source, **case.options)


def problem_of(job: Job, count: int) -> str:
    """Why a file is not what was asked for, as our reader sees it; empty if it is."""
    try:
        found = open_cloud(job.output, job.target).count
    except SplatError as error:
        return f"unreadable: {error}"[:160]
    least = count * _ALPHA_PRUNED if job.target == "ksplat" else count
    return "" if least <= found <= count else f"holds {found:,} of {count:,} Gaussians"


def rows_of(case: Case, name: str, done: dict[str, Run]) -> Iterator[dict[str, Any]]:
    """A row for each peer, and one without a peer where none does it."""
    ours, limit = done[OURS], done.get(LIMIT, Run())
    common: dict[str, Any] = {"input": name, "conversion": case.name}
    if ours.problem:
        yield common | {"skipped": f"ours: {ours.problem}"}
        return
    correct = [run for tool, run in done.items() if tool not in (OURS, LIMIT) and not run.problem]
    common |= figures("ours", ours) | {"wanted": case.wanted.get(name)}
    common |= {"limit_ms": round(statistics.median(limit.milliseconds()), 1) if limit.measures else None}
    if not correct:
        yield common | {"peer": None, "ratio": None, "note": case.stuck.get(name, "no peer does this correctly")}
    fastest = min(correct, key=lambda run: statistics.median(run.milliseconds()), default=None)
    smallest = min((run.bytes for run in correct), default=0)
    small_enough = case.target == "ply" or ours.bytes <= smallest * _SIZE_MARGIN
    for tool, run in done.items():
        if tool in (OURS, LIMIT):
            continue
        row = common | {"peer": tool, "in_process": not tool.startswith(("splat-", "gaussian-"))}
        if run.problem:
            yield row | {"note": run.problem}
            continue
        ratio = statistics.median(run.milliseconds()) / statistics.median(ours.milliseconds())
        cpu_ratio = statistics.median([m.cpu for m in run.measures]) / statistics.median([m.cpu for m in ours.measures])
        yield (
            row
            | figures("peer", run)
            | {
                "ratio": round(ratio, 2),
                "cpu_ratio": round(cpu_ratio, 2),
                "fastest_peer": run is fastest,
                "small_enough": small_enough,
            }
        )


def figures(who: str, run: Run) -> dict[str, Any]:
    """Medians, and the range of the wall time."""
    wall = run.milliseconds()
    return {
        f"{who}_ms": round(statistics.median(wall), 1),
        f"{who}_ms_range": [round(min(wall), 1), round(max(wall), 1)],
        f"{who}_cpu_ms": round(statistics.median([measure.cpu * 1000 for measure in run.measures]), 1),
        f"{who}_rss_mb": round(max(measure.memory for measure in run.measures) / 1e6, 1),
        f"{who}_file_mb": round(run.bytes / 1e6, 2),
    }


def missing_format(case: Case) -> str:
    """Which of our formats the case waits for; empty if none."""
    for key in (case.source, case.target):
        row = FORMATS.get(key)
        if row is None or not row.can_write or not row.can_read:
            return f"ours does not read and write {key} yet"
    return ""


def table_of(rows: list[dict[str, Any]]) -> Table:
    """One line for each row."""
    headings = ("input", "conversion", "ours ms", "cpu", "MB+", "file MB", "peer", "ms", "cpu", "MB+", "file MB")
    table = Table(*headings, "×", "× cpu", "limit", "note")
    for row in rows:
        if "skipped" in row:
            table.add_row(row["input"], row["conversion"], *[""] * 12, f"skipped: {row['skipped']}")
            continue
        spread = "{:.0f} ({:.0f}–{:.0f})".format(row["ours_ms"], *row["ours_ms_range"])
        peer = "{:.0f} ({:.0f}–{:.0f})".format(row["peer_ms"], *row["peer_ms_range"]) if "peer_ms" in row else ""
        note = row.get("note") or ("" if row.get("small_enough", True) else "ours is too large to count")
        cells = [spread, row["ours_cpu_ms"], row["ours_rss_mb"], row["ours_file_mb"], row["peer"] or "none", peer]
        cells += [row.get(key, "") for key in ("peer_cpu_ms", "peer_rss_mb", "peer_file_mb", "ratio", "cpu_ratio")]
        table.add_row(row["input"], row["conversion"], *[str(cell) for cell in cells], str(row["limit_ms"] or ""), note)
    return table


def measure_all(runs: int, quick: bool, names: list[str]) -> Iterator[list[dict[str, Any]]]:
    """Rows of every case with each of the inputs that are named, as they are measured."""
    progress = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="convert-") as name:
        folder = Path(name)
        inputs = make_inputs(folder, quick)
        tools = start_tools()
        try:
            for key in names:
                for case in CASES:
                    progress.print(f"{key} {case.name}")
                    missing = missing_format(case)
                    if missing:
                        yield [{"input": key, "conversion": case.name, "skipped": missing}]
                    else:
                        done = measure_case(case, key, inputs[key], tools, runs, folder)
                        yield list(rows_of(case, key, done))
        finally:
            for tool in tools.values():
                tool.close()


def about_the_run(runs: int) -> dict[str, Any]:
    """What it was measured on and when."""
    return {
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1),
        "date": datetime.now(UTC).date().isoformat(),
        "runs": runs,
    }


def add_results(path: Path, results: dict[str, Any]) -> None:
    """Writes them down beside those of another kind that are there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    there = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**there, **results}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Measures, shows, and writes down after every case, so that a run cut short leaves what it measured."""
    parser = argparse.ArgumentParser(description="Convert between splat formats, ours and its peers in turn.")
    parser.add_argument("--quick", action="store_true", help="small inputs, to see that everything runs")
    parser.add_argument("--inputs", default="sh0,sh3", help="some of these, separated by commas")
    parser.add_argument("--runs", type=int, default=7, help="of each tool; slow ones run at least twice")
    parser.add_argument("--json", type=Path, help=f"where to write; by default {_RESULTS}, nowhere with --quick")
    parser.add_argument("--large", action="store_true", help="ten million Gaussians instead, by ours alone")
    parser.add_argument("--markdown", action="store_true", help=f"measure nothing, show {_RESULTS} as docs/formats.md")
    options = parser.parse_args()
    if options.markdown:
        sys.stdout.write(document(json.loads((options.json or _RESULTS).read_text(encoding="utf-8"))))
        return
    target = options.json or (None if options.quick else _RESULTS)
    if options.large:
        large = measure_large(options.runs, options.quick)
        if target is not None:
            add_results(target, {"large": large})
        return
    rows: list[dict[str, Any]] = []
    for more in measure_all(options.runs, options.quick, options.inputs.split(",")):
        rows += more
        if target is not None:
            add_results(target, about_the_run(options.runs) | {"rows": rows})
    Console(width=None if os.isatty(1) else 220).print(table_of(rows))


if __name__ == "__main__":
    main()
