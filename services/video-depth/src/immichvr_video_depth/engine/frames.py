"""What goes through the engine: a network's maps in, frames with their depth out, and who takes and gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from immichvr_common.tasks import MadeFile

from immichvr_video_depth.engine.resizing import resized

FloatImage = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]

NEAREST_M = 1e-2
"""What a metric model calls nearer than this is as near as this: there is no disparity of nothing."""


Prepared = npt.NDArray[Any]
"""A frame as a network takes it; its shape and type are the network's own."""


class Moment(Protocol):
    """A decoded frame. index: from 0. time, duration: seconds, from the start. rgb: (h, w, 3) uint8, upright sRGB."""

    @property
    def index(self) -> int: ...
    @property
    def time(self) -> Fraction: ...
    @property
    def duration(self) -> Fraction: ...
    @property
    def rgb(self) -> Picture: ...


@dataclass(frozen=True, eq=False)
class Share:
    """One of the maps that the depth of a frame is made of: weight × max(scale × raw + shift, 0).

    raw: (h', w') float32, as the network gave it. clamped: whether what is below 0 becomes 0.
    """

    raw: FloatImage
    scale: float = 1.0
    shift: float = 0.0
    weight: float = 1.0
    clamped: bool = True

    def at(self, width: int, height: int) -> FloatImage:
        """This share at a size: (height, width) float32. Resized first, as the clamp is not linear."""
        values = resized(self.raw, width, height) * np.float32(self.scale)
        values += np.float32(self.shift)
        if self.clamped:
            np.maximum(values, 0, out=values)
        if self.weight != 1:
            values *= np.float32(self.weight)
        return values


@dataclass(frozen=True, eq=False)
class DepthFrame:
    """A frame of the video and its depth, as outputs get it.

    index, time, duration: of the Moment. rgb: its picture, no larger than outputs need. shot: from 0;
    nothing is comparable across shots. shares: one map, or the two of neighbouring windows. low, high: the range of
    this frame, in units of its disparity; low < high. metric: whether the shares are metres, so that the disparity is
    in 1/metres. merged: shares that make the same in less time; empty where nobody made some.
    """

    index: int
    time: Fraction
    duration: Fraction
    shot: int
    rgb: Picture
    shares: tuple[Share, ...]
    low: float
    high: float
    metric: bool = False
    merged: tuple[Share, ...] = ()

    @cached_property
    def disparity(self) -> FloatImage:
        """(h', w') float32 at the network's resolution, larger is nearer."""
        height, width = self.shares[0].raw.shape
        return self.at(width, height)

    def at(self, width: int, height: int) -> FloatImage:
        """The disparity at a size: (height, width) float32."""
        return disparity_of(self.drawn, self.metric, width, height)

    @property
    def drawn(self) -> tuple[Share, ...]:
        """What the disparity is made of."""
        return self.merged or self.shares

    def values(self, width: int, height: int) -> FloatImage:
        """Where between low (0) and high (1) the disparity lies, clipped: (height, width) float32."""
        values = self.at(width, height)
        values -= np.float32(self.low)
        values /= np.float32(self.high - self.low)
        return np.clip(values, 0, 1, out=values)

    @property
    def scale(self) -> float:
        """What the network's values were multiplied by; of the share that weighs most."""
        return self._main.scale

    @property
    def shift(self) -> float:
        """What was added to the network's values after that; of the share that weighs most."""
        return self._main.shift

    @property
    def _main(self) -> Share:
        return max(self.shares, key=lambda share: share.weight)


def composed(shares: Sequence[Share], width: int, height: int) -> FloatImage:
    """The sum of shares at a size, in the network's units: (height, width) float32."""
    whole = shares[0].at(width, height)
    for share in shares[1:]:
        whole += share.at(width, height)
    return whole


def disparity_of(shares: Sequence[Share], metric: bool, width: int, height: int) -> FloatImage:
    """The disparity that shares make at a size: (height, width) float32, larger is nearer."""
    whole = composed(shares, width, height)
    if metric:
        np.maximum(whole, NEAREST_M, out=whole)
        np.reciprocal(whole, out=whole)
    return whole


class Estimator(Protocol):
    """A model of depth for videos.

    key, revision: of the registry. metric: it gives metres, else disparity up to scale and shift. window: how many
    frames it sees at once, WINDOW or 1. reason: why it runs where another was preferred, or empty. slow: a window takes
    it many seconds.
    """

    @property
    def key(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def metric(self) -> bool: ...
    @property
    def window(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def slow(self) -> bool: ...

    def prepared(self, rgb: Picture) -> Prepared:
        """What `infer` takes of a picture (h, w, 3) uint8. Of a window of frames this is held, and not the picture, so
        it should not grow with that."""

    def infer(self, frames: Sequence[Prepared]) -> FloatImage:
        """(T, h', w') float32 from T prepared pictures of one size: `window` of them, or any number if that is 1, whose
        maps may then be of another size than an earlier call's. Raw: neither aligned nor resized to the pictures'
        size."""


class SeesPictures:
    """An estimator, or a part of one, that takes pictures as they are."""

    @property
    def slow(self) -> bool:
        """False."""
        return False

    def prepared(self, rgb: Picture) -> Picture:
        """The picture."""
        return rgb


class Output(Protocol):
    """One file or several of an asset, written in one pass.

    It works in parts, so that work that was broken off goes on where it was: what lies in sealed parts is not made
    again. The same frames sealed at the same places give the same bytes, broken off in between or not.
    """

    def write(self, frame: DepthFrame) -> None:
        """The next frame."""

    def seal(self) -> list[Path]:
        """Everything written so far lies in files from now on; those that are new, whose names are this output's own.

        Called at the ends of windows and shots (Seals).
        """

    def resume(self, parts: Sequence[Path]) -> None:
        """Goes on after these: all that `seal` returned in an earlier try, in order, lying where it is to lie."""

    def finish(self) -> list[MadeFile]:
        """The files, complete."""

    def abandon(self) -> None:
        """Nothing is wanted any more: temporary files go. May be called at any time, more than once."""
