"""What is written is read back as it was, and sound bit for bit."""

import errno
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from immichvr_video import Encoding, LumaReader, SegmentWriter, VideoReader, VideoWriter, inspect, join
from immichvr_video.encoding import Codec
from immichvr_video.testing.clips import Clip, make_clip, number_in, picture

CODECS: tuple[Codec, ...] = ("h264", "hevc", "av1")


def sound_of(path: Path) -> list[tuple[Fraction, bytes]]:
    """Packets of the sound, with their times from the first picture on."""
    with av.open(str(path)) as container:
        pictures, sound = container.streams.video[0], container.streams.audio[0]
        assert pictures.time_base is not None
        start = (pictures.start_time or 0) * pictures.time_base
        return [((p.pts or 0) * p.time_base - start, bytes(p)) for p in container.demux(sound) if p.size]


def differences(some: list[tuple[Fraction, bytes]], others: list[tuple[Fraction, bytes]]) -> Fraction:
    """The largest difference of their times."""
    return max(abs(one - other) for (one, _), (other, _) in zip(some, others, strict=True))


def rewritten(source: Path, path: Path, span: tuple[float, float] | None) -> Path:
    """A video encoded anew, with its sound."""
    with VideoReader(source, span=span) as reader:
        facts = reader.facts
        with VideoWriter(path, Encoding(facts.width, facts.height), audio=reader.audio) as writer:
            for frame in reader:
                writer.write(frame.rgb, frame.time, frame.duration)
    return path


@pytest.mark.parametrize("codec", CODECS)
def test_pictures_and_sound_come_back(tmp_path: Path, plain: Path, codec: Codec) -> None:
    path = tmp_path / "out.mp4"
    with VideoReader(plain) as reader, VideoWriter(path, Encoding(160, 96, codec), audio=reader.audio) as writer:
        for frame in reader:
            writer.write(frame.rgb, frame.time, frame.duration)
    facts = inspect(path)
    assert (facts.codec, facts.bits, facts.frames, facts.duration_s) == (codec, 8 if codec == "h264" else 10, 60, 2.0)
    assert [number_in(frame.rgb) for frame in VideoReader(path)] == list(range(60))
    assert sound_of(path) == sound_of(plain)


@pytest.mark.parametrize("codec", CODECS)
def test_segments_join_to_the_same_video(tmp_path: Path, plain: Path, codec: Codec) -> None:
    writer = SegmentWriter(tmp_path, "part", Encoding(160, 96, codec))
    files = []
    for index in range(60):
        writer.write(picture(index), Fraction(index, 30), Fraction(1, 30))
        if index % 22 == 21:
            files += writer.seal()
    init, *parts = [*files, *writer.seal()]
    path = tmp_path / "joined.mp4"
    join(init, parts, path, audio=VideoReader(plain).audio)
    frames = list(VideoReader(path))
    assert len(parts) == 3
    assert [number_in(frame.rgb) for frame in frames] == list(range(60))
    assert [frame.time for frame in frames] == [Fraction(i, 30) for i in range(60)]
    assert sound_of(path) == sound_of(plain)


def test_depth_of_ten_bits_comes_back_within_the_codecs_error(tmp_path: Path) -> None:
    path = tmp_path / "depth.mp4"
    ramp = np.broadcast_to(np.linspace(0, 1023, 160).astype(np.uint16), (96, 160))
    with VideoWriter(path, Encoding(160, 96, "hevc", grey=True)) as writer:
        for index in range(6):
            writer.write(ramp, Fraction(index, 30), Fraction(1, 30))
    for frame in LumaReader(path):
        assert np.abs(frame.luma.astype(int) - ramp).mean() < 2


