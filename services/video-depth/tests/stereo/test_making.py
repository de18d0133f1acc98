"""Stereo files from the files of a depth asset."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from immichvr_video import AudioSpan, Encoding, VideoReader, VideoWriter, inspect
from immichvr_video_depth.outputs import DepthUnusable, StoredDepth, open_outputs
from immichvr_video_depth.outputs.clip import Clip
from immichvr_video_depth.stereo import LayoutRefused, StereoWish, make_stereo
from immichvr_video_depth.stereo.boxes import mark_stereo
from immichvr_video_depth.stereo.geometry import Geometry
from immichvr_video_depth.testing.drawn import FPS, Ball, Drawn, depth_frames, psnr
from immichvr_video_depth.testing.frames import MAKER, made_by

COUNT = 14
SCENE = Drawn(192, 108, (Ball(0.9, 0.5, 0.25, 0.8, moves=(0.3, 0.0)),))
MADE = list(depth_frames(SCENE, COUNT, network=(98, 56)))


@pytest.fixture(scope="module")
def asset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a video with sound, `source.mp4`, and the files of its depth."""
    folder = tmp_path_factory.mktemp("asset")
    _sound(folder / "sound.mkv", "aac")
    _video(folder / "source.mp4", AudioSpan(folder / "sound.mkv", Fraction(0), None))
    for output in open_outputs(["depth"], folder, Clip(SCENE.width, SCENE.height, Fraction(FPS)), MAKER):
        made_by(output, MADE)
    return folder


def test_depth_read_back_is_the_depth_that_was_written_within_a_per_cent_of_its_range(asset: Path) -> None:
    read = list(_stored(asset))
    assert [one.time for one in read] == [one.time for one in MADE]
    for one, original in zip(read, MADE, strict=True):
        assert (one.shot, one.low, one.high) == (original.shot, original.low, original.high)
        off = np.abs(one.disparity - np.clip(original.disparity, original.low, original.high))
        assert off.mean() < 0.01 * 3
        assert np.quantile(off, 0.99) < 0.08 * 3, "edges are enlarged and reduced again"


@pytest.mark.parametrize(
    ("layout", "name", "size", "box"),
    [
        ("full-sbs", "stereo_LRF_Full_SBS.mp4", (384, 108), 2),
        ("half-sbs", "stereo_LR.mp4", (192, 108), 2),
        ("over-under", "stereo_TBF_fulltb.mp4", (192, 216), 1),
    ],
)
def test_a_stereo_file_says_by_name_and_by_box_how_its_views_lie(
    asset: Path, tmp_path: Path, layout: str, name: str, size: tuple[int, int], box: int
) -> None:
    (made,) = make_stereo(_stored(asset), tmp_path, StereoWish(layout))
    assert (made.name, made.role, made.format, made.variant) == (name, "stereo", "mp4", layout)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    facts = inspect(tmp_path / name)
    assert (facts.width, facts.height, facts.codec, facts.audio) == (*size, "h264", "aac")
    assert facts.stereo == {2: "side-by-side", 1: "over-under"}[box]
    data = (tmp_path / name).read_bytes()
    at = data.index(b"st3d")
    assert struct.unpack(">I4sIB", data[at - 4 : at + 9]) == (13, b"st3d", 0, box)


def test_its_views_are_what_both_eyes_truly_see(asset: Path, tmp_path: Path) -> None:
    make_stereo(_stored(asset), tmp_path, StereoWish("full-sbs"))
    gain = Geometry().gain(SCENE.width)
    with VideoReader(tmp_path / "stereo_LRF_Full_SBS.mp4") as reader:
        frames = list(reader)
    assert [frame.time for frame in frames] == [one.time for one in MADE]
    for number in (0, 7, 13):
        for eye, to in ((frames[number].rgb[:, :192], gain), (frames[number].rgb[:, 192:], -gain)):
            true, _ = SCENE.seen(to, seconds=number / FPS)
            assert psnr(_grey(eye), _grey(true)) > 32, "colours are stored at half the size"


def test_the_sound_is_the_videos_own(asset: Path, tmp_path: Path) -> None:
    make_stereo(_stored(asset), tmp_path, StereoWish("half-sbs"))
    assert _packets(tmp_path / "stereo_LR.mp4") == _packets(asset / "source.mp4") != []


