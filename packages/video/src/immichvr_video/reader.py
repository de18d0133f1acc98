"""Reading a video frame by frame: in order, once, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from immichvr_video.colour import Shown, luma_of
from immichvr_video.decoding import Decoder, Picture, is_by_order
from immichvr_video.errors import DeviceGaveUp, OutsideOfVideo, VideoTooLong
from immichvr_video.facts import Span, VideoFacts, check_length, inspect
from immichvr_video.fields import progressive
from immichvr_video.limits import VideoLimits
from immichvr_video.nvdec import why_not_on_device
from immichvr_video.opening import open_video
from immichvr_video.sound import AudioSpan
from immichvr_video.timeline import MOMENT_S, Pace, Timeline

_NOT_ASKED: Final = "it was not asked for"
_EARLIER_S: Final = Fraction(1, 2)
"""What is looked for lies so much before what is read, so that filters have seen the frames before it."""
_FARTHER: Final = 4
_MISSING_S: Final = 1.0
"""A video that ends so much before the length it tells is cut off."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. index: from the span's first; rgb: (h, w, 3) sRGB, upright.

    time, duration: seconds from the span's start, and until the next frame.
    """

    index: int
    time: Fraction
    duration: Fraction
    rgb: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LumaFrame:
    """One frame's luma as it is coded: (h, w), of as many bits as the facts tell; the others as in Frame."""

    index: int
    time: Fraction
    duration: Fraction
    luma: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of a video that could not be shown, in seconds from the span's start.

    reason: `damaged`, what is there cannot be decoded; `missing`, nothing is there though frames come regularly
    otherwise (what readers of Matroska and MPEG pass over); `truncated`, the file ends before the length it tells.
    """

    start_s: float
    end_s: float
    reason: str


class _Reader:
    """What reading in colour and in grey share: places, times, damage, limits."""

    def __init__(
        self,
        path: Path,
        limits: VideoLimits | None = None,
        span: Span | None = None,
        *,
        on_device: bool = False,
    ) -> None:
        self.path = path
        self.limits = limits or VideoLimits()
        self.facts: VideoFacts = inspect(path, self.limits)
        self.span = _checked(span, self.facts)
        check_length(self.facts, self.limits, self.span)
        self.in_software = why_not_on_device(path, self.facts, self.limits) if on_device else _NOT_ASKED
        self.gaps: list[Gap] = []
        self.jumps = 0
        self._shown_until = Fraction(0)
        self._container: InputContainer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; iterating ends."""
        if self._container is not None:
            self._container.close()
            self._container = None

    @property
    def audio(self) -> AudioSpan | None:
        """The sound of what is read; None without any."""
        if self.facts.audio is None:
            return None
        asked = self._asked_end
        start = self.facts.start
        return AudioSpan(self.path, start + self._start, None if asked is None else start + asked)

    @property
    def _start(self) -> Fraction:
        return Fraction(0) if self.span is None else Fraction(self.span[0]).limit_denominator(1_000_000)

    @property
    def _asked_end(self) -> Fraction | None:
        end = None if self.span is None else self.span[1]
        return None if end is None else Fraction(end).limit_denominator(1_000_000)

    @property
    def _longest(self) -> Fraction:
        """Where the limit ends reading."""
        return self._start + Fraction(self.limits.max_seconds)

    @property
    def _end(self) -> Fraction:
        return min(self._longest, self._asked_end or self._longest)

    def _frames(self) -> Iterator[tuple[int, Fraction, Fraction, VideoFrame]]:
        """Frames of the span, whole and in order: index, time, duration."""
        before: tuple[Fraction, VideoFrame] | None = None
        index = 0
        for frame, time in progressive(self._in_span()):
            if before is not None:
                yield index, before[0], time - before[0], before[1]
                index += 1
            if index >= self.limits.max_frames:
                raise VideoTooLong(
                    f"the video has more frames than the {self.limits.max_frames} that are taken (max_frames)"
                )
            before = time, frame
        if before is not None:
            told = min(self._shown_until, self._end - self._start) - before[0]
            yield index, before[0], told if told > 0 else 1 / self.facts.fps, before[1]

    def _in_span(self) -> Iterator[tuple[VideoFrame, Fraction]]:
        """Those shown within the span; the one shown when it starts is at zero."""
        step, last, pace = 1 / self.facts.fps, Fraction(0), Pace(1 / self.facts.fps)
        before: VideoFrame | None = None
        is_first = True
        for frame, time, after_damage in self._placed():
            if self._start > 0 and time < self._start:
                before, last = frame, Fraction(0)
                continue
            if time >= self._end:
                if self._asked_end is None or self._asked_end > self._longest:
                    raise VideoTooLong(
                        f"the video runs longer than the {self.limits.max_seconds:g} s that are taken (max_seconds)"
                    )
                if before is not None and not after_damage:
                    yield before, Fraction(0)
                break
            here = time - self._start
            if here < MOMENT_S:
                here = Fraction(0)
            if before is not None and here > 0 and not after_damage:
                yield before, Fraction(0)
                is_first = False
            is_hole = pace.misses(here - last) or (is_first and here > step)
            before, is_first = None, False
            if here > last and (after_damage or is_hole):
                self.gaps.append(Gap(float(last), float(here), "damaged" if after_damage else "missing"))
            last = here + step
            yield frame, here
        else:
            if before is not None:
                yield before, Fraction(0)
                last = step
            self._note_missing(float(max(last, self._shown_until)))

    def _note_missing(self, last: float) -> None:
        told = self.facts.duration_s
        if told is not None:
            end = min(told, float(self._end)) - float(self._start)
            if end - last > _MISSING_S:
                self.gaps.append(Gap(last, end, "truncated"))

    def _placed(self) -> Iterator[tuple[VideoFrame, Fraction, bool]]:
        """Frames with their times from the video's start, from a little before what is looked for."""
        timeline = Timeline(self.facts.start, 1 / self.facts.fps, Fraction(self.limits.max_seconds))
        lost = False
        for picture in self._pictures():
            time = timeline.place(picture.time)
            lost = lost or picture.after_damage
            self.jumps = timeline.jumps
            if time is not None:
                self._shown_until = time + (picture.duration or 1 / self.facts.fps) - self._start
                yield picture.frame, time, lost
                lost = False

    def _pictures(self) -> Iterator[Picture]:
        """From one at or before the start of the span on; where a device gives up, software goes on after its last."""
        given = 0
        if not self.in_software:
            try:
                for picture in self._pictures_by(on_device=True):
                    yield picture
                    given += 1
                return
            except DeviceGaveUp as reason:
                self.in_software = f"from a moment on, since {reason}"
        yield from islice(self._pictures_by(on_device=False), given, None)

    def _pictures_by(self, *, on_device: bool) -> Iterator[Picture]:
        """From one at or before the start of the span on.

        Where a file has no index, seeking leads to a moment, not to a key frame, and the next key frame may come too
        late: it is looked for farther and farther back, at last from the beginning.
        """
        back = _EARLIER_S
        while back < self._start:
            container, stream = self._opened(on_device)
            if not _sought(container, stream, self.facts.start + self._start - back):
                break
            pictures = Decoder(container, stream, self.limits, on_device).pictures()
            first = next(pictures, None)
            if first is not None and first.time is not None and first.time - self.facts.start <= self._start:
                yield first
                yield from pictures
                return
            back *= _FARTHER
        yield from Decoder(*self._opened(on_device), self.limits, on_device).pictures()

    def _opened(self, on_device: bool) -> tuple[InputContainer, VideoStream]:
        self.close()
        self._container, stream = open_video(self.path, self.limits, on_device)
        return self._container, stream


