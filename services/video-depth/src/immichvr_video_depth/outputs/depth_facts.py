"""`depth.json`: what puts the luma of `depth.mp4` back into the model's units, frame by frame."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from immichvr_common.tasks import MadeFile
from immichvr_video import Codec
from pydantic import BaseModel, ConfigDict, Field

from immichvr_video_depth.engine.frames import DepthFrame
from immichvr_video_depth.outputs.clip import Clip, Maker

VERSION = 1
_MEANING = (
    "disparity = low + luma / top * (high - low); larger is nearer; 1/metres where metric, else up to scale and shift"
)


class FrameFacts(BaseModel):
    """One frame: when it is shown, its shot, the range of its disparity, what the network's values were fitted by."""

    model_config = ConfigDict(allow_inf_nan=False)

    time_ms: float = Field(ge=0)
    shot: int = Field(ge=0)
    low: float
    high: float
    scale: float = 1.0
    shift: float = 0.0


class GapFacts(BaseModel):
    """A part of the video that could not be shown."""

    from_s: float
    to_s: float
    reason: str


class DepthFacts(BaseModel):
    """The file. network: width and height of the maps that the network gave. top: the luma of `high`."""

    model_config = ConfigDict(allow_inf_nan=False)

    version: int = VERSION
    meaning: str = _MEANING
    model: str
    revision: str = ""
    metric: bool = False
    fps: float = Field(gt=0)
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    network: tuple[int, int]
    top: int = Field(gt=0, le=65535)
    gaps: list[GapFacts] = []
    frames: list[FrameFacts]


@dataclass(frozen=True)
class _Fixed:
    maker: Maker
    clip: Clip
    top: int


class DepthFactsFile:
    """Collects the facts of each frame, and writes the file."""

    def __init__(self, folder: Path, clip: Clip, maker: Maker, codec: Codec = "hevc") -> None:
        self._folder = folder
        self._fixed = _Fixed(maker, clip, 255 if codec == "h264" else 1023)
        self._frames: list[dict[str, Any]] = []
        self._new: list[dict[str, Any]] = []
        self._network = (0, 0)
        self._parts: list[Path] = []

    def write(self, frame: DepthFrame) -> None:
        """The next frame."""
        facts = FrameFacts(
            time_ms=round(float(frame.time * 1000), 3),
            shot=frame.shot,
            low=float(frame.low),
            high=float(frame.high),
            scale=float(frame.scale),
            shift=float(frame.shift),
        )
        height, width = frame.shares[0].raw.shape
        self._network = (width, height)
        self._new.append(facts.model_dump())

    def seal(self) -> list[Path]:
        """The frames since the last seal."""
        if not self._new:
            return []
        path = self._folder / f"frames-{len(self._parts) + 1:05}.json"
        path.write_text(json.dumps({"network": self._network, "frames": self._new}, separators=(",", ":")))
        self._parts.append(path)
        self._frames += self._new
        self._new = []
        return [path]

    def resume(self, parts: Sequence[Path]) -> None:
        """Go on after these."""
        self._parts = list(parts)
        for path in parts:
            told = json.loads(path.read_text())
            self._network = tuple(told["network"])
            self._frames += told["frames"]

    def finish(self) -> list[MadeFile]:
        """The whole."""
        self.seal()
        maker, clip, top = self._fixed.maker, self._fixed.clip, self._fixed.top
        facts = DepthFacts(
            model=maker.key,
            revision=maker.revision,
            metric=maker.metric,
            fps=round(float(clip.fps), 6),
            width=clip.width,
            height=clip.height,
            network=self._network,
            top=top,
            gaps=[GapFacts(from_s=gap.start_s, to_s=gap.end_s, reason=gap.reason) for gap in clip.gaps],
            frames=[FrameFacts.model_construct(**frame) for frame in self._frames],
        )
        (self._folder / "depth.json").write_text(facts.model_dump_json())
        self._forget()
        return [MadeFile("depth.json", "frames", "json", "application/json")]

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._forget()
        (self._folder / "depth.json").unlink(missing_ok=True)

    def details(self) -> dict[str, Any]:
        """What could not be shown."""
        gaps = [{"from_s": gap.start_s, "to_s": gap.end_s, "reason": gap.reason} for gap in self._fixed.clip.gaps]
        return {"gaps": gaps} if gaps else {}

    def _forget(self) -> None:
        for path in self._parts:
            path.unlink(missing_ok=True)
        self._parts = []
