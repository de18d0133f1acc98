"""Videos, a model and an output that cost nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from immichvr_common.tasks import MadeFile

from immichvr_video_depth.engine import WINDOW, DepthFrame, SeesPictures

WIDTH, HEIGHT = 24, 16


@dataclass(frozen=True, eq=False)
class Still:
    """A frame of a made-up video."""

    index: int
    time: Fraction
    duration: Fraction
    rgb: npt.NDArray[np.uint8]


def video(*shots: int) -> Iterator[tuple[Still, int]]:
    """A video at 25 frames a second with shots of so many frames, no two frames alike."""
    index = 0
    for number, count in enumerate(shots):
        for _ in range(count):
            rgb = np.random.default_rng(index).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
            yield Still(index, Fraction(index, 25), Fraction(1, 25), rgb), number
            index += 1


@dataclass
class CostFree(SeesPictures):
    """Takes a picture's brightness for its disparity, in units that each call chooses anew, as networks do."""

    window: int = WINDOW
    slow: bool = False
    metric: bool = False
    key: str = "cost-free"
    revision: str = "1"
    reason: str = ""
    calls: int = 0

    def infer(self, frames: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
        self.calls += 1
        maps = np.stack([frame[::2, ::2].mean(axis=2, dtype=np.float32) / 50 for frame in frames])
        chosen = float(maps.sum()) % 1
        return maps if self.metric else (maps * (1 + chosen) + chosen / 2).astype(np.float32)


@dataclass
class Journal:
    """Writes what it is given, bit for bit, each part into a file of its own."""

    folder: Path
    parts: list[Path] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    frames: list[DepthFrame] = field(default_factory=list)
    abandoned: bool = False

    def write(self, frame: DepthFrame) -> None:
        self.frames.append(frame)
        about = [frame.index, str(frame.time), frame.shot, frame.low, frame.high, frame.scale, frame.shift]
        self.lines.append(json.dumps(about).encode() + frame.at(WIDTH, HEIGHT).tobytes().hex().encode() + b"\n")

    def seal(self) -> list[Path]:
        if not self.lines:
            return []
        part = self.folder / f"journal-{len(self.parts) + 1:05}.txt"
        part.write_bytes(b"".join(self.lines))
        self.parts.append(part)
        self.lines = []
        return [part]

    def resume(self, parts: Sequence[Path]) -> None:
        self.parts = list(parts)

    def finish(self) -> list[MadeFile]:
        self.seal()
        whole = self.folder / "journal.txt"
        whole.write_bytes(b"".join(part.read_bytes() for part in self.parts))
        return [MadeFile(whole.name, "journal", "txt", "text/plain")]

    def contents(self) -> list[bytes]:
        """What each part holds."""
        return [part.read_bytes() for part in self.parts]

    def abandon(self) -> None:
        self.abandoned = True
