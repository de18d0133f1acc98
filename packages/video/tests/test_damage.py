"""Hostile and broken files: each has a code and a sentence, or is read as far as it goes, and the gap is named."""

import re
import resource
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import av
import numpy as np
import pytest
from immichvr_video import (
    EmptyVideo,
    InvalidVideo,
    NoPicture,
    ProtectedVideo,
    VideoError,
    VideoLimits,
    VideoReader,
    VideoTooLarge,
    VideoTooLong,
    inspect,
)
from immichvr_video.testing.clips import Clip, make_clip, number_in

NOISE = np.random.default_rng(0).integers(0, 256, 100_000, np.uint8).tobytes()
NO_VIDEOS = {
    "nothing": b"",
    "text": b"hello world " * 100,
    "zeros": bytes(100_000),
    "noise": NOISE,
    "a photo": b"\xff\xd8\xff\xe0" + bytes(1000),
    "a playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "a list of files": b"ffconcat version 1.0\nfile /etc/passwd\n",
}


@pytest.mark.parametrize("name", NO_VIDEOS)
def test_what_is_no_video_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file.mp4"
    path.write_bytes(NO_VIDEOS[name])
    with pytest.raises(InvalidVideo, match="upload it again") as caught:
        VideoReader(path)
    assert caught.value.code == "invalid_video"
    assert str(tmp_path) not in str(caught.value)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", 48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.int16), "s16", "mono")
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(NoPicture, match="only sound"):
        inspect(tmp_path / "sound.mp4")


def test_a_video_without_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError):
        inspect(make_clip(tmp_path / "none.mp4", Clip(frames=0, sound="aac")))


def test_a_video_none_of_whose_frames_can_be_decoded_is_empty(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "broken.mp4", Clip(frames=10, container_options={"movflags": "faststart"}))
    data = path.read_bytes()
    at = data.index(b"mdat") + 4
    path.write_bytes(data[:at] + bytes(len(data) - at))
    with pytest.raises(EmptyVideo):
        inspect(path)


def test_one_frame_is_a_video(tmp_path: Path) -> None:
    frames = list(VideoReader(make_clip(tmp_path / "one.mp4", Clip(frames=1))))
    assert [(frame.time, frame.duration) for frame in frames] == [(0, Fraction(1, 30))]


def test_what_is_encrypted_is_refused(tmp_path: Path) -> None:
    key = "00112233445566778899aabbccddeeff"
    options = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": key, "encryption_kid": key}
    with pytest.raises(ProtectedVideo, match="DRM"):
        inspect(make_clip(tmp_path / "shop.mp4", Clip(frames=5, container_options=options)))


@pytest.mark.parametrize(
    "kind", ["2211b3fb-bd23-11d2-b4b7-00a0c955fc6e", "298ae614-2622-4c17-b935-dae07ee9289c"], ids=["plain", "extended"]
)
def test_encrypted_wmv_is_told_from_damage_by_its_header(tmp_path: Path, kind: str) -> None:
    path = make_clip(tmp_path / "shop.wmv", Clip(frames=5, codec="wmv2"))
    assert inspect(path).codec == "wmv2"
    data, about = bytearray(path.read_bytes()), UUID(kind).bytes_le + (40).to_bytes(8, "little") + bytes(16)
    size, count = int.from_bytes(data[16:24], "little"), int.from_bytes(data[24:28], "little")
    data[16:24], data[24:28] = (size + len(about)).to_bytes(8, "little"), (count + 1).to_bytes(4, "little")
    path.write_bytes(data[:size] + about + data[size:])
    with pytest.raises(ProtectedVideo, match="DRM"):
        inspect(path)


def test_an_object_of_wmv_that_reaches_beyond_the_file_ends_the_look_for_encryption(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "lies.wmv", Clip(frames=5, codec="wmv2"))
    data = bytearray(path.read_bytes())
    data[30 + 16 : 30 + 24] = b"\xff" * 8  # the size of the header's first object
    path.write_bytes(data)
    with pytest.raises(InvalidVideo):
        inspect(path)