class VideoReader(_Reader):
    """Frames of a video as they are shown.

    facts; gaps: what could not be shown so far; jumps: how often time went back. on_device: whether NVIDIA's decoder is
    tried, which reads a video where it gives the very pictures that software gives; in_software: why it does not, empty
    while it does. span: the part that is read, in seconds from the video's start, to the video's end where its own is
    None; the frame that is shown when it starts is its first, at 0.

    Raises VideoError, here and while iterating. Iterate once.
    """

    def __iter__(self) -> Iterator[Frame]:
        shown = Shown(self.facts)
        for index, time, duration, frame in self._frames():
            yield Frame(index, time, duration, shown.rgb(frame))


class LumaReader(_Reader):
    """The luma of a video, as depth is stored: not scaled, not turned, every value as it was written.

    Else as VideoReader.
    """

    def __iter__(self) -> Iterator[LumaFrame]:
        for index, time, duration, frame in self._frames():
            yield LumaFrame(index, time, duration, luma_of(frame))


def _sought(container: InputContainer, stream: VideoStream, time: Fraction) -> bool:
    """Go to the key frame at or before a time; whether that was possible."""
    if is_by_order(container):
        return False
    try:
        container.seek(int(time / (stream.time_base or Fraction(1, 1000))), stream=stream)
    except FFmpegError:
        return False
    return True


def _checked(span: Span | None, facts: VideoFacts) -> Span | None:
    if span is None:
        return None
    start, end = span
    if not 0 <= start < (inf if end is None else end):
        raise OutsideOfVideo(f"a part of a video starts at 0 s or later and ends after that, not {start:g} to {end}")
    if facts.duration_s is not None and start >= facts.duration_s:
        raise OutsideOfVideo(f"the video ends at {facts.duration_s:g} s; the part begins at {start:g} s")
    return span
