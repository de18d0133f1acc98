"""Fuzzing of everything that reads videos, with libFuzzer through atheris.

python tests/fuzz/fuzz_videos.py FOLDER [-max_total_time=600] [other options of libFuzzer]

FOLDER gets a corpus of small clips of many containers and codecs, and grows by what reaches new code of ours; ffmpeg's
is compiled without coverage. What can be read is written again with its sound, as jobs do.
"""

import itertools
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["immichvr_video"]):
    from immichvr_video import Encoding, VideoError, VideoLimits, VideoReader, VideoWriter, shots
    from immichvr_video.testing.clips import Clip, make_clip

import av
import numpy as np

LIMITS = VideoLimits(max_bytes=1 << 18, max_pixels=1_000_000, max_frames=50, threads=1)
SECONDS_PER_INPUT = 20
KINDS = {
    "h264.mp4": ("libx264", "yuv420p", "aac"), "h264.ts": ("libx264", "yuv420p", "aac"),
    "h264.mkv": ("libx264", "yuv420p", "libopus"), "h264.avi": ("libx264", "yuv420p", "libmp3lame"),
    "h264.flv": ("libx264", "yuv420p", "aac"), "vp8.webm": ("libvpx", "yuv420p", "libopus"),
    "mpeg2.mpg": ("mpeg2video", "yuv420p", "mp2"), "mpeg4.3gp": ("mpeg4", "yuv420p", None),
    "mjpeg.mov": ("mjpeg", "yuvj420p", "pcm_s16le"), "prores.mov": ("prores_ks", "yuv422p10le", None),
    "ffv1.mkv": ("ffv1", "gray10le", None), "raw.avi": ("rawvideo", "bgr24", None),
    "wmv.wmv": ("wmv2", "yuv420p", None),
}  # fmt: skip


def read_or_refuse(data: bytes) -> None:
    """Whatever bytes come, the answer is frames of one size at rising times, or a VideoError with words."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source"), Path(folder, "target.mp4")
        source.write_bytes(data)
        try:
            with VideoReader(source, LIMITS) as reader:
                _rewrite(reader, target)
        except VideoError as error:
            if not str(error):
                raise AssertionError("an error without a message") from error
        if [path.name for path in Path(folder).iterdir()] not in (
            ["source"],
            ["source", "target.mp4"],
            ["target.mp4", "source"],
        ):
            raise AssertionError("a file was left behind")


def _rewrite(reader: VideoReader, target: Path) -> None:
    facts = reader.facts
    frames = [frame for frame, _ in shots(reader)]
    if any(frame.rgb.shape != (facts.height, facts.width, 3) or frame.rgb.dtype != np.uint8 for frame in frames):
        raise AssertionError(f"frames that are not {facts.width} x {facts.height}")
    if any(later.time <= earlier.time for earlier, later in itertools.pairwise(frames)):
        raise AssertionError("time goes back")
    if frames and facts.width * facts.height < 100_000:
        with VideoWriter(target, Encoding(facts.width, facts.height), audio=reader.audio) as writer:
            for frame in frames[:3]:
                writer.write(frame.rgb, frame.time, frame.duration)


def make_corpus(folder: Path) -> None:
    """A clip of each kind, and some without an end."""
    for name, (codec, pixels, sound) in KINDS.items():
        clip = Clip(frames=4, width=64, height=48, fps=25, codec=codec, pixel_format=pixels, sound=sound)
        data = make_clip(folder / name, clip).read_bytes()
        (folder / f"{name}-cut").write_bytes(data[: len(data) * 2 // 3])


def main() -> None:
    """Make the corpus and fuzz until something breaks or time is up."""
    av.logging.set_level(None)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    make_corpus(folder)
    limits = [f"-timeout={SECONDS_PER_INPUT}", "-rss_limit_mb=1500", "-max_len=65536"]
    atheris.Setup([*sys.argv, *limits], read_or_refuse)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
