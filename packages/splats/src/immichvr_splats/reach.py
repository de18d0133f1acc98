"""How far the values of a cloud reach, but for the few that stray.

Formats that store numbers as steps of a range take the range from here and not from the least and the greatest of all:
one Gaussian a hundred kilometres off, or a hundred times as bright as the others, would cost all of them their
precision. The reach is what the middle 96 % span, and a margin around it as wide as several times that: whatever lies
within is kept, so that clouds without strays are stored as ever. What lies beyond is clamped, and counted.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.cloud import GaussianCloud
from immichvr_splats.compiled import F32, F64, I64, kernel
from immichvr_splats.losses import Loss, number
from immichvr_splats.stream import Places, Rows, SoundStream
from immichvr_splats.threads import in_order

MOST_SAMPLES = 4096
"""Gaussians that the reach is told by, evenly from the whole cloud."""

_TAIL = 0.02  # on either side of the middle: what may stray, at most
_PLACE_MARGIN = 4.0  # spans of the middle: a normal distribution reaches half of one, exponential tails two
_VALUE_MARGIN = 2.0
_FEWEST = 8  # among fewer nobody can tell who strays
_SMALLEST_FACTOR = 1e-30


class Interval(NamedTuple):
    """What numbers reach, infinite where that cannot be told."""

    low: float
    high: float

    def holds(self, low: float, high: float) -> bool:
        """Whether all from `low` to `high` is within."""
        return self.low <= low and high <= self.high


EVERYTHING = Interval(-np.inf, np.inf)


@dataclass(frozen=True)
class Box:
    """What places reach. low, high: (3,) metres."""

    low: F64
    high: F64

    def holds(self, low: F64, high: F64) -> bool:
        """Whether all of the box from `low` to `high`, (3,), is within."""
        return bool((self.low <= low).all() and (high <= self.high).all())

    def inside(self, points: F32) -> NDArray[np.bool_]:
        """Which of `points`, (N, 3), are within, (N,)."""
        return np.asarray(((points >= self.low) & (points <= self.high)).all(axis=1))


def sampled_rows(count: int) -> I64:
    """Indices of at most MOST_SAMPLES of `count`, evenly from the first to the last."""
    return np.linspace(0, count - 1, min(count, MOST_SAMPLES)).astype(np.int64)


def reach_of_values(sample: NDArray[np.floating], least_span: float) -> Interval:
    """The reach of numbers like those of `sample`, any shape. least_span: what the middle spans at least."""
    values = sample.reshape(-1).astype(np.float64)
    if values.size < _FEWEST:
        return EVERYTHING
    low, high = _middle(values)
    margin = _VALUE_MARGIN * max(high - low, least_span)
    return Interval(low - margin, high + margin)


def reach_of_places(sample: F32) -> Box:
    """The reach of places like those of `sample`, (M, 3) metres."""
    if sample.shape[0] < _FEWEST:
        return Box(np.full(3, -np.inf), np.full(3, np.inf))
    ends = np.array([_middle(axis) for axis in sample.astype(np.float64).T])
    span = float((ends[:, 1] - ends[:, 0]).max())
    margin = _PLACE_MARGIN * span if span > 0 else np.inf  # all at one place: nothing tells what is far from it
    return Box(ends[:, 0] - margin, ends[:, 1] + margin)


def sample_of(stream: SoundStream, degree: int = 0) -> GaussianCloud:
    """Gaussians from all over a stream, of harmonics up to `degree`."""
    return stream.with_sh_degree(degree).decode(sampled_rows(stream.count))


def within_reach(stream: SoundStream, room: float = 0.0) -> tuple[SoundStream, list[Loss]]:
    """The stream with its stray Gaussians brought to the edge of where the others are.

    They move along the line to the origin, where photos and most scenes are seen from, or else to the middle of the
    others, and their sizes shrink with the distance: seen from there they stay as they were.
    room: what is within ±room metres strays in no case.
    """
    places = stream.places
    if not stream.count or _within_room(places.low, places.high, room):
        return stream, []
    reach = reach_of_places(stream.means(sampled_rows(stream.count)))
    reach = Box(np.minimum(reach.low, -room), np.maximum(reach.high, room)) if room else reach
    if reach.holds(places.low, places.high):
        return stream, []
    strays, low, high = _those_within(stream, reach)
    edge = Box(np.minimum(low, -room), np.maximum(high, room)) if room else Box(low, high)
    message = (
        f"{number(strays, 'Gaussian')} so far from all others that they would lose precision, clamped: moved to the "
        f"edge of where those are, x, y and z from {_corner(edge.low)} to {_corner(edge.high)} m"
    )
    return _gathered(stream, reach, edge, None if room else (low, high)), [Loss("clamped", message, strays)]


def near_each_other(points: F32) -> NDArray[np.bool_]:
    """Which of `points`, (N, 3) finite, do not stray, (N,)."""
    reach = reach_of_places(points[sampled_rows(points.shape[0])])
    return reach.inside(points)


def _middle(values: F64) -> tuple[float, float]:
    """What all but the tails are between; at least one number is in each tail."""
    tail = max(1, int(np.ceil(_TAIL * values.size)))
    ordered = np.partition(values, (tail, values.size - 1 - tail))
    return float(ordered[tail]), float(ordered[values.size - 1 - tail])


def _within_room(low: F64, high: F64, room: float) -> bool:
    return bool(room and (low >= -room).all() and (high <= room).all())


def _corner(corner: F64) -> str:
    return ", ".join(f"{value:.4g}" for value in corner)


def _those_within(stream: SoundStream, reach: Box) -> tuple[int, F64, F64]:
    """How many stray, and the bounds, (3,) each, of those who do not."""

    def look(rows: slice) -> tuple[int, F64, F64]:
        means = stream.means(rows)
        inside = reach.inside(means)
        others = means[inside].astype(np.float64)
        strays = means.shape[0] - others.shape[0]
        return strays, others.min(axis=0, initial=np.inf), others.max(axis=0, initial=-np.inf)

    found = list(in_order(look, stream.slices()))
    lows, highs = [low for _, low, _ in found], [high for _, _, high in found]
    return sum(strays for strays, _, _ in found), np.min(lows, axis=0), np.max(highs, axis=0)


def _gathered(stream: SoundStream, reach: Box, edge: Box, seen: tuple[F64, F64] | None) -> SoundStream:
    def moved(means: F32) -> tuple[F32, F64]:
        out, factors = np.empty_like(means), np.empty(means.shape[0])
        _move(means, reach.low, reach.high, edge.low, edge.high, out, factors)
        return out, factors

    def gather(block: GaussianCloud) -> GaussianCloud:
        means, factors = moved(block.means)
        shrunk = block.log_scales + np.log(factors).astype(np.float32)[:, None]
        return replace(block, means=means, log_scales=shrunk)

    def means_of(rows: Rows) -> F32:
        return moved(stream.means(rows))[0]

    gathered = stream.changed(gather)
    return replace(gathered, decode_means=means_of, places=Places(means_of, stream.places.slices, seen))


@kernel
def _move(means: F32, low: F64, high: F64, least: F64, most: F64, out: F32, factors: F64) -> None:
    """Strays, beyond `low` to `high`, to within `least` to `most`, and what their distances shrink by."""
    target, centre = np.empty(3), np.empty(3)
    for i in range(means.shape[0]):
        factors[i] = 1.0
        strays = False
        for k in range(3):
            out[i, k] = means[i, k]
            strays |= means[i, k] < low[k] or means[i, k] > high[k]
        if not strays:
            continue
        for from_middle in range(2):
            share, fits = 1.0, True
            for k in range(3):
                centre[k] = (least[k] + most[k]) / 2 if from_middle else 0.0
                away = np.float64(means[i, k]) - centre[k]
                if means[i, k] > most[k]:
                    share = min(share, (max(most[k], centre[k]) - centre[k]) / away)
                elif means[i, k] < least[k]:
                    share = min(share, (min(least[k], centre[k]) - centre[k]) / away)
            for k in range(3):
                target[k] = centre[k] + share * (np.float64(means[i, k]) - centre[k])
                slack = 1e-6 * (most[k] - least[k])
                fits &= target[k] >= least[k] - slack and target[k] <= most[k] + slack
            if fits or from_middle:
                for k in range(3):
                    out[i, k] = np.float32(min(max(target[k], least[k]), most[k]))
                factors[i] = max(share, _SMALLEST_FACTOR)
                break
