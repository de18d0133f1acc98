"""Sound that goes from one file into another as it is, packet by packet, beside the pictures that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Final, Protocol, TypeAlias, cast

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import ArgumentError, FFmpegError, InvalidDataError
from av.packet import Packet

from immichvr_video.adts import config_of, content_of
from immichvr_video.demuxing import best_stream, packets
from immichvr_video.limits import VideoLimits
from immichvr_video.opening import open_container

_IN_MP4 = frozenset({"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"})
_IN_BROWSERS = frozenset({"aac", "mp3", "opus", "flac"})
_DAMAGE: Final = (InvalidDataError, ArgumentError, ValueError)
"""What ffmpeg and PyAV say of packets that do not fit the others; what a disk says is none of these."""
_LONGEST_PACKET_S: Final = 10
_LONGEST_PAUSE_S: Final = 3 * 3600  # longer ones do not fit into 32 bits of an MP4's clock
_SYNC = {"ac3": b"\x0b\x77", "eac3": b"\x0b\x77"}
_COARSE: Final = Fraction(1, 1000)
_FINE: Final = Fraction(1, 90_000)
_AAC_RATES: Final = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_HEADS_TRIED: Final = 100
_AAC_BITS: Final = 96_000
"""A second, of each of two channels at most."""

SoundPacket: TypeAlias = "Packet[AudioStream]"


@dataclass(frozen=True, slots=True)
class AudioSpan:
    """The sound of a part of a video: start, end (None: to the last) in the file's own time, in seconds."""

    path: Path
    start: Fraction
    end: Fraction | None


def fits_mp4(codec: str | None) -> bool:
    """Whether sound of this codec is copied into an MP4; else it is made AAC there."""
    return codec in _IN_MP4


def plays_in_browsers(codec: str | None) -> bool:
    """Whether browsers play it as it is."""
    return codec in _IN_BROWSERS


class SoundSource:
    """The packets of a span, read once and in order; their times count from the span's start.

    since: leaves out what begins before, in seconds of the span.
    """

    def __init__(self, span: AudioSpan, since: Fraction | None = None) -> None:
        self._span, self._since = span, since
        self._container: InputContainer = open_container(span.path, VideoLimits())
        best = best_stream(self._container, "audio")
        if not isinstance(best, AudioStream):
            self._container.close()
            raise ValueError(f"{span.path.name} has no sound")
        self.stream = best
        self._packets = self._all()
        self._next: SoundPacket | None = None

    @property
    def is_framed(self) -> bool:
        """Whether each packet has a head that says what it is (ADTS), instead of one for all."""
        return self.stream.codec_context.codec.canonical_name == "aac" and not self.stream.codec_context.extradata

    @property
    def is_described(self) -> bool:
        """Whether it is known what the packets are before the first of them."""
        return not self.is_framed or self.config is not None

    @cached_property
    def config(self) -> bytes | None:
        """Of sound whose packets have heads, what the first one of the span says, wherever reading begins."""
        with closing(SoundSource(self._span)) as first:
            heads = (config_of(bytes(packet)) for packet in islice(first.until(None), _HEADS_TRIED))
            return next((config for config in heads if config is not None), None)

    def until(self, time: Fraction | None) -> Iterator[SoundPacket]:
        """Those not given yet that begin before `time`, in seconds; None for the rest."""
        if self._next is None:
            self._next = next(self._packets, None)
        while self._next is not None and (time is None or (self._next.pts or 0) * self._next.time_base < time):
            packet, self._next = self._next, next(self._packets, None)
            yield packet

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _all(self) -> Iterator[SoundPacket]:
        """In rising order; where the file's clock is set back, time goes on; what cannot be read is passed over."""
        span, since = self._span, self._since
        first = span.start + (since or 0)
        if first > 2:
            self._seek(first - 2)
        last: int | None = None
        back = 0
        for packet in packets(self._container, self.stream):
            if packet.pts is None:
                continue
            at = packet.pts - (span.start / packet.time_base).__floor__() + back
            if packet.duration is None or not 0 <= packet.duration * packet.time_base <= _LONGEST_PACKET_S:
                packet.duration = 0
            if (at - (last or 0)) * packet.time_base > _LONGEST_PAUSE_S:
                continue
            if last is not None and at <= last:
                if (last - at) * packet.time_base < 1:
                    continue
                back += last + (packet.duration or 1) - at
                at = last + (packet.duration or 1)
            last = at
            begins, ends = at * packet.time_base, (at + (packet.duration or 0)) * packet.time_base
            if span.end is not None and begins >= span.end - span.start:
                return
            if (since is not None and begins < since) or (span.end is not None and ends <= 0):
                continue
            packet.pts = packet.dts = at
            if packet.time_base > _COARSE:
                _refine(packet, span.start)
            yield packet

    def _seek(self, time: Fraction) -> None:
        try:
            self._container.seek(int(time / (self.stream.time_base or 1)), stream=self.stream)
        except FFmpegError:
            self._container.seek(0)


