"""A video that is written in sealed parts and becomes one file in the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

from immichvr_video import AudioSpan, Encoding, SegmentWriter, join
from immichvr_video.encoding import Pixels

Encoded = Callable[[Encoding], Encoding]
"""Chooses who encodes, of an encoding."""


def as_asked(encoding: Encoding) -> Encoding:
    """The encoding as it is."""
    return encoding


class SealedVideo:
    """Pictures in, segments at each seal, the whole at the end, encoded once.

    path: of the whole; segments lie beside it. audio: its sound; goes into segments too, so that it has to be such as
    browsers play.
    """

    def __init__(
        self,
        path: Path,
        encoding: Encoding,
        audio: AudioSpan | None = None,
    ) -> None:
        self.path = path
        self._audio = audio
        self._writer = SegmentWriter(path.parent, path.stem, encoding, audio)
        self._segments: list[Path] = []

    def write(self, picture: Pixels, time: Fraction, duration: Fraction) -> None:
        """The next picture, shown at `time` for `duration`, in seconds."""
        self._writer.write(picture, time, duration)

    def seal(self) -> list[Path]:
        """The new segment, after what goes before all where it is the first; nothing where nothing was written."""
        files = self._writer.seal()
        self._segments += [path for path in files if path.suffix == ".m4s"]
        return files

    def resume(self, parts: Sequence[Path]) -> None:
        """Go on after these files, which `seal` gave."""
        self._segments = [path for path in parts if path.suffix == ".m4s"]
        self._writer.resume(self._segments)

    def finish(self) -> bool:
        """Write the whole; whether there is anything in it."""
        self.seal()
        if not self._segments:
            return False
        join(self._writer.init, self._segments, self.path, self._audio)
        self._forget()
        return True

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._writer.abandon()
        self._forget()
        self.path.unlink(missing_ok=True)

    def _forget(self) -> None:
        for path in [self._writer.init, *self._segments]:
            path.unlink(missing_ok=True)
        self._segments = []
