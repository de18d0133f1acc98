"""The results of converting as docs/formats.md shows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from immichvr_bench.convert_cases import CASES

Row = dict[str, Any]

_HEADINGS = (
    "input", "conversion", "ours ms (range)", "CPU ms", "+MB", "file MB", "fastest correct peer", "ms", "CPU ms", "+MB",
    "× wall", "wanted", "× CPU", "limit ms",
)  # fmt: skip
_TOO_LARGE, _WHOLE_PROCESS = " ¹", " ²"
_NOTES = (
    "¹ The file is more than 7 % larger than the smallest correct peer's, so being faster does not count.",
    "² Timed as a whole process, which includes the start of Node: these tools have no other way to be asked.",
)


def document(results: dict[str, Any]) -> str:
    """The table of conversions with the reasons below, and the table of large clouds where there is one."""
    rows = [row for row in results["rows"] if "skipped" not in row]
    shown = [row for row in rows if row.get("fastest_peer") or row["peer"] is None]
    parts = [
        f"{results['date']}: {results['machine']}, load {results['load']}, medians of up to {results['runs']} runs.",
        _table(_HEADINGS, [_cells(row) for row in shown]),
        "\n".join(_NOTES),
        "What is left, and why:",
        "\n".join(f"- {case.name}: {case.why}." for case in CASES if case.why),
    ]
    if "large" in results:
        parts += _large(results["large"])
    return "\n\n".join(parts) + "\n"


def _cells(row: Row) -> list[str]:
    low, high = row["ours_ms_range"]
    cells = [row["input"], row["conversion"], f"{row['ours_ms']:.0f} ({low:.0f}–{high:.0f})"]
    cells += [f"{row['ours_cpu_ms']:.0f}", f"{row['ours_rss_mb']:.0f}", f"{row['ours_file_mb']:.1f}"]
    wanted = f"{row['wanted']:g}" if row.get("wanted") else "–"
    limit = f"{row['limit_ms']:.0f}" if row.get("limit_ms") else "–"
    if row["peer"] is None:
        return [*cells, f"none: {row['note']}", "", "", "", "", wanted, "", limit]
    cells.append(row["peer"] + ("" if row["in_process"] else _WHOLE_PROCESS))
    cells += [f"{row['peer_ms']:.0f}", f"{row['peer_cpu_ms']:.0f}", f"{row['peer_rss_mb']:.0f}"]
    ratio = f"{row['ratio']:.1f}" + ("" if row["small_enough"] else _TOO_LARGE)
    return [*cells, ratio, wanted, f"{row['cpu_ratio']:.1f}", limit]


def _large(large: dict[str, Any]) -> Iterator[str]:
    small, many = large["counts"]
    yield (
        f"Ten times as many: {many:,} Gaussians of degree 0 against {small:,}, medians of {large['runs']} runs, load "
        f"{large['load']}. +MB is what of memory is no mapped file, at most {large['most_mb']} are wanted."
    )
    headings = ("conversion", "ms per million", "of few", "CPU ms per million", "of few", "+MB", "of few")
    keys = ("ms_per_million", "cpu_ms_per_million", "rss_mb")
    rows = [
        [row["conversion"], *(f"{row[size][key]:.0f}" for key in keys for size in ("many", "few"))]
        for row in large["rows"]
    ]
    yield _table(headings, rows)


def _table(headings: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = [list(headings), ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |").replace("|  |", "| |") for line in lines)
