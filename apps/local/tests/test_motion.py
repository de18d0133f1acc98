"""`immichvr motion`, in this process, without servers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from immichvr_video import inspect
from PIL import Image


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of a bright square before a gradient, 240×160."""
    pixels = np.zeros((160, 240, 3), np.uint8)
    pixels[..., 2] = np.linspace(30, 220, 160, dtype=np.uint8)[:, None]
    pixels[50:125, 75:150] = (230, 200, 60)
    path = tmp_path_factory.mktemp("photos") / "square.jpg"
    Image.fromarray(pixels).save(path, quality=95)
    return path


def test_a_photo_becomes_a_clip_in_a_folder_with_how_far_it_is_and_nothing_else_left(
    run, photo: Path, tmp_path: Path
) -> None:
    out = tmp_path / "made"
    told = run("motion", photo, "-o", out, "--seconds", 2)
    assert told.exit_code == 0, told.output
    assert [path.name for path in out.iterdir()] == ["square_sway.mp4"]
    facts = inspect(out / "square_sway.mp4")
    assert (facts.width, facts.height, facts.frames) == (240, 160, 60)
    assert "depth: heuristic" in told.stdout
    assert "no network" in told.stdout
    assert len(re.findall(r"making the clip \d+%", told.stderr)) >= 3


def test_the_clip_may_be_one_file_along_another_path(run, photo: Path, tmp_path: Path) -> None:
    target = tmp_path / "round.mp4"
    told = run("motion", photo, "-o", target, "--path", "orbit", "--seconds", 2, "--model", "heuristic")
    assert told.exit_code == 0, told.output
    assert list(tmp_path.glob("*.mp4")) == [target]
    assert "depth: heuristic (it was asked for)" in told.stdout
    assert f"{target}: 240×160, 2 s" in told.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--path", "spin"], "there is no path 'spin'; there are: sway, orbit, dolly, zoom"),
        (["--seconds", "9"], "2 to 4 s can be had"),
        (["--amplitude", "0"], "up to 2 can be had"),
        (["--model", "nobody"], "there is no depth model 'nobody'; there are: auto"),
        (["-o", "clip.gif"], "clip.gif: motion clips are .mp4 files"),
        (["-o", "nowhere/clip.mp4"], "nowhere: there is no such directory"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(run, photo: Path, tmp_path: Path, monkeypatch, words, said) -> None:
    monkeypatch.chdir(tmp_path)
    told = run("motion", photo, *([] if "-o" in words else ["-o", "made"]), *words)
    assert told.exit_code == 2
    assert said in told.stderr
    assert told.stderr.splitlines()[-1].startswith("immichvr: ")
    assert not list(tmp_path.rglob("*.mp4"))


def test_what_is_no_photo_is_told_in_a_line(run, tmp_path: Path) -> None:
    (tmp_path / "note.jpg").write_text("not a photo")
    told = run("motion", tmp_path / "note.jpg", "-o", tmp_path / "made")
    assert told.exit_code == 2
    assert told.stderr.splitlines()[-1].startswith("immichvr: note.jpg: ")
