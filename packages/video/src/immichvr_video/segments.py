"""Writing a video in segments: each is final when it is sealed, is watched meanwhile, and survives who wrote it.

A segment is a fragment of an MP4 (ISO/IEC 14496-12, 8.8) by an encoder of its own, so that the same pictures give the
same bytes whoever wrote the ones before. `init.mp4` describes them all; after it, segments play in any order.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from immichvr_video.encoding import Encoder, Encoding, Pixels
from immichvr_video.sound import AudioSpan, Copy, Sound, SoundSource
from immichvr_video.writer import fitting, open_for_writing, partial_path

_FLAGS: Final = "+frag_custom+empty_moov+default_base_moof+frag_discont+cmaf"


class SegmentWriter:
    """Writes pictures into `<stem>-init.mp4` and `<stem>-00001.m4s`, … of a folder.

    audio: copied into the segments too; only what browsers play as it is (`plays_in_browsers`). Sound that is described
    nowhere before it begins is none in them (AAC of MPEG streams with channels of an unusual order).
    """

    def __init__(self, folder: Path, stem: str, encoding: Encoding, audio: AudioSpan | None = None) -> None:
        self._folder, self._stem, self._audio = folder, stem, audio
        self._encoding = encoding
        self._count = 0
        self._sound: SoundSource | None = None
        self._segment: _Segment | None = None

    @property
    def init(self) -> Path:
        """What goes before any segment; there once the first is sealed."""
        return self._folder / f"{self._stem}-init.mp4"

    def write(self, picture: Pixels, time: Fraction, duration: Fraction) -> None:
        """Add a picture, shown at `time` for `duration` (seconds); times rise."""
        if self._segment is None:
            if self._audio is not None and self._sound is None:
                self._sound = SoundSource(self._audio, since=time)
            self._segment = _Segment(self._encoding, self._count + 1, self._sound)
        self._segment.write(picture, time, duration)

    def seal(self) -> list[Path]:
        """End the segment: its file, after `init` where it is the first; nothing where nothing was written."""
        if self._segment is None:
            return []
        head, body = self._segment.finish()
        self._segment = None
        self._count += 1
        made = {self._folder / f"{self._stem}-{self._count:05}.m4s": body}
        if self._count == 1:
            made = {self.init: head, **made}
        try:
            for path, content in made.items():
                _store(path, content)
        except BaseException:
            for path in made:
                path.unlink(missing_ok=True)
            raise
        return list(made)

    def resume(self, segments: Sequence[Path]) -> None:
        """Go on after these segments, as if they had been written here."""
        self._count = len(segments)

    def abandon(self) -> None:
        """Forget what is not sealed, and close the source of the sound."""
        if self._segment is not None:
            self._segment.abandon()
            self._segment = None
        if self._sound is not None:
            self._sound.close()
            self._sound = None


class _Segment:
    def __init__(self, encoding: Encoding, number: int, sound: SoundSource | None) -> None:
        self._sink = io.BytesIO()
        options = {"movflags": _FLAGS, "fragment_index": str(number), "fflags": "+bitexact", "use_editlist": "0"}
        self._container = av.open(_Forward(self._sink), mode="w", format="mp4", container_options=options)
        self._encoder = Encoder(self._container, encoding)
        self._sound = sound
        self._copy = Copy(sound, self._container) if sound is not None and sound.is_described else None

    def write(self, picture: Pixels, time: Fraction, duration: Fraction) -> None:
        self._encoder.encode(picture, time, duration)
        if self._sound is not None and self._copy is not None:
            for packet in self._sound.until(time + duration):
                self._copy.write(packet)

    def finish(self) -> tuple[bytes, bytes]:
        """The head that all segments share, and this one's fragment."""
        self._encoder.flush()
        self._container.close()
        return _parted(self._sink.getvalue())

    def abandon(self) -> None:
        with suppress(av.error.FFmpegError, OSError, ValueError):  # it is thrown away
            self._container.close()


class _Forward:
    """A sink that cannot go back, as fragments need it."""

    def __init__(self, sink: io.BytesIO) -> None:
        self._sink = sink

    def write(self, data: bytes) -> int:
        return self._sink.write(data)


def join(
    init: Path,
    segments: Sequence[Path],
    path: Path,
    audio: AudioSpan | None = None,
    metadata: Mapping[str, str] | None = None,
    stream_metadata: Mapping[str, str] | None = None,
) -> None:
    """Make one video of segments, without encoding: as VideoWriter does in all else."""
    partial = partial_path(path)
    try:
        with (
            fitting(),
            av.open(_Chain([init, *segments]), mode="r", format="mp4") as source,
            open_for_writing(partial, metadata) as target,
        ):
            _copy(source, target, audio, stream_metadata or {})
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _copy(
    source: InputContainer, target: OutputContainer, audio: AudioSpan | None, stream_metadata: Mapping[str, str]
) -> None:
    pictures = source.streams.video[0]
    stream = target.add_stream_from_template(pictures, opaque=True)
    stream.metadata.update(stream_metadata)
    sound = Sound(audio, target) if audio is not None else None
    try:
        packet: Packet[VideoStream]
        for packet in source.demux(pictures):
            if packet.size == 0:
                continue
            until = ((packet.pts or 0) + (packet.duration or 0)) * packet.time_base
            packet.stream = stream
            target.mux(packet)
            if sound is not None:
                sound.copy_until(until)
        if sound is not None:
            sound.copy_until(None)
    finally:
        if sound is not None:
            sound.close()


class _Chain:
    """Files one after the other, read once."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = iter(paths)
        self._file: io.BufferedReader | None = None

    def read(self, size: int) -> bytes:
        while True:
            if self._file is None:
                path = next(self._paths, None)
                if path is None:
                    return b""
                self._file = path.open("rb")
            data = self._file.read(size)
            if data:
                return data
            self._file.close()
            self._file = None


def _parted(data: bytes) -> tuple[bytes, bytes]:
    """The boxes up to the first fragment, and the fragments with their data."""
    at = 0
    fragments: list[bytes] = []
    head = b""
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        box = data[at : at + size]
        if kind in (b"moof", b"mdat", b"styp"):
            fragments.append(box)
        elif kind in (b"ftyp", b"moov"):
            head += box
        at += size
    return head, b"".join(fragments)


def _store(path: Path, content: bytes) -> None:
    partial = partial_path(path)
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
