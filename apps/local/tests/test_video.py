"""`immichvr video`, in this process, without servers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from immichvr_local.cli import app
from immichvr_video import inspect
from immichvr_video_depth.testing.clips import HEIGHT, WIDTH, write_clip
from typer.testing import CliRunner

FRAMES = 30


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "walk.mp4", FRAMES)


def run(*words: str):
    return CliRunner().invoke(app, ["video", *words])


def test_a_clip_becomes_depth_and_stereo_with_how_far_it_is_and_nothing_else_left(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "made"
    told = run(str(clip), "-o", str(out), "--output", "sbs", "--output", "depth", "--model", "heuristic")
    assert told.exit_code == 0, told.output
    assert {path.name for path in out.iterdir()} == {"walk_LRF_Full_SBS.mp4", "walk_depth.json", "walk_depth.mp4"}
    assert "model: heuristic (it was asked for)" in told.stdout
    assert f"{FRAMES} frames" in told.stdout
    assert "making depth" in told.stderr
    assert inspect(out / "walk_LRF_Full_SBS.mp4").width == 2 * WIDTH
    assert len(json.loads((out / "walk_depth.json").read_text())["frames"]) == FRAMES


def test_one_output_of_a_part_may_be_one_file(clip: Path, tmp_path: Path) -> None:
    words = ["--output", "over-under", "--from", "0.2", "--to", "0.6", "--model", "heuristic"]
    told = run(str(clip), "-o", str(tmp_path / "part.mp4"), *words)
    assert told.exit_code == 0, told.output
    facts = inspect(tmp_path / "part.mp4")
    assert (facts.frames, facts.height) == (10, 2 * HEIGHT)
    assert list(tmp_path.iterdir()) == [tmp_path / "part.mp4"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--output", "hologram"], "there are: depth, rgbd"),
        (["--model", "nobody"], "there are: auto"),
        (["--codec", "vp9"], "there are: hevc, av1, h264"),
        (["--from", "50"], "the video ends at"),
        (["--output", "sbs", "--output", "depth", "-o", "one.mp4"], "name a folder"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(clip: Path, tmp_path: Path, words: list[str], said: str) -> None:
    own = words if "-o" in words else [*words, "-o", str(tmp_path / "made")]
    told = run(str(clip), *own, *([] if "--model" in words else ["--model", "heuristic"]))
    assert told.exit_code == 2
    assert said in told.stderr
    assert told.stderr.splitlines()[-1].startswith("immichvr: ")


def test_what_is_no_video_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "note.mp4").write_text("not a video")
    told = run(str(tmp_path / "note.mp4"), "-o", str(tmp_path / "made"), "--model", "heuristic")
    assert told.exit_code == 2
    assert told.stderr.splitlines()[-1].startswith("immichvr: note.mp4: ")
