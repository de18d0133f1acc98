"""NVIDIA's decoder and encoders: used where they give what software gives, never needed, never noticed in a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame
from immichvr_video import Encoding, VideoReader
from immichvr_video.encoding import Codec
from immichvr_video.nvenc import tried
from immichvr_video.testing.clips import Clip, make_clip
from immichvr_video.testing.devices import as_device_gives, pretended_decoder, pretended_encoder

CUTS = {"x264-params": "scenecut=0"}


def same(reader: VideoReader, path: Path, span: tuple[float, float] | None = None) -> bool:
    """Whether a reader gives what software gives of the file."""
    with reader, VideoReader(path, span=span) as other:
        pairs = list(zip(reader, other, strict=True))
    assert reader.gaps == other.gaps and reader.jumps == other.jumps
    return all(
        (one.index, one.time, one.duration) == (wanted.index, wanted.time, wanted.duration)
        and np.array_equal(one.rgb, wanted.rgb)
        for one, wanted in pairs
    )


def test_without_a_device_software_reads_and_says_why(plain: Path) -> None:
    reader = VideoReader(plain, on_device=True)
    assert reader.in_software.startswith("NVDEC does not decode it here: ")
    assert same(reader, plain)


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("plain.mp4", Clip(frames=40, sound="aac")),
        ("hevc.mkv", Clip(frames=20, codec="libx265", options={"x265-params": "log-level=none"})),
        ("vp9.webm", Clip(frames=20, codec="libvpx-vp9")),
        ("full.mp4", Clip(frames=20, pixel_format="yuvj420p")),
        ("turned.mp4", Clip(frames=20, rotation=90)),
        ("odd.mp4", Clip(frames=20, width=162, height=98)),
        ("film.ts", Clip(frames=40, codec="libx264", options={"bf": "2", **CUTS})),
    ],
)
def test_a_device_gives_the_very_pictures_of_software(tmp_path: Path, name: str, clip: Clip) -> None:
    path = make_clip(tmp_path / name, clip)
    with pretended_decoder() as frames:
        reader = VideoReader(path, on_device=True)
        assert not reader.in_software and same(reader, path)
        assert not reader.in_software and len(frames) >= clip.frames


def test_a_part_is_read_by_a_device_too(plain: Path) -> None:
    with pretended_decoder():
        reader = VideoReader(plain, span=(1.01, 1.5), on_device=True)
        assert same(reader, plain, (1.01, 1.5))
    assert not reader.in_software


@pytest.mark.parametrize("lives_for", [20, 45])
def test_where_a_device_fails_on_the_way_software_goes_on_at_the_same_frame(plain: Path, lives_for: int) -> None:
    with pretended_decoder(lives_for=lives_for):
        reader = VideoReader(plain, on_device=True)
        assert not reader.in_software
        assert same(reader, plain)
    assert reader.in_software == "from a moment on, since its driver was reset"


def test_of_damage_in_the_middle_software_tells_what_is_lost(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "film.mp4", Clip(frames=90, options=CUTS, container_options={"movflags": "faststart"}))
    data = bytearray(path.read_bytes())
    at = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[at : at + 600] = bytes(600)
    path.write_bytes(data)
    with pretended_decoder() as frames:
        reader = VideoReader(path, on_device=True)
        assert not reader.in_software
        assert same(reader, path)
    assert reader.gaps and frames
    assert reader.in_software.startswith("from a moment on, since ")


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("deep.mp4", Clip(frames=3, codec="libx265", pixel_format="yuv420p10le")),
        ("fields.mp4", Clip(frames=6, options={"flags": "+ildct+ilme", "x264-params": "interlaced=1"})),
        ("av1.mp4", Clip(frames=3, codec="libsvtav1")),
        ("film.avi", Clip(frames=3, codec="mpeg4")),
    ],
)
def test_what_is_not_plain_is_left_to_software(tmp_path: Path, name: str, clip: Clip) -> None:
    path = make_clip(tmp_path / name, clip)
    with pretended_decoder() as frames:
        reader = VideoReader(path, on_device=True)
        assert "8 bits, ordinary range and whole frames" in reader.in_software
        assert same(reader, path) and not frames


def test_colours_of_another_form_are_left_to_software(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "fine.mp4", Clip(frames=3, pixel_format="yuv444p"))
    with pretended_decoder():
        reader = VideoReader(path, on_device=True)
        assert reader.in_software == "NVDEC gives other pictures of its beginning than software does"
        assert same(reader, path)


def brighter(frame: VideoFrame) -> VideoFrame:
    made = as_device_gives(frame)
    np.frombuffer(memoryview(made.planes[0]), np.uint8)[:] += 1
    return made


def test_a_device_that_gives_other_pictures_is_not_used(plain: Path) -> None:
    with pretended_decoder(brighter):
        reader = VideoReader(plain, on_device=True)
        assert reader.in_software == "NVDEC gives other pictures of its beginning than software does"
        assert same(reader, plain)


def test_pictures_that_a_device_does_not_give_itself_are_no_reason_to_use_it(plain: Path) -> None:
    with pretended_decoder(lambda frame: frame):
        reader = VideoReader(plain, on_device=True)
        assert "does not decode it here" in reader.in_software
        assert same(reader, plain)


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
@pytest.mark.parametrize("grey", [False, True])
def test_without_a_device_software_writes_and_says_why(codec: Codec, grey: bool) -> None:
    asked = Encoding(160, 96, codec, grey=grey)
    trial = tried(asked)
    assert trial.encoding == asked and not trial.writer
    assert trial.reason.startswith(f"{codec}_nvenc cannot be used here: ")


@pytest.mark.parametrize("asked", [Encoding(160, 96), Encoding(161, 97, "hevc", grey=True)])
def test_an_encoder_whose_pictures_come_back_is_used(asked: Encoding) -> None:
    with pretended_encoder():
        one, other = tried(asked), tried(asked)
    with pretended_encoder({"crf": "4"}):
        another = tried(asked)
    assert one.encoding.on_device and not one.reason
    assert one.writer == other.writer != another.writer


def test_an_encoder_that_spoils_depth_is_not_used() -> None:
    with pretended_encoder({"crf": "51"}):
        trial = tried(Encoding(160, 96, "hevc", grey=True))
    assert not trial.encoding.on_device
    assert trial.reason == "what libx265 writes is not what was to be written"
