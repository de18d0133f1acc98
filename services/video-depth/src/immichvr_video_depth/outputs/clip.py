"""What outputs have to know of the video beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from immichvr_video import AudioSpan, Gap, VideoReader


@dataclass(frozen=True)
class Clip:
    """The video, or the part of it, that depth is made of.

    width, height: upright. fps: on average. audio, audio_codec: its sound and ffmpeg's name for that, None without any.
    gaps: what could not be shown; grows while the video is read. projection, stereo: as in VideoFacts.
    """

    width: int
    height: int
    fps: Fraction
    audio: AudioSpan | None = None
    audio_codec: str | None = None
    gaps: Sequence[Gap] = ()
    projection: str | None = None
    stereo: str | None = None

    @classmethod
    def of(cls, reader: VideoReader) -> Self:
        """What this reader reads."""
        facts = reader.facts
        return cls(
            facts.width, facts.height, facts.fps, reader.audio, facts.audio,
            reader.gaps, facts.projection, facts.stereo,
        )  # fmt: skip


@dataclass(frozen=True)
class Maker:
    """What estimated the depth: its key and revision in the registry, and whether it does so in metres."""

    key: str
    revision: str
    metric: bool
