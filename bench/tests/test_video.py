"""The bench of video depth runs, and the engine's memory does not grow with a video's length."""

from __future__ import annotations

from pathlib import Path

import pytest
from immichvr_bench.video import LONG, MOST_MB, Clip, make, measure, measured, table_of
from immichvr_bench.video_worker import Costless, alone
from immichvr_video import VideoReader, inspect
from immichvr_video_depth.testing.engine import Journal


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


def test_the_plain_loop_holds_ten_seconds_of_what_it_has_written_at_most(tmp_path: Path) -> None:
    output = Journal(tmp_path)
    with VideoReader(make(Clip(160, 96, 25), tmp_path)) as reader:
        assert alone(reader, Costless(160, 96), [output]) == 600
    assert [len(part.splitlines()) for part in output.contents()] == [240, 240, 120]


# In short, that what is held does not grow with the length is held by engine/test_running.py of services/video-depth.
@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("way", "width", "height", "seconds"),
    [
        ("unwritten", 854, 480, 600),
        ("unwritten", 1920, 1080, 600),
        ("engine", 1920, 1080, 60),
        ("alone", 1920, 1080, 60),
    ],
)
def test_long_videos_take_no_more_memory_than_twenty_seconds(
    tmp_path: Path, way: str, width: int, height: int, seconds: int
) -> None:
    """`engine` and `alone` are with encoders, which take most of the time."""
    short, long = (measured(way, make(Clip(width, height, length), tmp_path)).peak_mb for length in (20, seconds))
    assert long <= short + MOST_MB, (short, long)


# In short, that a row tells what the engine adds is held above; how much that may be, by nothing.
@pytest.mark.long
@pytest.mark.timeout(5400)
def test_long_videos_cost_little_more_than_decoding_a_model_and_encoding() -> None:
    """The bench tells the ratio of wall time, which an idle machine has to have for it; here it is that of CPU time."""
    rows = {row["clip"]: row for row in measure(LONG)}
    assert max(rows["480p-600s"]["cpu_ratio"], rows["1080p-60s"]["cpu_ratio"]) <= 1.25, rows
    assert rows["480p-600s"]["peak_mb"] <= rows["480p-20s"]["peak_mb"] + MOST_MB, rows
