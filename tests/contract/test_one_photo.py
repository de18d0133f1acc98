"""The way of one photo: every step that the page names is there, and they are as many as it says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/one-photo.md").read_text()
SOURCES = [
    path
    for path in subprocess.run(
        ["git", "ls-files", "*.py", "*.ts"], cwd=ROOT, text=True, capture_output=True, check=True
    ).stdout.split()
    if "/src/" in path and (ROOT / path).exists()
]
_ROW = re.compile(r"\| \*\*(\w)\*\* \| [^|]*\((\d+)\) \| ([^|]*) \|")
ROWS = [(row, int(count), way) for row, count, way in _ROW.findall(PAGE)]
_STEP = re.compile(r"(?:`([\w./]+)`)?\s*([A-Za-z_][\w.]*)?")


def steps_of(way: str) -> list[tuple[str, str]]:
    """Where each step is and what it is called; one without a name is all of its file."""
    found, place = [], ""
    for arrow, words in re.findall(r"(^|→|⇒|;|,)\s*([^→⇒;,]*)", way):
        step = _STEP.fullmatch(words.strip())
        if step is None or (arrow == "⇒" and not step[1]):
            continue  # a place that is reached: S3, the child, the picture
        place = step[1] or place
        found.append((place, step[2] or ""))
    return found


def is_there(place: str, name: str) -> bool:
    """Whether a file of that name, or of that package, has it."""
    folder = f"/{place}/"
    files = [path for path in SOURCES if path.endswith(f"/{place}") or ("." not in place and folder in path)]
    word = re.escape(name.rpartition(".")[2])
    made = re.compile(rf"\b(def|class|function|async) {word}\b")
    method = re.compile(rf"^ *(async |private |protected )*{word}[<(]", re.M)  # in Python that is a call
    texts = [(path, (ROOT / path).read_text()) for path in files]
    return any(not name or made.search(text) or (path.endswith(".ts") and method.search(text)) for path, text in texts)


def test_every_part_of_the_way_stands_in_the_table() -> None:
    assert "".join(row for row, _, _ in ROWS) == "ABCDEFGHI"


@pytest.mark.parametrize(("row", "count", "way"), ROWS, ids=[row for row, _, _ in ROWS])
def test_the_steps_of_a_part_are_there_and_as_many_as_it_says(row: str, count: int, way: str) -> None:
    steps = steps_of(way)
    assert [step for step in steps if not is_there(*step)] == []
    assert len(steps) == count


def test_the_whole_is_the_sum_of_the_parts() -> None:
    assert f"{sum(count for _, count, _ in ROWS)} named steps" in PAGE


def test_a_call_in_python_is_no_step_that_is_there() -> None:
    assert is_there("jobs/changes.py", "after")
    assert not is_there("jobs/changes.py", "next_run")
    assert not is_there("jobs/changes.py", "setattr")