def _refine(packet: SoundPacket, start: Fraction) -> None:
    """Give a packet whose times are counted in whole packets (AVI) a finer clock, so that it starts when it should."""
    cut = start % packet.time_base
    factor = packet.time_base / _FINE
    packet.pts = packet.dts = round(((packet.pts or 0) * packet.time_base - cut) / _FINE)
    packet.duration = round((packet.duration or 0) * factor)
    packet.time_base = _FINE


def _with_content(packet: SoundPacket, content: bytes) -> SoundPacket:
    made = cast("SoundPacket", Packet(content))
    made.pts, made.dts, made.duration, made.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
    made.is_keyframe = packet.is_keyframe
    return made


class _Writer(Protocol):
    """Puts packets into a container."""

    def write(self, packet: SoundPacket) -> None: ...

    def finish(self) -> None: ...


class Sound:
    """Writes a span's sound into a container, as far as the pictures have come.

    Packets are copied bit for bit where the container takes their codec, and are made AAC where it does not.
    """

    def __init__(self, span: AudioSpan, target: OutputContainer) -> None:
        self._source = SoundSource(span)
        is_copied = is_taken(self._source.stream, target)
        self._writer: _Writer = Copy(self._source, target) if is_copied else _Recoded(self._source.stream, target)

    def copy_until(self, time: Fraction | None) -> None:
        """Write what begins before `time`, in seconds of the span; None for the rest."""
        for packet in self._source.until(time):
            self._writer.write(packet)
        if time is None:
            self._writer.finish()

    def close(self) -> None:
        """Close the source."""
        self._source.close()


def is_taken(stream: AudioStream, target: OutputContainer) -> bool:
    """Whether packets of this stream are copied into this container."""
    codec = stream.codec_context.codec.canonical_name
    return codec in _IN_MP4 if target.format.name == "mp4" else codec in target.supported_codecs


class Copy:
    """Copies packets into a container; AAC without the heads that MPEG streams give each packet."""

    def __init__(self, source: SoundSource, target: OutputContainer) -> None:
        self._target = target
        self._stream = target.add_stream_from_template(source.stream)
        self._codec = source.stream.codec_context.codec.canonical_name
        self._is_framed = source.is_framed
        if source.is_framed and source.config is not None:
            self._stream.codec_context.extradata = source.config

    def write(self, packet: SoundPacket) -> None:
        """Write one; its times count from the pictures' zero. What is no packet of its codec is left out."""
        if not bytes(packet)[:2].startswith(_SYNC.get(self._codec, b"")):
            return
        if self._is_framed:
            content = content_of(bytes(packet))
            if content is None:
                return
            if self._stream.codec_context.extradata:
                packet = _with_content(packet, content)
        packet.stream = self._stream
        with suppress(*_DAMAGE):
            self._target.mux(packet)

    def finish(self) -> None:
        """Nothing is held back."""


class _Recoded:
    """Decodes packets and makes them AAC, in mono or stereo."""

    def __init__(self, source: AudioStream, target: OutputContainer) -> None:
        self._source, self._target = source, target
        rate = min((rate for rate in _AAC_RATES if rate >= source.rate), default=_AAC_RATES[-1])
        layout = "mono" if source.channels == 1 else "stereo"
        self._stream = target.add_stream("aac", rate, layout=layout)
        self._stream.codec_context.bit_rate = _AAC_BITS * self._stream.channels
        self._resampler = AudioResampler(format="fltp", layout=layout, rate=rate)

    def write(self, packet: SoundPacket) -> None:
        with suppress(*_DAMAGE):
            for frame in self._source.codec_context.decode(packet):
                self._encode(frame)

    def finish(self) -> None:
        with suppress(*_DAMAGE):
            self._encode(None)
        self._mux(None)

    def _encode(self, frame: AudioFrame | None) -> None:
        for made in self._resampler.resample(frame):
            self._mux(made)

    def _mux(self, frame: AudioFrame | None) -> None:
        with suppress(*_DAMAGE):
            self._target.mux(self._stream.encode(frame))
