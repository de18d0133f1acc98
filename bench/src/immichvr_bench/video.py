"""What the engine of video depth adds to decoding, a network and encoding, and what memory it takes; no network counts.

python -m immichvr_bench.video [--long]

Makes clips, and lets processes of their own write from each the depth video and the side by side, in turns through the
engine and by a plain loop that does the same work without windows that overlap, alignment, ranges, shots and seams.
Prints a table and writes bench/results/video.json. --long: with a minute of 1080p, with ten minutes, and with the
twenty seconds whose memory the ten minutes are compared with.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from immichvr_video import Encoding, SegmentWriter, join
from rich.console import Console
from rich.progress import track
from rich.table import Table

_RESULTS = Path("bench/results/video.json")
_FPS = 24
_LOOP_S = 5
_MOST_RATIO, MOST_MB = 1.10, 200


@dataclass(frozen=True)
class Clip:
    """A clip to measure with, and how often."""

    width: int
    height: int
    seconds: int
    rounds: int = 1

    @property
    def name(self) -> str:
        return f"{self.height}p-{self.seconds}s"


SHORT = (Clip(854, 480, 10, 3), Clip(1920, 1080, 10), Clip(854, 480, 60))
LONG = (Clip(1920, 1080, 60), Clip(854, 480, 20), Clip(854, 480, 600))


@dataclass(frozen=True)
class Measure:
    """What one process took. peak_mb: of memory, all in all."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    frames: int


def make(clip: Clip, folder: Path) -> Path:
    """A clip that pans over a picture and jumps back every five seconds, which is a cut."""
    segments = SegmentWriter(folder, clip.name, Encoding(clip.width, clip.height))
    picture = _picture(clip.width + 4 * _LOOP_S * _FPS, clip.height)
    files: list[Path] = []
    for index in range(clip.seconds * _FPS):
        at = 4 * (index % (_LOOP_S * _FPS))
        segments.write(picture[:, at : at + clip.width], Fraction(index, _FPS), Fraction(1, _FPS))
        if (index + 1) % (_LOOP_S * _FPS) == 0:
            files += segments.seal()
    files += segments.seal()
    join(segments.init, [file for file in files if file != segments.init], folder / f"{clip.name}.mp4")
    return folder / f"{clip.name}.mp4"


def _picture(width: int, height: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Blobs of all sizes: what an encoder has some work with, but not too much."""
    random = np.random.default_rng(0)
    layers = [
        cv2.resize(random.random((max(2, height // size), max(2, width // size), 3), np.float32), (width, height))
        for size in (240, 60, 16)
    ]
    return np.ascontiguousarray(np.clip(255 * (layers[0] + layers[1] / 2 + layers[2] / 4) / 1.75, 0, 255), np.uint8)


def measured(way: str, path: Path) -> Measure:
    """One process that does the work in this way: one of `immichvr_bench.video_worker.WAYS`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "immichvr_bench.video_worker", way, str(path), folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Measure(**json.loads(done.stdout.splitlines()[-1]))


def row(clip: Clip, path: Path) -> dict[str, Any]:
    """One row of the results: medians of the rounds, in which both ways take turns."""
    rounds = [(measured("engine", path), measured("alone", path)) for _ in range(clip.rounds)]
    engine = [one for one, _ in rounds]
    return {
        "clip": clip.name,
        "seconds": clip.seconds,
        "resolution": f"{clip.width}x{clip.height}",
        "engine_overhead_ratio": round(median(one.wall_s / other.wall_s for one, other in rounds), 3),
        "cpu_ratio": round(median(one.cpu_s / other.cpu_s for one, other in rounds), 3),
        "peak_mb": round(max(one.peak_mb for one in engine)),
        "frames_per_s": round(median(one.frames / one.wall_s for one in engine), 1),
    }


def measure(clips: Sequence[Clip]) -> Iterator[dict[str, Any]]:
    """A row for each clip."""
    for clip in clips:
        with tempfile.TemporaryDirectory() as folder:
            yield row(clip, make(clip, Path(folder)))


def table_of(rows: Sequence[dict[str, Any]]) -> Table:
    """The rows as a table for people."""
    table = Table("clip", f"engine / alone (≤ {_MOST_RATIO})", "the same in CPU time", "peak MB", "frames/s")
    for one in rows:
        names = ("clip", "engine_overhead_ratio", "cpu_ratio", "peak_mb", "frames_per_s")
        table.add_row(*(str(one[name]) for name in names))
    return table


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="what takes long, too")
    options = parser.parse_args()
    clips = (*SHORT, *LONG) if options.long else SHORT
    rows = list(track(measure(clips), "measuring", total=len(clips), console=Console(stderr=True)))
    Console(width=120).print(table_of(rows))
    about = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "fps": _FPS,
        "most_ratio": _MOST_RATIO,
        "most_mb_over_20_s": MOST_MB,
        "rows": rows,
    }
    _RESULTS.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
