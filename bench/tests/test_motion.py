"""The bench of motion clips runs."""

from __future__ import annotations

from pathlib import Path

from immichvr_bench.motion import row, table_of
from immichvr_video_depth.motion.camera import Travel

SAMPLES = Path(__file__).parents[2] / "samples"


def test_a_row_tells_what_a_clip_takes() -> None:
    one = row(SAMPLES / "street.jpg", (192, 108), Travel(seconds=2.0))
    assert (one["photo"], one["path"], one["seconds"], one["resolution"]) == ("street", "sway", 2.0, "192x108")
    assert one["wall_s"] >= 0 and one["cpu_s"] > 0 and 0 < one["mb"] < 3
    assert table_of([one]).row_count == 1
