"""From a clip to the files of its asset, and on from where an attempt was broken off."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from immichvr_common.errors import InvalidRequest
from immichvr_common.tasks import Made
from immichvr_video import VideoLimits, inspect
from immichvr_video.testing.clips import Clip, make_clip
from immichvr_video.testing.films import difference
from immichvr_video_depth.making import DepthWish, Earlier, depth_video, seconds_of
from immichvr_video_depth.testing.clips import FPS, HEIGHT, WIDTH, write_clip
from immichvr_video_depth.testing.engine import CostFree

FRAMES = 198
"""Of nine windows, without a cut."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "walk.mp4", FRAMES)


@pytest.fixture(scope="module")
def whole(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Made]:
    """What comes of the clip without an interruption."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, made(clip, folder, CostFree())


def made(clip: Path, folder: Path, estimator: CostFree, earlier: Earlier | None = None, **wish: object) -> Made:
    wanted = DepthWish(**wish)  # type: ignore[arg-type]
    return depth_video(clip, folder, wanted, estimator, VideoLimits(), lambda *_: None, earlier)


def test_what_the_viewer_plays_is_made_with_what_it_has_to_know(clip: Path, whole: tuple[Path, Made]) -> None:
    folder, asset = whole
    assert [(file.name, file.role) for file in asset.files] == [
        ("depth.mp4", "depth-video"), ("depth.json", "frames"), ("rgbd.mp4", "rgbd"), ("poster.webp", "poster"),
        ("strip.webp", "strip"),
    ]  # fmt: skip
    assert (asset.kind, asset.model_key, asset.losses) == ("depth-video", "cost-free", [])
    told = asset.details["video"]
    assert (told["width"], told["height"], told["fps"], told["frames"]) == (WIDTH, HEIGHT, FPS, FRAMES)
    assert (told["shots"], told["audio"], told["windows"]) == (1, True, 9)
    assert {"rgbd", "strip"} <= set(asset.details)
    assert inspect(folder / "rgbd.mp4").audio == inspect(clip).audio == "aac"
    assert len(json.loads((folder / "depth.json").read_text())["frames"]) == FRAMES


class Broken(Exception):
    pass


class BreaksIn(CostFree):
    """Fails in its fifth window."""

    def infer(self, frames: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
        if self.calls == 4:
            raise Broken
        return super().infer(frames)


def test_work_that_was_broken_off_goes_on_and_gives_the_same_files(
    clip: Path, whole: tuple[Path, Made], tmp_path: Path
) -> None:
    stored, first, second = tmp_path / "stored", tmp_path / "first", tmp_path / "second"
    for folder in (stored, first, second):
        folder.mkdir()

    def keep(name: str, path: Path) -> None:
        shutil.copy(path, stored / name)

    with pytest.raises(Broken):
        made(clip, first, BreaksIn(), Earlier(keep, every_s=0))
    assert list(first.iterdir()) == []
    kept = {path.name: path for path in stored.iterdir()}
    again = CostFree()
    asset = made(clip, second, again, Earlier(keep, kept, every_s=0))
    assert 0 < again.calls < 9
    assert asset.details["video"]["windows_before"] + again.calls == 9
    for file in whole[1].files:
        assert not difference(second / file.name, whole[0] / file.name)


def test_a_part_of_a_video_and_stereo_of_it_alone(clip: Path, tmp_path: Path) -> None:
    asset = made(clip, tmp_path, CostFree(), outputs=("half-sbs",), span=(2.0, 3.0))
    [file] = asset.files
    assert (file.role, file.variant) == ("stereo", "half-sbs")
    facts = inspect(tmp_path / file.name)
    assert facts.frames == FPS
    assert (facts.width, facts.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("size", [(8, 120), (120, 8), (2, 2)])
def test_tiny_videos_have_depth_and_stereo_too(size: tuple[int, int], tmp_path: Path) -> None:
    width, height = size
    source = make_clip(tmp_path / "tiny.mkv", Clip(frames=4, width=width, height=height, codec="ffv1"))
    outputs = ("depth", "rgbd", "poster", "strip", "half-sbs", "full-sbs", "over-under")
    asset = made(source, tmp_path, CostFree(), outputs=outputs)
    assert {file.role for file in asset.files} == {"depth-video", "frames", "rgbd", "poster", "strip", "stereo"}
    assert all(inspect(tmp_path / file.name).frames == 4 for file in asset.files if file.format == "mp4")


def test_a_part_that_ends_with_a_video_of_unknown_length_is_not_taken_to_be_of_days(clip: Path) -> None:
    facts, open_end = replace(inspect(clip), duration_s=None), (5.0, None)
    assert seconds_of(facts, open_end) == 0
    assert seconds_of(facts, (5.0, 8.0)) == 3
    assert seconds_of(replace(facts, duration_s=9.0), open_end) == 4


@pytest.mark.parametrize(
    ("wish", "words"), [({"outputs": ("hologram",)}, "there are: depth, rgbd"), ({"codec": "vp9"}, "hevc, av1, h264")]
)
def test_what_there_is_not_is_refused_by_name(wish: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        DepthWish(**wish)  # type: ignore[arg-type]
