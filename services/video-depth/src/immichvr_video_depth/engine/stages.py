"""What is done to a video, stage by stage: frames that are left, windows through a network, depth that is final.

Each stage is an iterator over what the one before gives. Each begins where an earlier try was (Place), with the frames
of then that it still needs (`known`, by index), which are complete as soon as the first frame comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import TypeVar

import numpy as np

from immichvr_video_depth.engine.alignment import Shares, WindowAlignment
from immichvr_video_depth.engine.checkpoints import Arrays, Place
from immichvr_video_depth.engine.following import FollowingAlignment
from immichvr_video_depth.engine.frames import DepthFrame, Estimator, FloatImage, Moment, Picture, Prepared
from immichvr_video_depth.engine.merging import merged
from immichvr_video_depth.engine.pipeline import Room
from immichvr_video_depth.engine.ranges import SlowRange, percentiles
from immichvr_video_depth.engine.windows import STEP, WINDOW, Apart, Overlapping, Window

_AT_ONCE = 8
"""Frames given at once to a network that sees each of them alone."""

Shot = tuple[Moment, int]
"""A frame, and the number of the shot that it belongs to, from 0."""
_NOTHING: Prepared = np.empty(0)
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame as it waits for its depth. rgb: no larger than outputs need. size: of the video, (height, width)."""

    index: int
    time: Fraction
    duration: Fraction
    rgb: Picture
    size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Held:
    """What is held of a frame on its way into a network. seen: what that takes of it."""

    shown: Shown
    seen: Prepared


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network made of a window. fresh: the frames that are new with it. raw: a map for each input.

    place: where the work is after it, as far as the network matters; None where it cannot be taken up there.
    """

    shot: int
    fresh: tuple[Shown, ...]
    raw: Sequence[FloatImage]
    place: Place | None


@dataclass(frozen=True)
class ShotEnded:
    """No further window of the shot comes. place: where the work is."""

    place: Place


@dataclass(frozen=True, eq=False)
class Seam:
    """The end of a window or shot, where outputs seal. place, arrays: where and how the work goes on, if it can."""

    place: Place | None
    arrays: Arrays


def remaining(
    frames: Iterable[Shot],
    begin: Place,
    known: MutableMapping[int, Held],
    prepared: Callable[[Picture], Prepared],
    shown: Callable[[Picture], Picture],
    room: Room,
) -> Iterator[tuple[Held, int]]:
    """The frames that were not done in an earlier try; of the others, those still needed go into `known`.

    Nothing is held of a frame from here on but what the network takes and what outputs show, and of all frames
    together no more than there is room for.
    """

    def held(moment: Moment) -> Held:
        height, width = moment.rgb.shape[:2]
        picture = Shown(moment.index, moment.time, moment.duration, shown(moment.rgb), (height, width))
        one = Held(picture, prepared(moment.rgb))
        room.take([picture.rgb] if one.seen is picture.rgb else [picture.rgb, one.seen])
        return one

    needed = {*begin.keys, *begin.waiting}
    for moment, shot in frames:
        if moment.index >= begin.index:
            yield held(moment), shot
        elif moment.index in needed:
            known[moment.index] = held(moment)


class Inference:
    """Frames through a network, window by window. windows: how many there were in this try."""

    def __init__(self, estimator: Estimator, begin: Place, known: Mapping[int, Held]) -> None:
        self._estimator, self._begin, self._known = estimator, begin, known
        self._shot, self._index = begin.shot, begin.index
        self._alone = estimator.window != WINDOW
        self._group: list[Prepared] = []
        self._maps: list[FloatImage] = []
        self.windows = 0

    def __call__(self, frames: Iterable[tuple[Held, int]]) -> Iterator[Seen | ShotEnded]:
        """What the network makes of these."""
        frames = _begun(frames)
        cutter = self._cutter(self._begin) if self._begin.window else None
        for held, shot in frames:
            if cutter is None or shot != self._shot:
                yield from self._ended(cutter)
                cutter, self._shot = self._cutter(), shot
            self._index = held.shown.index + 1
            if (window := cutter.push(self._looked(held))) is not None:
                yield self._seen(window, len(window.fresh) == (STEP if window.number else WINDOW), cutter.keys)
            del held, window  # not held while the next is waited for
        yield from self._ended(cutter)

    def _cutter(self, begin: Place | None = None) -> Overlapping[Held] | Apart[Held]:
        if self._alone:
            return Apart(begin.window) if begin else Apart()
        return Overlapping(begin.window, [self._known[key] for key in begin.keys]) if begin else Overlapping()

    def _looked(self, held: Held) -> Held:
        """The frame, which is seen at once where each is seen alone."""
        if not self._alone:
            return held
        self._group.append(held.seen)
        if len(self._group) == _AT_ONCE:
            self._look()
        return replace(held, seen=_NOTHING)

    def _look(self) -> None:
        if self._group:
            self._maps.extend(self._estimator.infer(self._group))
            self._group = []

    def _ended(self, cutter: Overlapping[Held] | Apart[Held] | None) -> Iterator[Seen | ShotEnded]:
        if cutter is None:
            return
        for window in cutter.end():
            yield self._seen(window, False, ())
        yield ShotEnded(self._place(0, ()))

    def _seen(self, window: Window[Held], whole: bool, keys: tuple[Held, ...]) -> Seen:
        if self._alone:
            self._look()
            raw, self._maps = self._maps, []
        else:
            raw = list(self._estimator.infer([held.seen for held in window.inputs]))
        if len(raw) != len(window.inputs) or any(one.ndim != 2 for one in raw):
            raise ValueError(f"{self._estimator.key} gave {len(raw)} maps for {len(window.inputs)} frames")
        self.windows += 1
        place = self._place(window.number + 1, keys) if whole else None
        return Seen(self._shot, tuple(held.shown for held in window.fresh), raw, place)

    def _place(self, window: int, keys: tuple[Held, ...]) -> Place:
        return Place(
            index=self._index, shot=self._shot, window=window, keys=tuple(held.shown.index for held in keys),
            windows=self._begin.windows + self.windows,
        )  # fmt: skip


class Alignment:
    """Maps to depth over time: on one scale and in one range within each shot."""

    def __init__(self, estimator: Estimator, begin: Place, arrays: Arrays, known: MutableMapping[int, Held]) -> None:
        self._estimator, self._begin, self._known = estimator, begin, known
        self._arrays = arrays if begin.window else None
        self._aligner: WindowAlignment | FollowingAlignment | None = None
        self._range = SlowRange(self._arrays)
        self._waiting: deque[Shown] = deque()
        self._frames, self._shots = begin.frames, begin.shots

    def __call__(self, seen: Iterable[Seen | ShotEnded]) -> Iterator[DepthFrame | Seam]:
        """The frames whose depth is final, in order, and the seams between windows."""
        seen = _begun(seen)
        if self._begin.window:
            self._waiting.extend(self._known[index].shown for index in self._begin.waiting)
            self._aligner = self._new(self._waiting[0], self._arrays)
        for one in seen:
            self._known.clear()
            yield from self._window(one) if isinstance(one, Seen) else self._ended(one)
            del one  # not held while the next is waited for

    def _window(self, seen: Seen) -> Iterator[DepthFrame | Seam]:
        aligner = self._aligner = self._aligner or self._new(seen.fresh[0])
        self._waiting.extend(seen.fresh)
        yield from self._final(seen.shot, aligner.add(seen.raw), aligner.pending())
        if seen.place is None:
            yield Seam(None, {})
        else:
            waiting = tuple(moment.index for moment in self._waiting)
            yield self._seam(replace(seen.place, waiting=waiting), {**aligner.state(), **self._range.state()})

    def _ended(self, ended: ShotEnded) -> Iterator[DepthFrame | Seam]:
        if self._aligner is not None:
            yield from self._final(ended.place.shot, self._aligner.pending(), ())
        self._shots += 1
        self._aligner, self._range = None, SlowRange()
        yield self._seam(ended.place, {})

    def _new(self, frame: Shown, arrays: Arrays | None = None) -> WindowAlignment | FollowingAlignment:
        height, width = frame.size
        if self._estimator.window == WINDOW:
            return WindowAlignment(width, height, self._estimator.metric, arrays)
        return FollowingAlignment(self._estimator.metric, arrays)

    def _final(self, shot: int, final: list[Shares], ahead: Iterable[Shares]) -> Iterator[DepthFrame]:
        final = final[: len(self._waiting)]
        moments = [self._waiting.popleft() for _ in final]
        metric = self._estimator.metric
        drawn = [merged(shares) for shares in final]
        bounds = [percentiles(shares, metric) for shares in (*drawn, *ahead)]
        ranges = self._range.over([float(moment.time) for moment in moments], bounds)
        for moment, shares, one, (low, high) in zip(moments, final, drawn, ranges, strict=True):
            self._frames += 1
            yield DepthFrame(
                moment.index, moment.time, moment.duration, shot, moment.rgb, shares, low, high, metric, one
            )  # fmt: skip

    def _seam(self, place: Place, arrays: Arrays) -> Seam:
        return Seam(replace(place, frames=self._frames, shots=self._shots), arrays)


def _begun(given: Iterable[T]) -> Iterator[T]:
    """The same, the first of which is there; it is not held once it was given."""
    given = iter(given)
    first = deque(islice(given, 1))

    def flow() -> Iterator[T]:
        while first:
            yield first.popleft()
        yield from given

    return flow()