def test_an_odd_picture_gets_one_more_row_and_column(tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    with VideoWriter(path, Encoding(161, 97)) as writer:
        writer.write(picture(0, Clip(width=161, height=97)), Fraction(0), Fraction(1, 30))
    facts = inspect(path)
    assert (facts.width, facts.height, facts.frames) == (162, 98, 1)


def test_what_is_abandoned_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), VideoWriter(tmp_path / "out.mp4", Encoding(160, 96)) as writer:
        writer.write(picture(0), Fraction(0), Fraction(1, 30))
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "sound", "codec"),
    [("opus.mkv", "libopus", "libx264"), ("mp3.avi", "libmp3lame", "mpeg4"), ("ac3.ts", "ac3", "libx264")],
)
def test_sound_that_mp4_takes_is_copied_bit_for_bit(tmp_path: Path, name: str, sound: str, codec: str) -> None:
    source = make_clip(tmp_path / name, Clip(frames=60, fps=25, codec=codec, sound=sound))
    copied = rewritten(source, tmp_path / "out.mp4", None)
    assert [packet for _, packet in sound_of(copied)] == [packet for _, packet in sound_of(source)]
    assert differences(sound_of(copied), sound_of(source)) < 0.002


def test_sound_of_a_part_begins_with_it(tmp_path: Path, plain: Path) -> None:
    part = rewritten(plain, tmp_path / "part.mp4", (0.5, 1.5))
    whole, cut = sound_of(plain), sound_of(part)
    first = [packet for _, packet in whole].index(cut[0][1])
    assert [packet for _, packet in cut] == [packet for _, packet in whole[first : first + len(cut)]]
    assert -0.022 < cut[0][0] <= 0
    assert 0.97 < cut[-1][0] < 1
    assert abs(whole[first][0] - cut[0][0] - Fraction(1, 2)) < 0.001


def test_sound_that_mp4_does_not_take_is_made_aac(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "camera.mov", Clip(frames=60, sound="pcm_s16le"))
    assert inspect(rewritten(source, tmp_path / "out.mp4", None)).audio == "aac"
    copied = rewritten(source, tmp_path / "out.mkv", None)
    assert [packet for _, packet in sound_of(copied)] == [packet for _, packet in sound_of(source)]


def test_segments_carry_the_sound_and_are_the_same_after_an_interruption(tmp_path: Path, plain: Path) -> None:
    encoding, audio = Encoding(160, 96, "hevc"), VideoReader(plain).audio
    folders = [tmp_path / name for name in ("whole", "killed")]
    for folder in folders:
        folder.mkdir()
    whole, killed = (SegmentWriter(folder, "part", encoding, audio) for folder in folders)
    files: list[Path] = []
    for index in range(60):
        whole.write(picture(index), Fraction(index, 30), Fraction(1, 30))
        killed.write(picture(index), Fraction(index, 30), Fraction(1, 30))
        if index % 20 == 19:
            whole.seal()
            files += killed.seal() if index < 40 else []
        if index == 39:
            killed.abandon()
            killed = SegmentWriter(folders[1], "part", encoding, audio)
            killed.resume(files[1:])
    killed.seal()
    names = ["part-00001.m4s", "part-00002.m4s", "part-00003.m4s", "part-init.mp4"]
    assert sorted(path.name for path in folders[0].iterdir()) == names
    assert all((folders[0] / name).read_bytes() == (folders[1] / name).read_bytes() for name in names)
    stream = tmp_path / "stream.mp4"
    stream.write_bytes(b"".join((folders[0] / name).read_bytes() for name in [names[3], *names[:3]]))
    expected = [packet for time, packet in sound_of(plain) if 0 <= time < 2]
    assert [packet for _, packet in sound_of(stream)] == expected


def sealed(writer: SegmentWriter) -> list[str]:
    writer.write(picture(0), Fraction(0), Fraction(1, 30))
    return [path.name for path in writer.seal()]


def test_the_first_segment_comes_with_its_head_whatever_lay_there_before(tmp_path: Path) -> None:
    (tmp_path / "part-init.mp4").write_bytes(b"of other work")
    assert sealed(SegmentWriter(tmp_path, "part", Encoding(160, 96))) == ["part-init.mp4", "part-00001.m4s"]
    assert (tmp_path / "part-init.mp4").read_bytes()[4:8] == b"ftyp"