def test_a_file_with_other_than_the_usual_depth_has_a_name_of_its_own(asset: Path, tmp_path: Path) -> None:
    wish = StereoWish("half-sbs", baseline=3.0, label="half-sbs.baseline-3")
    (made,) = make_stereo(_stored(asset), tmp_path, wish)
    assert (made.name, made.variant) == ("stereo.baseline-3_LR.mp4", "half-sbs.baseline-3")


def test_sound_that_no_mp4_takes_makes_it_matroska_that_tells_its_stereo_mode(asset: Path, tmp_path: Path) -> None:
    _sound(tmp_path / "sound.mkv", "pcm_s16le")
    source = tmp_path / "source.mkv"
    _video(source, AudioSpan(tmp_path / "sound.mkv", Fraction(0), None))
    out = tmp_path / "out"
    out.mkdir()
    depth = StoredDepth(asset / "depth.mp4", asset / "depth.json", source)
    (made,) = make_stereo(depth, out, StereoWish("over-under"))
    assert (made.name, made.format, made.media_type) == ("stereo_TBF_fulltb.mkv", "mkv", "video/x-matroska")
    facts = inspect(out / made.name)
    assert (facts.stereo, facts.audio) == ("over-under", "pcm_s16le")


def test_flat_videos_are_not_made_into_half_spheres(asset: Path, tmp_path: Path) -> None:
    with pytest.raises(LayoutRefused, match="180 degrees"):
        make_stereo(_stored(asset), tmp_path, StereoWish("vr180"))
    assert list(tmp_path.iterdir()) == []


def test_half_spheres_say_that_they_are(asset: Path, tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    _video(path)
    mark_stereo(path, 2, half_sphere=True)
    facts = inspect(path)
    assert (facts.projection, facts.stereo) == ("equirectangular-180", "side-by-side")
    with VideoReader(path) as reader:
        assert len(list(reader)) == COUNT, "its pictures are found where they lie now"


def test_depth_of_another_video_is_refused(asset: Path, tmp_path: Path) -> None:
    other = Drawn(96, 54, ())
    with VideoWriter(tmp_path / "other.mp4", Encoding(96, 54, fps=Fraction(FPS))) as writer:
        for one in depth_frames(other, 3):
            writer.write(one.rgb, one.time, one.duration)
    with pytest.raises(DepthUnusable, match="192x108, this one has 96x54"):
        StoredDepth(asset / "depth.mp4", asset / "depth.json", tmp_path / "other.mp4")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("{", "["), "depth.json is not one"),
        (('"version":1', '"version":7'), "version 7"),
        (('"low":1.0', '"low":null'), "frames.0.low"),
        (('"top":1023', '"top":0'), "top"),
        (('"time_ms":40.0', '"time_ms":90.0'), "frame 1 is shown at 0.040 s, its depth at 0.090 s"),
    ],
)
def test_what_is_wrong_with_a_depth_json_is_said(
    asset: Path, tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    told = tmp_path / "depth.json"
    told.write_text((asset / "depth.json").read_text().replace(*change, 1))
    with pytest.raises(DepthUnusable, match=says):
        list(StoredDepth(asset / "depth.mp4", told, asset / "source.mp4"))


def _grey(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.asarray(rgb @ np.array([0.2126, 0.7152, 0.0722]), np.uint8)


def _stored(asset: Path) -> StoredDepth:
    return StoredDepth(asset / "depth.mp4", asset / "depth.json", asset / "source.mp4")


def _video(path: Path, audio: AudioSpan | None = None) -> None:
    encoding = Encoding(SCENE.width, SCENE.height, fps=Fraction(FPS), quality=8)
    with VideoWriter(path, encoding, audio) as writer:
        for one in MADE:
            writer.write(one.rgb, one.time, one.duration)


def _sound(path: Path, codec: str) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48000, layout="mono")
        wave = (8000 * np.sin(np.arange(48000 * COUNT // FPS) * 0.05)).astype(np.int16)
        for start in range(0, len(wave), 1024):
            frame = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], "s16", "mono")
            frame.sample_rate, frame.pts = 48000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]
