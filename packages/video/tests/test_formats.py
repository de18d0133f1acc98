"""Whatever ffmpeg reads is read here: every frame once, at its time, in its colours."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from immichvr_video import VideoReader, inspect
from immichvr_video.hdr import Hdr, to_srgb
from immichvr_video.testing.clips import Clip, make_clip, number_in, picture

QUIET_HEVC = {"x265-params": "log-level=none"}
FAST_VPX = {"deadline": "realtime", "cpu-used": "8"}
# suffix: encoder, pixel format, options
FORMATS = {
    "h264.mp4": ("libx264", "yuv420p", {}),
    "h264-10-bit.mp4": ("libx264", "yuv420p10le", {}),
    "h264-444.mp4": ("libx264", "yuv444p", {}),
    "h264-rgb.mp4": ("libx264rgb", "rgb24", {}),
    "h264.mov": ("libx264", "yuv422p", {}),
    "h264.mkv": ("libx264", "yuv420p", {}),
    "h264.flv": ("libx264", "yuv420p", {}),
    "h264.avi": ("libx264", "yuv420p", {}),
    "h264.ts": ("libx264", "yuv420p", {}),
    "hevc.mp4": ("libx265", "yuv420p", QUIET_HEVC),
    "hevc-10-bit.mp4": ("libx265", "yuv420p10le", QUIET_HEVC),
    "av1.mp4": ("libsvtav1", "yuv420p10le", {}),
    "av1.webm": ("libsvtav1", "yuv420p", {}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", FAST_VPX),
    "vp8.webm": ("libvpx", "yuv420p", FAST_VPX),
    "prores.mov": ("prores_ks", "yuv422p10le", {}),
    "prores-4444.mov": ("prores_ks", "yuva444p10le", {}),
    "mpeg2.mpg": ("mpeg2video", "yuv420p", {}),
    "mpeg2.ts": ("mpeg2video", "yuv420p", {}),
    "mpeg4.avi": ("mpeg4", "yuv420p", {}),
    "mpeg4.3gp": ("mpeg4", "yuv420p", {}),
    "mjpeg.avi": ("mjpeg", "yuvj422p", {}),
    "mjpeg.mov": ("mjpeg", "yuvj420p", {}),
    "wmv.wmv": ("wmv2", "yuv420p", {}),
    "ffv1.mkv": ("ffv1", "yuv420p", {}),
    "cineform.mov": ("cfhd", "yuv422p10le", {}),
    "raw.avi": ("rawvideo", "bgr24", {}),
}


@pytest.mark.parametrize("name", FORMATS)
def test_frames_of_every_format_are_what_was_put_in(tmp_path: Path, name: str) -> None:
    codec, pixels, options = FORMATS[name]
    clip = Clip(frames=20, fps=25, codec=codec, pixel_format=pixels, options=options)
    with VideoReader(make_clip(tmp_path / name, clip)) as reader:
        frames = list(reader)
    assert [number_in(frame.rgb) for frame in frames] == list(range(20))
    assert [round(frame.time * 1000) for frame in frames] == list(range(0, 800, 40))
    assert np.abs(frames[5].rgb.astype(int) - picture(5, clip)).mean() < 4
    assert reader.gaps == []


@pytest.mark.parametrize(("width", "height"), [(2, 2), (33, 17), (161, 97)])
def test_odd_and_tiny_sizes_are_read(tmp_path: Path, width: int, height: int) -> None:
    with av.open(str(tmp_path / "odd.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv444p"
        pixels = np.full((height, width, 3), (200, 100, 50), np.uint8)
        frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    shown = next(iter(VideoReader(tmp_path / "odd.mkv"))).rgb
    assert shown.shape == (height, width, 3)
    assert np.abs(shown.astype(int) - pixels).max() < 6


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "dv.avi", Clip(frames=2, width=720, height=576, fps=25, codec="dvvideo"))
    assert (inspect(path).width, inspect(path).height) == (768, 576)
    assert next(iter(VideoReader(path))).rgb.shape == (576, 768, 3)


def field(step: int) -> np.ndarray:
    """A bright bar on dark that moves by 4 pixels a field."""
    luma = np.full((120, 320), 40, np.uint8)
    luma[30:90, 20 + 4 * step : 80 + 4 * step] = 220
    return luma


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("fields.ts", "mpeg2video", {"flags": "+ildct+ilme", "field_order": "tt"}),
        ("fields.mp4", "libx264", {"x264-params": "tff=1:interlaced=1"}),
    ],
)
def test_frames_of_two_fields_show_no_combs(tmp_path: Path, name: str, codec: str, options: dict[str, str]) -> None:
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 320, 120, "yuv420p"
        for index in range(12):
            luma = field(2 * index)
            luma[1::2] = field(2 * index + 1)[1::2]
            frame = av.VideoFrame.from_ndarray(np.concatenate([luma, np.full((60, 320), 128, np.uint8)]), "yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with VideoReader(tmp_path / name) as reader:
        frames = list(reader)
    assert reader.facts.interlaced
    assert [frame.time for frame in frames] == [Fraction(i, 25) for i in range(12)]
    bar = frames[6].rgb[35:85, :, 0].astype(int)
    assert np.abs(np.diff(bar, axis=0)).mean() < 0.5  # 6 where fields are shown as they are


# AVColorTransferCharacteristic and AVColorSpace
PQ, HLG, BT2020 = 16, 18, 9
GREYS = np.array([[0.1] * 3, [0.3] * 3, [0.5] * 3, [0.58] * 3, [0.75] * 3, [0.5, 0.4, 0.35], [0.35, 0.45, 0.4]])


@pytest.mark.parametrize(("hdr", "transfer"), [("pq", PQ), ("hlg", HLG)])
def test_high_range_is_shown_by_the_documented_curve(tmp_path: Path, hdr: Hdr, transfer: int) -> None:
    with av.open(str(tmp_path / "hdr.mp4"), "w") as container:
        stream = container.add_stream("libx265", rate=25, options={**QUIET_HEVC, "crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 32 * len(GREYS), 64, "yuv420p10le"
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = BT2020, 9, transfer, 1
        context.max_b_frames = 0  # of a single picture that waits for others libx265 does not always tell the time
        patches = np.repeat(np.repeat(GREYS[None], 64, 0), 32, 1)
        frame = av.VideoFrame.from_ndarray((patches * 65535).astype(np.uint16), "rgb48le")
        coded = frame.reformat(format="yuv420p10le", dst_colorspace=10, src_color_range=2, dst_color_range=1)
        coded.pts, coded.time_base = 0, Fraction(1, 25)
        coded.colorspace, coded.color_primaries, coded.color_trc, coded.color_range = BT2020, 9, transfer, 1
        container.mux(stream.encode(coded))
        container.mux(stream.encode(None))
    with VideoReader(tmp_path / "hdr.mp4") as reader:
        shown = next(iter(reader)).rgb[32, 16::32].astype(int)
    assert (reader.facts.hdr, reader.facts.bits) == (hdr, 10)
    assert np.abs(shown - to_srgb(GREYS, hdr) * 255).max() < 8


def test_reference_white_is_nearly_white_and_shadows_stay() -> None:
    # BT.2408: 203 cd/m² is 58 % of PQ, 75 % of HLG; 38 % of PQ is 26 cd/m², below the knee: (26 / 203) ** (1 / 2.4)
    assert to_srgb(np.array([0.58, 0.58, 0.58]), "pq")[0] == pytest.approx(0.9, abs=0.02)
    assert to_srgb(np.array([0.75, 0.75, 0.75]), "hlg")[0] == pytest.approx(0.9, abs=0.02)
    assert to_srgb(np.array([0.38, 0.38, 0.38]), "pq")[0] == pytest.approx(
        1.055 * (26 / 203) ** (1 / 2.4) - 0.055, abs=0.02
    )
    assert to_srgb(np.array([1.0, 1.0, 1.0]), "pq")[0] == pytest.approx(1.0)
    assert to_srgb(np.zeros(3), "hlg")[0] == 0


def test_the_first_moving_picture_is_taken_and_a_cover_is_none(tmp_path: Path) -> None:
    path = tmp_path / "several.mp4"
    with av.open(str(path), "w") as container:
        streams = []
        for size in (64, 96):
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = size, size, "yuv420p"
            streams.append(stream)
        for stream in streams:
            frame = av.VideoFrame.from_ndarray(np.zeros((stream.height, stream.width, 3), np.uint8), "rgb24")
            frame.pts = 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    facts = inspect(path)
    assert facts.width in (64, 96)
    assert [frame.rgb.shape[1] for frame in VideoReader(path)] == [facts.width]
