"""The files of a depth asset."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from immichvr_video import LumaReader, VideoReader, inspect
from immichvr_video.testing.films import difference
from immichvr_video_depth.engine.frames import DepthFrame, Output
from immichvr_video_depth.outputs import WANTED_BY_VIEWER, DetailedOutput, details_of, open_outputs
from immichvr_video_depth.outputs.depth_video import DepthVideo
from immichvr_video_depth.outputs.pictures import Poster, Strip
from immichvr_video_depth.outputs.rgbd import RgbdVideo
from immichvr_video_depth.testing.frames import CLIP, FPS, HEIGHT, MAKER, WIDTH, frame, frames, made_by, write_all
from PIL import Image

COUNT = 20


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with all files that the viewer wants, and the details."""
    folder = tmp_path_factory.mktemp("made")
    outputs = open_outputs(WANTED_BY_VIEWER, folder, CLIP, MAKER)
    files = [file for output in outputs for file in made_by(output, frames(COUNT))]
    assert {file.name for file in files} == {path.name for path in folder.iterdir()}
    return folder, details_of(outputs)


def test_rgbd_shows_colour_left_and_grey_disparity_right_with_nothing_mixed_at_the_seam(
    made: tuple[Path, dict[str, Any]],
) -> None:
    folder, details = made
    with VideoReader(folder / "rgbd.mp4") as reader:
        seen = list(reader)
    layout = details["rgbd"]
    assert [frame.time for frame in seen] == [Fraction(number) / FPS for number in range(COUNT)]
    assert (reader.facts.width, reader.facts.height) == (layout["width"], layout["height"])
    original = frame(7)
    colour, depth = (_part(seen[7].rgb, layout[name]) for name in ("colour", "depth"))
    assert np.abs(colour.astype(int) - original.rgb)[:, 4:76].mean() < 6
    expected = original.values(WIDTH, HEIGHT) * 255
    assert np.abs(depth.mean(axis=2) - expected).max() < 6
    assert np.ptp(depth.astype(int), axis=2).max() < 6, "depth is grey up to its edges"


def test_rgbd_is_what_every_browser_plays_with_its_index_in_front(made: tuple[Path, dict[str, Any]]) -> None:
    path = made[0] / "rgbd.mp4"
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.codec.canonical_name, context.pix_fmt, context.profile) == ("h264", "yuv420p", "High")
        assert (int(context.colorspace), int(context.color_primaries), int(context.color_range)) == (1, 1, 1)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(("codec", "within"), [("hevc", 0.012), ("av1", 0.03), ("h264", 0.03)])
def test_depth_comes_back_in_its_units(tmp_path: Path, codec: Any, within: float) -> None:
    """Of a range of 4: a third, and three quarters, of a per cent at most."""
    outputs = open_outputs(["depth"], tmp_path, CLIP, MAKER, codec=codec)
    for output in outputs:
        made_by(output, frames(COUNT))
    told = json.loads((tmp_path / "depth.json").read_text())
    assert (told["model"], told["metric"], told["network"]) == ("vda-small", False, [56, 42])
    assert [one["time_ms"] for one in told["frames"]] == [number * 50 for number in range(COUNT)]
    assert [one["shot"] for one in told["frames"]] == [0] * 15 + [1] * 5
    with LumaReader(tmp_path / "depth.mp4") as reader:
        lumas = [one.luma for one in reader]
    for number in (0, 9, 19):
        facts = told["frames"][number]
        disparity = facts["low"] + lumas[number] / told["top"] * (facts["high"] - facts["low"])
        assert np.abs(disparity - frame(number).at(WIDTH, HEIGHT)).max() < within
        assert (facts["scale"], facts["shift"]) == (2.0, 0.0)


def test_depth_video_has_ten_bits(made: tuple[Path, dict[str, Any]]) -> None:
    facts = inspect(made[0] / "depth.mp4")
    assert (facts.codec, facts.bits, facts.audio) == ("hevc", 10, None)


def test_a_strip_shows_each_moment_in_its_tile(made: tuple[Path, dict[str, Any]]) -> None:
    folder, details = made
    strip = details["strip"]
    assert (strip["columns"], strip["rows"], strip["tile"], strip["every_s"]) == (2, 1, [160, 96], 0.5)
    sheet = np.asarray(Image.open(folder / "strip.webp").convert("RGB"))
    assert sheet.shape == (96, 320, 3)
    assert sheet[:, 10:70, 0].mean() == pytest.approx(60, abs=4)
    assert sheet[:, 170:230, 0].mean() == pytest.approx(60 + 5 * 10, abs=4)


