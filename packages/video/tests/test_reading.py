"""Frames come in order, upright, at the times that the file tells."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from immichvr_video import Encoding, OutsideOfVideo, ShotFinder, VideoReader, VideoWriter, inspect, shots
from immichvr_video.testing.boxes import SIDE_BY_SIDE, sphere, with_boxes, with_matrix
from immichvr_video.testing.clips import Clip, make_clip, number_in, picture


def test_every_frame_is_given_once_at_its_time(plain: Path) -> None:
    with VideoReader(plain) as reader:
        frames = list(reader)
    assert [number_in(frame.rgb) for frame in frames] == list(range(60))
    assert [frame.time for frame in frames] == [Fraction(i, 30) for i in range(60)]
    assert {frame.duration for frame in frames} == {Fraction(1, 30)}
    assert reader.gaps == []


def test_a_file_tells_what_it_is(plain: Path) -> None:
    facts = inspect(plain)
    assert (facts.width, facts.height, facts.fps, facts.frames, facts.duration_s) == (160, 96, 30, 60, 2.0)
    assert (facts.codec, facts.audio, facts.hdr, facts.bits, facts.interlaced) == ("h264", "aac", None, 8, False)


def test_variable_rates_keep_every_millisecond(tmp_path: Path) -> None:
    times = [Fraction(ms, 1000) for ms in (0, 33, 34, 101, 1234, 1250, 4321)]
    path = make_clip(tmp_path / "variable.mp4", Clip(times=times))
    assert [round(frame.time * 1000) for frame in VideoReader(path)] == [0, 33, 34, 101, 1234, 1250, 4321]


@pytest.mark.parametrize(("rotation", "size"), [(0, (160, 96)), (90, (96, 160)), (180, (160, 96)), (270, (96, 160))])
def test_pictures_are_turned_upright(tmp_path: Path, rotation: int, size: tuple[int, int]) -> None:
    path = make_clip(tmp_path / "turned.mp4", Clip(frames=2, rotation=rotation))
    facts = inspect(path)
    frame = next(iter(VideoReader(path)))
    assert (facts.width, facts.height) == size
    # what ffmpeg notes is a turn against the clock
    assert np.abs(frame.rgb.astype(int) - np.rot90(picture(0), rotation // 90)).mean() < 4


MATRICES = {
    (-1, 0, 0, 1): np.fliplr,
    (1, 0, 0, -1): np.flipud,
    (0, 1, 1, 0): lambda shown: shown.swapaxes(0, 1),
    (0, -1, -1, 0): lambda shown: np.rot90(shown, 2).swapaxes(0, 1),
    (0, 1, -1, 0): lambda shown: np.rot90(shown, -1),
    (0, -1, 1, 0): np.rot90,
    (-1, 0, 0, -1): lambda shown: np.rot90(shown, 2),
}


@pytest.mark.parametrize("matrix", MATRICES)
def test_mirrored_pictures_are_shown_as_their_matrix_says(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    path = with_matrix(make_clip(tmp_path / "selfie.mp4", Clip(frames=6)), matrix)
    expected = MATRICES[matrix](picture(5))
    facts, frame = inspect(path), list(VideoReader(path))[5]
    assert (facts.height, facts.width) == expected.shape[:2]
    assert np.abs(frame.rgb.astype(int) - expected).mean() < 4


def test_a_cover_picture_is_not_the_film_however_large_it_is(tmp_path: Path) -> None:
    film = make_clip(tmp_path / "film.mkv", Clip(frames=3))
    covered = tmp_path / "covered.mkv"
    _, cover = cv2.imencode(".jpg", np.full((1200, 1600, 3), 90, np.uint8))
    with av.open(str(film)) as source, av.open(str(covered), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        target.add_attachment("cover.jpg", "image/jpeg", cover.tobytes())
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    with av.open(str(covered)) as container:
        assert [one.width for one in container.streams.video] == [160, 1600], "the cover is a stream of pictures too"
    with VideoReader(covered) as reader:
        assert [number_in(frame.rgb) for frame in reader] == [0, 1, 2]


def test_a_part_begins_with_the_frame_that_is_shown_then(plain: Path) -> None:
    with VideoReader(plain, span=(1.01, 1.5)) as reader:
        frames = list(reader)
    assert [number_in(frame.rgb) for frame in frames] == list(range(30, 45))
    assert frames[0].time == 0
    assert frames[1].time == Fraction(31, 30) - Fraction(101, 100)


@pytest.mark.parametrize(("name", "key_every"), [("part.ts", 150), ("part.ts", 600), ("part.mpg", 150)])
@pytest.mark.parametrize("start", [1, 4])
def test_a_part_is_whole_however_far_apart_key_frames_are(
    tmp_path: Path, name: str, key_every: int, start: int
) -> None:
    codec, options = ("mpeg2video", {}) if name.endswith("mpg") else ("libx264", {"x264-params": "scenecut=0"})
    path = make_clip(tmp_path / name, Clip(frames=160, key_every=key_every, codec=codec, options=options))
    with VideoReader(path, span=(start, start + 0.5)) as reader:
        frames = list(reader)
    assert [number_in(frame.rgb) for frame in frames] == list(range(30 * start, 30 * start + 15))
    assert [frame.time for frame in frames] == [Fraction(i, 30) for i in range(15)]
    assert reader.gaps == []


@pytest.mark.parametrize("span", [None, (0.1, 2.0)])
def test_what_is_missing_at_the_start_is_a_gap(tmp_path: Path, span: tuple[float, float] | None) -> None:
    path = make_clip(tmp_path / "late.ts", Clip(frames=90, key_every=30, options={"x264-params": "scenecut=0"}))
    data, packet = path.read_bytes(), 188
    third = len(data) // 9 // packet * packet  # in the first of three groups
    path.write_bytes(data[: 3 * packet] + data[third:])
    with VideoReader(path, span=span) as reader:
        frames = list(reader)
    assert number_in(frames[0].rgb) == 30
    assert frames[0].time > 0.2
    assert [(gap.start_s, gap.end_s) for gap in reader.gaps] == [(0, float(frames[0].time))]


@pytest.mark.parametrize("last", [False, True])
def test_a_part_within_one_frame_shows_that_frame_for_as_long(tmp_path: Path, last: bool) -> None:
    path = make_clip(tmp_path / "slides.mkv", Clip(times=[Fraction(0), Fraction(2)]))
    start = 2.01 if last else 0.5
    with VideoReader(path, span=(start, start + 0.02)) as reader:
        frames = list(reader)
    assert [number_in(frame.rgb) for frame in frames] == [int(last)]
    assert [(frame.time, frame.duration) for frame in frames] == [(0, Fraction(1, 50))]


def test_the_last_frame_is_shown_as_long_as_the_file_tells(tmp_path: Path) -> None:
    slides = tmp_path / "slides.mp4"
    with VideoWriter(slides, Encoding(160, 96)) as writer:
        writer.write(picture(0), Fraction(0), Fraction(1))
        writer.write(picture(1), Fraction(1), Fraction(5))
    with VideoReader(slides) as reader:
        assert [(frame.time, frame.duration) for frame in reader] == [(0, 1), (1, 5)]
    assert reader.gaps == []
    with VideoReader(slides, span=(0.5, 3)) as reader:
        frames = list(reader)
    assert [(frame.time, frame.duration) for frame in frames] == [(0, Fraction(1, 2)), (Fraction(1, 2), 2)]


def test_a_part_that_is_not_there_is_named(plain: Path) -> None:
    with pytest.raises(OutsideOfVideo, match="ends at 2 s"):
        VideoReader(plain, span=(5, 6))


def test_cuts_are_found_where_they_are(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "cuts.mp4", Clip(frames=60, cuts=(20, 37)))
    found = [shot for _, shot in shots(VideoReader(path))]
    assert found == [0] * 20 + [1] * 17 + [2] * 23


@pytest.mark.parametrize("cuts", [(3,), (56,), (58,), (4, 8, 12)])
def test_cuts_near_the_ends_and_near_each_other_are_found(cuts: tuple[int, ...]) -> None:
    clip, finder = Clip(cuts=cuts), ShotFinder()
    begins = [begin for index in range(60) for begin in finder.push(picture(index, clip))]
    begins += finder.finish()
    assert [index for index, begin in enumerate(begins) if begin] == [0, *cuts]


@pytest.mark.parametrize("length", [1, 2])
def test_a_flash_is_no_cut(length: int) -> None:
    finder = ShotFinder()
    frames = [picture(index) for index in range(40)]
    frames[20 : 20 + length] = [np.full_like(frames[0], 250)] * length
    begins = [begin for frame in frames for begin in finder.push(frame)]
    assert sum([*begins, *finder.finish()]) == 1


@pytest.mark.parametrize(
    ("edge", "projection"), [(0, "equirectangular-360"), (0x3FFFFFFF, "equirectangular-180")], ids=["360", "180"]
)
def test_spheres_and_views_for_two_eyes_are_told(tmp_path: Path, edge: int, projection: str) -> None:
    facts = inspect(with_boxes(make_clip(tmp_path / "vr.mp4", Clip(frames=2)), sphere(edge, SIDE_BY_SIDE)))
    assert (facts.projection, facts.stereo) == (projection, "side-by-side")
