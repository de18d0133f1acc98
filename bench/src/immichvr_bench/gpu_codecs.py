"""Videos by NVIDIA's decoder and encoders, beside software on the same machine."""

from __future__ import annotations

import tempfile
from collections import deque
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from immichvr_video import Encoding, VideoReader, VideoWriter
from immichvr_video.encoding import Pixels
from immichvr_video.nvenc import tried
from immichvr_video.testing.clips import Clip, make_clip

from immichvr_bench.gpu_report import Bench

_ENCODERS = {"h264": ("libx264", {"preset": "fast"}), "hevc": ("libx265", {"x265-params": "log-level=none"})}
_FRAMES = 24
_RATE = Fraction(1, 30)


def measure(bench: Bench) -> None:
    """Reading into pictures, and writing what a depth video has of each: grey of ten bits, colour beside depth."""
    with tempfile.TemporaryDirectory() as folder:
        for codec in _ENCODERS:
            _reading(bench, codec, Path(folder))
        for encoding in _encodings(bench.small):
            _writing(bench, encoding, Path(folder))


def _encodings(small: bool) -> tuple[Encoding, ...]:
    if small:
        return Encoding(160, 96, "hevc", grey=True, quality=12), Encoding(336, 96)
    return Encoding(1280, 720, "hevc", grey=True, quality=12), Encoding(3856, 1080)


def _reading(bench: Bench, codec: str, folder: Path) -> None:
    width, height, frames = (160, 96, 6) if bench.small else (1920, 1080, 4 * _FRAMES)
    with bench.row("codecs", f"reading {width} x {height}, {codec}") as row:
        bench.in_time()
        encoder, options = _ENCODERS[codec]
        clip = Clip(frames, width, height, codec=encoder, options=options)
        path = make_clip(folder / f"{codec}.mp4", clip)

        def read(on_device: bool) -> float:
            with VideoReader(path, on_device=on_device) as reader:  # its trial of the device is not reading
                return bench.clocked(lambda: deque(reader, maxlen=0))

        row.ms["software, a frame"] = bench.repeated(partial(read, False)) / frames
        with VideoReader(path, on_device=True) as reader:
            reason = reader.in_software
        if reason:
            row.other["NVDEC"] = reason
        else:
            row.ms["NVDEC, a frame"] = bench.repeated(partial(read, True)) / frames


def _writing(bench: Bench, encoding: Encoding, folder: Path) -> None:
    what = f"{encoding.codec}, {'grey' if encoding.grey else 'colour'} of {encoding.bits} bits"
    with bench.row("codecs", f"writing {encoding.width} x {encoding.height}, {what}") as row:
        bench.in_time()
        path, pictures = folder / "written.mp4", _pictures(encoding, bench.small)
        row.ms["software, a frame"] = bench.timed(partial(_write, path, encoding, pictures)) / len(pictures)
        row.other["software, kB a frame"] = path.stat().st_size / 1e3 / len(pictures)
        trial = tried(encoding)
        if trial.reason:
            row.other["NVENC"] = trial.reason
            return
        row.ms["NVENC, a frame"] = bench.timed(partial(_write, path, trial.encoding, pictures)) / len(pictures)
        row.other["NVENC, kB a frame"] = path.stat().st_size / 1e3 / len(pictures)


def _write(path: Path, encoding: Encoding, pictures: list[Pixels]) -> None:
    with VideoWriter(path, encoding) as writer:
        for index, picture in enumerate(pictures):
            writer.write(picture, index * _RATE, _RATE)


def _pictures(encoding: Encoding, small: bool) -> list[Pixels]:
    """Gradients that drift."""
    y, x, c = np.ogrid[: encoding.height, : encoding.width, :3]
    made: list[Pixels] = []
    for t in range(6 if small else _FRAMES):
        drift = np.abs((4 * x + 3 * y + 7 * t + 85 * c) % 510 - 255)
        made.append((4 * drift[..., 0]).astype(np.uint16) if encoding.grey else drift.astype(np.uint8))
    return made
