"""What NVIDIA's decoder and encoders do of a video: what they do as software does, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from immichvr_video import Encoding, VideoReader
from immichvr_video.nvenc import tried


@dataclass
class Devices:
    """Chooses, and notes what was chosen and why not.

    reads, writes: whether the decoder and the encoders are tried. reasons: why software does it. writers: those that
    write (`Trial.writer`), which tell this work from the same by software: one does not go on with what the other has
    begun. encoders: ffmpeg's names of all that write.
    """

    reads: bool = False
    writes: bool = False
    reasons: list[str] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)
    encoders: list[str] = field(default_factory=list)

    def encoded(self, encoding: Encoding) -> Encoding:
        """The encoding by the device, where that writes what is asked for."""
        if self.writes:
            trial = tried(encoding)
            encoding = trial.encoding
            self.reasons += [trial.reason] if trial.reason else []
            self.writers += [trial.writer] if trial.writer else []
        self.encoders.append(encoding.encoder)
        return encoding

    def details(self, reader: VideoReader) -> dict[str, Any]:
        """What did it and why, after the last frame; nothing where no device was thought of."""
        if not self.reads:
            return {}
        reasons = [*self.reasons, *([reader.in_software] if reader.in_software else [])]
        decoder = "software" if reader.in_software else "nvdec"
        return {"hardware": {"decoder": decoder, "encoders": self.encoders, "reasons": reasons}}
