"""Ten million Gaussians: whether time grows as the cloud does, and memory does not."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from immichvr_splats import FORMATS
from numpy.typing import NDArray
from rich.console import Console

from immichvr_bench.clouds import SHARP_SIDE, photo_cloud
from immichvr_bench.convert_cases import CASES, Case
from immichvr_bench.convert_tools import OURS, Job, Measure, WarmTool
from immichvr_bench.plain_ply import write_plain_ply

_COUNT = 10_000_000
_QUICK_SIDE, _QUICK_COUNT = 64, 40_000
_COLUMNS = 14
_MOST_MB = 700


def measure_large(runs: int, quick: bool) -> dict[str, Any]:
    """Each conversion by ours, warm in a process of its own, of one photo's cloud and of many beside each other."""
    console = Console()
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="convert-") as name:
        folder = Path(name)
        few, many = folder / "few.ply", folder / "many.ply"
        photo = photo_cloud("still-life", _QUICK_SIDE if quick else SHARP_SIDE)
        write_plain_ply(photo, few)
        count = _QUICK_COUNT if quick else _COUNT
        tile(few, photo.count, many, count)
        for case in CASES:
            row: dict[str, Any] = {"conversion": case.name}
            for size, ply, gaussians in (("few", few, photo.count), ("many", many, count)):
                row[size] = _figures(_measure(case, ply, runs), gaussians)
            results.append(row)
            many_of, few_of = row["many"], row["few"]
            console.print(
                f"{case.name:22} {many_of['ms_per_million']:7.1f} ms per million, CPU "
                f"{many_of['cpu_ms_per_million']:7.1f}, {many_of['rss_mb']:5.0f} MB "
                f"{'too much' if many_of['rss_mb'] > _MOST_MB else ''} (of few: {few_of['ms_per_million']:.1f} ms, CPU "
                f"{few_of['cpu_ms_per_million']:.1f}, {few_of['rss_mb']:.0f} MB)",
                soft_wrap=True,
            )
        counts = [photo.count, count]
    load = round(os.getloadavg()[0], 1)
    return {"counts": counts, "runs": runs, "load": load, "most_mb": _MOST_MB, "rows": results}


def tile(source: Path, count: int, target: Path, wanted: int) -> None:
    """`wanted` Gaussians: those of a plain PLY of `count` again and again, each time further to the right."""
    data = source.read_bytes()
    body = data.index(b"end_header\n") + len(b"end_header\n")
    rows: NDArray[np.float32] = np.frombuffer(data, np.float32, count * _COLUMNS, body).reshape(count, _COLUMNS).copy()
    width = rows[:, 0].max() - rows[:, 0].min()
    with target.open("wb") as file:
        file.write(data[:body].replace(f"vertex {count}\n".encode(), f"vertex {wanted}\n".encode()))
        for start in range(0, wanted, count):
            file.write(rows[: wanted - start].tobytes())
            rows[:, 0] += width


def _measure(case: Case, ply: Path, runs: int) -> list[Measure]:
    """A process of its own for each, so that memory it has kept is not counted as none."""
    source = ply
    tool = WarmTool(OURS, Path(sys.executable))
    try:
        if case.source != "ply":
            source = ply.with_name(f"in{FORMATS[case.source].extensions[0]}")
            tool.convert(Job(ply, source, "ply", case.source, case.options))
            tool.close()
            tool = WarmTool(OURS, Path(sys.executable))
        options = {} if case.target == "ply" else case.options
        output = ply.with_name(f"out{FORMATS[case.target].extensions[0]}")
        measures = [tool.convert(Job(source, output, case.source, case.target, options)) for _ in range(runs)]
    finally:
        tool.close()
    output.unlink()
    if source != ply:
        source.unlink()
    return measures


def _figures(measures: list[Measure], count: int) -> dict[str, float]:
    million = count / 1e6
    return {
        "ms_per_million": round(statistics.median(m.wall for m in measures) * 1000 / million, 1),
        "cpu_ms_per_million": round(statistics.median(m.cpu for m in measures) * 1000 / million, 1),
        "rss_mb": round(max(m.memory for m in measures) / 1e6, 1),
    }
