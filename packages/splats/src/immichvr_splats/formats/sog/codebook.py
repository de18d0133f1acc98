"""256 levels for one-dimensional values, optimal for their histogram.

Values are counted in 1,024 bins; dynamic programming then cuts the bins into 256 runs of least squared error. Rows of
the programme are monotone in the cut, so each takes O(n log n) by halving. The levels never depend on a starting point
as Lloyd's do. Source of the histogram and its size: SOG's reference writer, splat-transform.
"""

from dataclasses import dataclass

import numpy as np

from immichvr_splats.compiled import F32, F64, I64, U8, kernel

LEVELS = 256
"""Levels of a codebook, as many as a byte can name."""

BINS = 1024
"""Bins of the histogram, and of the tables that find levels."""


@dataclass(frozen=True)
class Histogram:
    """Values that are counted, in bins from the least, `low`, to the largest, `high`. weights, sums: (1024,)."""

    low: float
    high: float
    weights: I64
    sums: F64

    @classmethod
    def between(cls, low: float, high: float) -> "Histogram":
        return cls(low, high, np.zeros(BINS, np.int64), np.zeros(BINS))

    def counting(self, values: F32) -> "Histogram":
        """Of `values`, any shape, alone, in the same bins; those beyond them count for the outermost."""
        alone = Histogram.between(self.low, self.high)
        _count(values.reshape(-1), self.low, self.high, _bins_per_unit(self.low, self.high), alone.weights, alone.sums)
        return alone

    def add(self, other: "Histogram") -> None:
        """Count those of `other`, in the same bins, too."""
        self.weights[:] += other.weights
        self.sums[:] += other.sums

    def codebook(self) -> F32:
        """The levels, (256,) ascending; zeros where nothing was counted."""
        filled = np.flatnonzero(self.weights)
        if not filled.size:
            return np.zeros(LEVELS, np.float32)
        centres = self.sums[filled] / self.weights[filled]
        if filled.size > LEVELS:
            centres = _cut(self.weights[filled].astype(np.float64), centres)
        levels = np.full(LEVELS, centres[-1], np.float32)
        levels[: centres.size] = centres
        return levels


def codebook_of(values: F32) -> F32:
    """The levels, (256,) ascending, for `values`, (N,) finite."""
    if not values.size:
        return np.zeros(LEVELS, np.float32)
    return Histogram.between(float(values.min()), float(values.max())).counting(values).codebook()


def labels_of(values: F32, codebook: F32) -> U8:
    """The nearest level, (N,), of each of `values`, (N,)."""
    labels = np.empty(values.size, np.uint8)
    low, high = float(codebook[0]), float(codebook[-1])
    _label(values, codebook, *lookup(codebook), low, _bins_per_unit(low, high), labels)
    return labels


def lookup(codebook: F32) -> tuple[F32, I64]:
    """Midpoints between levels, (255,), and the level, (1025,), at which a search from each bin's start begins."""
    wide = codebook.astype(np.float64)
    midpoints = ((wide[1:] + wide[:-1]) / 2).astype(np.float32)
    starts = np.linspace(wide[0], wide[-1], BINS + 1)
    first = np.searchsorted(midpoints, starts) - 1  # one before: rounding may put a value into the next bin
    return midpoints, np.maximum(first, 0)


def _bins_per_unit(low: float, high: float) -> float:
    return BINS / (high - low) if high > low else 0.0


def _cut(weights: F64, centres: F64) -> F64:
    """The means, (256,), of the best 256 runs of bins of `weights` at `centres`."""
    total = [np.concatenate(([0.0], np.cumsum(weights * centres**power))) for power in range(3)]
    cuts = np.empty((LEVELS, centres.size), np.int64)
    _best_cuts(total[0], total[1], total[2], cuts)
    edges = [centres.size]
    for level in range(LEVELS - 1, -1, -1):
        edges.append(int(cuts[level, edges[-1] - 1]))
    starts, ends = np.array(edges[:0:-1]), np.array(edges[-2::-1])
    means: F64 = (total[1][ends] - total[1][starts]) / (total[0][ends] - total[0][starts])
    return means


@kernel
def _count(values: F32, low: float, high: float, per_unit: float, weights: I64, sums: F64) -> None:
    for i in range(values.size):
        value = min(max(np.float64(values[i]), low), high)
        at = min(int((value - low) * per_unit), weights.size - 1)
        weights[at] += 1
        sums[at] += value


@kernel
def _error(weight: F64, first: F64, second: F64, start: int, end: int) -> float:
    mass = weight[end] - weight[start]
    moment = first[end] - first[start]
    return float(second[end] - second[start] - moment * moment / mass)


@kernel
def _best_cuts(weight: F64, first: F64, second: F64, cuts: I64) -> None:
    # cuts[k, j]: where the last of k + 1 runs over the bins 0..j begins. Halving, with a stack instead of recursion.
    n = cuts.shape[1]
    before = np.empty(n)
    after = np.empty(n)
    stack = np.empty((64, 4), np.int64)
    for j in range(n):
        before[j] = _error(weight, first, second, 0, j + 1)
        cuts[0, j] = 0
    for k in range(1, cuts.shape[0]):
        after[:] = np.inf
        stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = k, n - 1, k, n - 1
        depth = 1
        while depth:
            depth -= 1
            low, high, least, most = stack[depth, 0], stack[depth, 1], stack[depth, 2], stack[depth, 3]
            middle = (low + high) // 2
            best, cut = np.inf, least
            for start in range(max(least, k), min(most, middle) + 1):
                error = before[start - 1] + _error(weight, first, second, start, middle + 1)
                if error < best:
                    best, cut = error, start
            after[middle], cuts[k, middle] = best, cut
            if low < middle:
                stack[depth, 0], stack[depth, 1], stack[depth, 2], stack[depth, 3] = low, middle - 1, least, cut
                depth += 1
            if middle < high:
                stack[depth, 0], stack[depth, 1], stack[depth, 2], stack[depth, 3] = middle + 1, high, cut, most
                depth += 1
        before[:] = after


@kernel
def nearest_level(value: float, midpoints: F32, first: I64, low: float, per_unit: float) -> int:
    """The level nearest to `value`: a search of few steps from the one its bin begins with."""
    at = int(min(max((value - low) * per_unit, 0.0), first.size - 1.0))
    level = first[at]
    while level < midpoints.size and value > midpoints[level]:
        level += 1
    return int(level)


@kernel
def _label(values: F32, codebook: F32, midpoints: F32, first: I64, low: float, per_unit: float, labels: U8) -> None:
    for i in range(values.size):
        labels[i] = nearest_level(values[i], midpoints, first, low, per_unit)