def test_a_disk_that_is_full_leaves_nothing_of_a_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if "init" in path.name:
            return usual(path, content)
        usual(path, content[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        sealed(SegmentWriter(tmp_path, "part", Encoding(160, 96)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("since", [None, (0.5, 2.0)])
def test_segments_carry_the_sound_of_mpeg_streams(tmp_path: Path, since: tuple[float, float] | None) -> None:
    source = make_clip(tmp_path / "camera.ts", Clip(frames=60, sound="aac"))
    copied = sound_of(rewritten(source, tmp_path / "whole.mp4", since))
    audio = VideoReader(source, span=since).audio
    files: list[Path] = []
    for begin in (0, 20):  # the second goes on as if the first had been killed
        writer = SegmentWriter(tmp_path, "part", Encoding(160, 96), audio)
        writer.resume(files[1:])
        for index in range(begin, begin + 20):
            writer.write(picture(index), Fraction(index, 30), Fraction(1, 30))
        files += writer.seal()
        writer.abandon()
    stream = tmp_path / "stream.mp4"
    stream.write_bytes(b"".join(path.read_bytes() for path in files))
    heard = sound_of(stream)
    kept = [packet for packet in copied if 0 <= packet[0] < Fraction(4, 3)]
    assert [packet for _, packet in heard] == [packet for _, packet in kept]
    with av.open(str(stream)) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) > 60_000


def test_an_mp4_begins_with_its_index_and_tells_its_colours(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with VideoWriter(path, Encoding(160, 96)) as writer:
        writer.write(picture(0), Fraction(0), Fraction(1, 30))
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    colours = data.index(b"colrnclx") + 8
    assert data[colours : colours + 7] == bytes([0, 1, 0, 1, 0, 1, 0])  # BT.709 three times, limited range
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.pix_fmt, context.profile, context.codec_tag) == ("yuv420p", "High", "avc1")


def test_matroska_carries_what_its_streams_are_told(tmp_path: Path) -> None:
    path = tmp_path / "out.mkv"
    with VideoWriter(path, Encoding(160, 96), stream_metadata={"stereo_mode": "left_right"}) as writer:
        writer.write(picture(0), Fraction(0), Fraction(1, 30))
    assert inspect(path).stereo == "side-by-side"


def test_variable_rates_are_written_to_the_millisecond(tmp_path: Path) -> None:
    path, times = tmp_path / "out.mp4", [Fraction(ms, 1000) for ms in (0, 33, 34, 101, 1234, 1250, 4321)]
    with VideoWriter(path, Encoding(160, 96)) as writer:
        for index, (time, following) in enumerate(zip(times, [*times[1:], Fraction(5)], strict=True)):
            writer.write(picture(index), time, following - time)
    assert [round(frame.time * 1000) for frame in VideoReader(path)] == [0, 33, 34, 101, 1234, 1250, 4321]
    assert inspect(path).duration_s == 5.0


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_frames_too_close_to_each_other_are_one_moment(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "close.nut"
    base = Fraction(1, 1_000_000)
    with av.open(str(source), "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.time_base = base
        for index, micros in enumerate((0, 4, 8, 33_333, 33_340, 34_400, 66_666)):
            frame = av.VideoFrame.from_ndarray(picture(index), "rgb24").reformat(format="yuv420p")
            frame.time_base, frame.pts = base, micros
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    for span, shown in ((None, [0, 3, 5, 6]), ((0.033332, 1.0), [3, 5, 6])):
        with (
            VideoReader(source, span=span) as reader,
            VideoWriter(tmp_path / f"out.{suffix}", Encoding(160, 96)) as writer,
        ):
            frames = list(reader)
            for frame in frames:
                writer.write(frame.rgb, frame.time, frame.duration)
        assert [number_in(frame.rgb) for frame in frames] == shown
        assert frames[0].time == 0
        assert [number_in(frame.rgb) for frame in VideoReader(writer.path)] == shown


@pytest.mark.parametrize("bad", [np.zeros((96, 160), np.uint8), np.zeros((10, 10, 3), np.uint8)])
def test_a_picture_of_another_shape_is_refused(tmp_path: Path, bad: np.ndarray) -> None:
    with (
        pytest.raises(ValueError, match="a picture is"),
        VideoWriter(tmp_path / "out.mp4", Encoding(160, 96)) as writer,
    ):
        writer.write(bad, Fraction(0), Fraction(1, 30))
    assert list(tmp_path.iterdir()) == []


def test_a_video_of_no_pictures_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a picture at least"), VideoWriter(tmp_path / "out.mp4", Encoding(160, 96)):
        pass
    assert list(tmp_path.iterdir()) == []