def test_a_long_video_is_refused_with_the_limit_or_read_in_part(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "day.mkv", Clip(times=[Fraction(600 * i) for i in range(73)]))
    with pytest.raises(VideoTooLong, match=r"runs 12 h; at most 3 h are taken \(max_seconds\)"):
        VideoReader(path)
    with VideoReader(path, span=(39_600, 40_300)) as reader:
        assert [(number_in(frame.rgb), frame.time) for frame in reader] == [(66, 0), (67, 600)]


@pytest.mark.parametrize("span", [(0, 1e6), (0.5, 1e6), (0.5, None)])
def test_a_part_without_an_end_is_held_to_the_limit_where_the_head_lied(
    tmp_path: Path, span: tuple[float, float | None]
) -> None:
    path = make_clip(tmp_path / "lies.mkv", Clip(frames=90))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"00:00:03.000000000", b"00:00:01.000000000"))
    assert inspect(path).duration_s == 1.0
    with (
        pytest.raises(VideoTooLong, match="max_seconds"),
        VideoReader(path, VideoLimits(max_seconds=1), span) as reader,
    ):
        assert len(list(reader)) < 32


@pytest.mark.parametrize(("seconds", "is_taken"), [(3, True), (1, False)])
def test_a_part_without_an_end_of_a_video_that_tells_no_length_is_read(
    tmp_path: Path, seconds: float, is_taken: bool
) -> None:
    path = make_clip(tmp_path / "raw.h264", Clip(frames=60))
    assert inspect(path).duration_s is None
    with VideoReader(path, VideoLimits(max_seconds=seconds), span=(0.5, None)) as reader:
        if is_taken:
            frames = list(reader)
            assert number_in(frames[-1].rgb) == 59
            assert frames[0].time == 0
        else:
            with pytest.raises(VideoTooLong, match="max_seconds"):
                list(reader)


def test_more_frames_than_are_taken_are_refused(plain: Path) -> None:
    with pytest.raises(VideoTooLong, match="max_frames"):
        VideoReader(plain, VideoLimits(max_frames=20))


def test_too_many_bytes_and_too_long_sides_are_refused(plain: Path) -> None:
    with pytest.raises(VideoTooLarge, match="max_bytes"):
        inspect(plain, VideoLimits(max_bytes=1000))
    with pytest.raises(VideoTooLarge, match="a side of 100"):
        inspect(plain, VideoLimits(max_side=100))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sources")
    clip = Clip(frames=120, container_options={"movflags": "faststart"})
    return {
        "mp4": make_clip(folder / "whole.mp4", clip),
        "ts": make_clip(folder / "whole.ts", Clip(frames=120, sound="aac")),
        "mkv": make_clip(folder / "whole.mkv", Clip(frames=120, sound="aac")),
        "mpg": make_clip(folder / "whole.mpg", Clip(frames=120, fps=25, codec="mpeg2video")),
    }


