"""The bench of video depth runs, and the engine's memory does not grow with a video's length."""

from __future__ import annotations

from pathlib import Path

import pytest
from immichvr_bench.video import Clip, make, measure, measured, table_of
from immichvr_video import inspect


def test_a_row_tells_what_the_engine_adds_and_takes() -> None:
    (row,) = measure([Clip(160, 96, 2)])
    assert row["clip"] == "96p-2s" and row["seconds"] == 2 and row["resolution"] == "160x96"
    assert row["engine_overhead_ratio"] > 0 and row["cpu_ratio"] > 0
    assert row["peak_mb"] > 0 and row["frames_per_s"] > 0
    assert table_of([row]).row_count == 1


def test_clips_are_as_long_and_as_large_as_they_are_called(tmp_path: Path) -> None:
    facts = inspect(make(Clip(160, 96, 7), tmp_path))
    assert (facts.width, facts.height) == (160, 96)
    assert facts.duration_s == pytest.approx(7, abs=0.1)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("way", "width", "height", "seconds"),
    [("unwritten", 854, 480, 600), ("unwritten", 1920, 1080, 600), ("engine", 1920, 1080, 60)],
)
def test_long_videos_take_no_more_memory_than_twenty_seconds(
    tmp_path: Path, way: str, width: int, height: int, seconds: int
) -> None:
    """`engine` is with encoders, which take most of the time."""
    short, long = (measured(way, make(Clip(width, height, length), tmp_path)).peak_mb for length in (20, seconds))
    assert long <= short + 200, (short, long)
