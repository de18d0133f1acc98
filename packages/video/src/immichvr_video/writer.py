"""Writing a video into one file, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.container import OutputContainer
from av.error import InvalidDataError

from immichvr_video.encoding import Encoder, Encoding, Pixels
from immichvr_video.errors import InvalidVideo
from immichvr_video.sound import AudioSpan, Sound


class VideoWriter:
    """Writes pictures into an MP4 or Matroska file, by its suffix; sound is copied beside them, bit for bit.

    The file appears under its name when `close` has ended; until then, and where it is abandoned, it does not exist. An
    MP4 begins with its index (faststart). Nothing in it depends on the time or the machine but what encoders do.

    path: `.mp4` or `.mkv`. metadata: of the file; stream_metadata: of the picture (Matroska reads `stereo_mode`).
    """

    def __init__(
        self,
        path: Path,
        encoding: Encoding,
        audio: AudioSpan | None = None,
        metadata: Mapping[str, str] | None = None,
        stream_metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.path = path
        self._partial = partial_path(path)
        self._container = open_for_writing(self._partial, metadata)
        try:
            self._encoder = Encoder(self._container, encoding)
            self._encoder.stream.metadata.update(stream_metadata or {})
            self._sound = Sound(audio, self._container) if audio is not None else None
        except BaseException:
            self._discard()
            raise
        self._open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()

    def write(self, picture: Pixels, time: Fraction, duration: Fraction) -> None:
        """Add a picture, shown at `time` for `duration` (seconds); times rise."""
        with fitting():
            self._encoder.encode(picture, time, duration)
            if self._sound is not None:
                self._sound.copy_until(time + duration)

    def close(self) -> None:
        """Finish the file, which appears under its name."""
        if not self._open:
            return
        try:
            if not self._encoder.pictures:
                raise ValueError("a video has a picture at least")
            with fitting():
                self._encoder.flush()
                if self._sound is not None:
                    self._sound.copy_until(None)
                    self._sound.close()
                self._container.close()
            self._partial.replace(self.path)
        except BaseException:
            self.abandon()
            raise
        self._open = False

    def abandon(self) -> None:
        """Leave nothing behind."""
        if self._open:
            self._open = False
            if self._sound is not None:
                self._sound.close()
            self._discard()

    def _discard(self) -> None:
        with suppress(av.error.FFmpegError, OSError, ValueError):  # it is thrown away
            self._container.close()
        self._partial.unlink(missing_ok=True)


@contextmanager
def fitting() -> Iterator[None]:
    """InvalidVideo where a container does not take what is copied into it: the pictures are ours."""
    try:
        yield
    except InvalidDataError as error:
        raise InvalidVideo("its sound is damaged so that it fits no other file; make a copy without it") from error


def partial_path(path: Path) -> Path:
    """Where a file is made before it gets its name: beside it, with its suffix."""
    return path.with_name(f".{path.stem}.partial{path.suffix}")


def open_for_writing(path: Path, metadata: Mapping[str, str] | None) -> OutputContainer:
    """A container by the file's suffix, with its index in front."""
    options = {"fflags": "+bitexact"}
    if path.suffix == ".mp4":
        options["movflags"] = "+faststart+write_colr+use_metadata_tags"
    container = av.open(f"file:{path.absolute()}", mode="w", format=_format(path), container_options=options)
    container.metadata.update(metadata or {})
    return container


def _format(path: Path) -> str:
    formats = {".mp4": "mp4", ".mkv": "matroska"}
    if path.suffix not in formats:
        raise ValueError(f"videos are written as .mp4 or .mkv, not as {path.suffix!r}")
    return formats[path.suffix]