@pytest.mark.parametrize("damage", ["zeros", "noise"])
@pytest.mark.parametrize("kind", ["mp4", "ts", "mkv", "mpg"])
def test_reading_goes_on_after_damage_and_names_the_gap(
    tmp_path: Path, sources: dict[str, Path], kind: str, damage: str
) -> None:
    data = bytearray(sources[kind].read_bytes())
    middle, length = len(data) * 6 // 10, len(data) // 20
    data[middle : middle + length] = bytes(length) if damage == "zeros" else NOISE[:length]
    path = tmp_path / f"damaged.{kind}"
    path.write_bytes(data)
    with VideoReader(path) as reader:
        frames = list(reader)
    numbers = [number_in(frame.rgb) for frame in frames]
    missing = set(range(120)) - set(numbers)
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 0
    assert numbers[-1] == 119
    assert 0 < len(missing) < 40
    assert {gap.reason for gap in reader.gaps} <= {"damaged", "missing"}
    lost = [float(number / reader.facts.fps) for number in missing]
    assert all(any(gap.start_s - 0.01 <= time <= gap.end_s for gap in reader.gaps) for time in lost)


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_a_file_that_was_cut_off_is_read_to_where_it_ends(tmp_path: Path, sources: dict[str, Path], kind: str) -> None:
    data = sources[kind].read_bytes()
    path = tmp_path / f"cut.{kind}"
    path.write_bytes(data[: len(data) // 2])
    with VideoReader(path) as reader:
        frames = list(reader)
    assert 30 < len(frames) < 90
    assert [(gap.reason, gap.end_s) for gap in reader.gaps] == [("truncated", 4.0)]


def test_time_goes_on_where_a_files_clock_is_set_back(tmp_path: Path, sources: dict[str, Path]) -> None:
    path = tmp_path / "joined.ts"
    path.write_bytes(sources["ts"].read_bytes() * 2)
    with VideoReader(path) as reader:
        times = [frame.time for frame in reader]
    assert len(times) > 220
    assert all(0 < later - earlier < Fraction(1, 5) for earlier, later in pairwise(times))
    assert reader.jumps == 1


def h264_head(width: int, height: int) -> bytes:
    """The start of an H.264 stream that announces frames of this size: two parameter sets and a slice.

    ITU-T H.264, 7.3.1 to 7.3.3.
    """

    def ue(value: int) -> str:
        text = f"{value + 1:b}"
        return "0" * (len(text) - 1) + text

    def unit(head: int, bits: str) -> bytes:
        bits += "1"
        bits += "0" * (-len(bits) % 8)
        body = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
        return b"\0\0\0\1" + bytes([head]) + re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", body)

    # Baseline, level 5.1; picture order of type 2, one reference, frames only
    sps = f"{66:08b}{0:08b}{51:08b}" + ue(0) + ue(0) + ue(2) + ue(1) + "0" + ue(width // 16 - 1) + ue(height // 16 - 1)
    pps = ue(0) + ue(0) + "00" + ue(0) * 3 + "00" + ue(0) * 3 + "000"
    return unit(0x67, sps + "1100") + unit(0x68, pps) + unit(0x65, ue(0) + ue(7) + ue(0) + "0000" + ue(0)) + bytes(800)


def movie_of(width: int, height: int, folder: Path) -> bytes:
    """A movie of one small picture whose sample entry (ISO/IEC 14496-12, 12.1.3) says that it is larger."""
    data = bytearray(
        make_clip(
            folder / "small.mov", Clip(frames=1, width=16, height=16, codec="qtrle", pixel_format="rgb24")
        ).read_bytes()
    )
    at = data.index(b"rle ") + 28
    data[at : at + 4] = width.to_bytes(2, "big") + height.to_bytes(2, "big")
    return bytes(data)


MEMORY = """
import resource, sys
from pathlib import Path
from immichvr_video import VideoError, VideoReader
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    with VideoReader(Path(sys.argv[1])) as reader:
        print(sum(1 for _ in reader))
except VideoError as error:
    print(error.code)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize(
    ("name", "height", "expected"),
    [
        ("bomb.mov", 16_384, "video_too_large"),
        ("bomb.h264", 8_192, "video_too_large"),
        ("bomb.h264", 16_384, "invalid_video"),  # so large that ffmpeg takes it for a mistake
    ],
)
def test_a_small_file_that_announces_huge_frames_is_refused_before_memory_is_taken(
    tmp_path: Path, name: str, height: int, expected: str
) -> None:
    data = h264_head(16_384, height) if name == "bomb.h264" else movie_of(16_384, height, tmp_path)
    path = tmp_path / name
    path.write_bytes(data)
    assert len(data) < 2000
    done = subprocess.run([sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True)
    code, megabytes = done.stdout.split()
    assert code == expected
    assert int(megabytes) < 40


def test_frames_that_grow_huge_in_the_middle_are_passed_over(tmp_path: Path, sources: dict[str, Path]) -> None:
    path = tmp_path / "grows.h264"
    small = make_clip(tmp_path / "small.h264", Clip(frames=30)).read_bytes()
    path.write_bytes(small + h264_head(16_384, 8_192) * 5 + small)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with VideoReader(path) as reader:
        assert 40 < sum(frame.rgb.shape == (96, 160, 3) for frame in reader) <= 60
    # H.264's tables for 16384 x 8192 take 165 MB, once; five such frames would take a gigabyte
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250 * 1024