def test_the_strip_of_a_long_video_keeps_to_a_hundred_tiles(tmp_path: Path) -> None:
    strip = Strip(tmp_path, CLIP)
    small = frame(0)
    for second in range(200):
        small.rgb[:] = second
        strip.write(_at(small, Fraction(second)))
    strip.finish()
    told = strip.details()["strip"]
    assert told["every_s"] == 2.0
    assert told["count"] == 100
    sheet = np.asarray(Image.open(tmp_path / "strip.webp").convert("L"))
    assert sheet[96 * 5 + 40, 160 * 3 + 80] == pytest.approx(2 * 53, abs=2)


def test_a_poster_is_not_the_black_that_videos_begin_with(tmp_path: Path) -> None:
    shown = frames(COUNT)
    for one in shown[:8]:
        one.rgb[:] = 0
    made_by(Poster(tmp_path), shown)
    assert np.asarray(Image.open(tmp_path / "poster.webp").convert("RGB")).max() > 80


def test_one_frame_is_enough_for_all_files(tmp_path: Path) -> None:
    for output in open_outputs(WANTED_BY_VIEWER, tmp_path, CLIP, MAKER):
        made_by(output, frames(1))
    assert {path.name for path in tmp_path.iterdir()} == {
        "depth.mp4", "depth.json", "rgbd.mp4", "poster.webp", "strip.webp",
    }  # fmt: skip


def test_what_was_broken_off_goes_on_after_its_parts_and_is_the_same_byte_for_byte(
    tmp_path: Path, made: tuple[Path, dict[str, Any]]
) -> None:
    """Twelve frames in one process, eight in another one that has the parts of the first."""
    whole, details = made
    first = open_outputs(WANTED_BY_VIEWER, tmp_path, CLIP, MAKER)
    parts = [[path for seal in write_all(output, frames(12)) for path in seal] for output in first]
    second = open_outputs(WANTED_BY_VIEWER, tmp_path, CLIP, MAKER)
    for output, own in zip(second, parts, strict=True):
        output.resume(own)
        made_by(output, frames(COUNT)[12:])
    assert details_of(second) == details
    for path in whole.iterdir():
        assert not difference(tmp_path / path.name, path)
    assert len(list(tmp_path.iterdir())) == len(list(whole.iterdir())), "parts are gone"


def test_fragments_can_be_watched_in_order_while_the_rest_is_made(tmp_path: Path) -> None:
    kept: dict[str, bytes] = {}
    told: dict[str, Mapping[str, Any]] = {}

    def keep(name: str, path: Path, *, facts: Mapping[str, Any]) -> None:
        kept[name], told[name] = path.read_bytes(), facts

    output = RgbdVideo(tmp_path, CLIP, keep)
    write_all(output, frames(12))
    assert told == {
        "init.mp4": output.details(),
        "00001.m4s": {"from_s": 0.0, "to_s": 0.3},
        "00002.m4s": {"from_s": 0.3, "to_s": 0.6},
    }
    watched = tmp_path / "watched.mp4"
    watched.write_bytes(kept["init.mp4"] + kept["00001.m4s"] + kept["00002.m4s"])
    with VideoReader(watched) as reader:
        assert [round(float(one.time), 3) for one in reader] == [round(number / 20, 3) for number in range(12)]


@pytest.mark.parametrize("make", [RgbdVideo, DepthVideo, Strip, lambda folder, _: Poster(folder)])
def test_what_is_abandoned_leaves_nothing_behind(tmp_path: Path, make: Any) -> None:
    output: Output = make(tmp_path, CLIP)
    write_all(output, frames(8))
    output.write(frame(8))
    output.abandon()
    output.abandon()
    assert list(tmp_path.iterdir()) == []


def test_outputs_that_nobody_asked_for_are_not_made(tmp_path: Path) -> None:
    outputs: list[DetailedOutput] = open_outputs(["poster"], tmp_path, CLIP, MAKER)
    assert [type(output) for output in outputs] == [Poster]


def _part(picture: npt.NDArray[np.uint8], box: list[int]) -> npt.NDArray[np.uint8]:
    x, y, width, height = box
    return picture[y : y + height, x : x + width]


def _at(one: DepthFrame, time: Fraction) -> DepthFrame:
    return replace(one, time=time)
