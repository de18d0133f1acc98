"""A palette of up to 65,536 rows for the spherical harmonics of a cloud, in seconds of CPU where k-means takes hours.

Two levels: k-means with up to 256 coarse rows, then one k-means inside each coarse cell, with rows in proportion to its
squared error (plain k-means starts from rows at random and never gets there where some rows are far stronger than
most). Every row of the cloud then tries the palettes of its few nearest cells, not only its own, which makes up for
most of what the fixed cell borders cost; last, each palette row moves to the mean of those who chose it. Distances
come from matrix products (|a - b|^2 = |a|^2 - 2ab + |b|^2, |a|^2 being the same for all), at the speed of the BLAS.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.compiled import F32, F64, I32, I64, kernel

F16 = NDArray[np.float16]

_COARSE = 256
_COARSE_SAMPLE = 32_768
_COARSE_ROUNDS = 6
_FINE_ROUNDS = 5
_PROBES = 4
_FEW_PAIRS = 1 << 27  # of rows and palette rows, so few that plain rounds of k-means cost a second at most
_LAST_ROUNDS = 3
_SHARING_ROUNDS = 4
_BLOCK = 8_192  # rows whose distances to 256 others stay within 8 MiB
_SEED = 20_260_101


@dataclass(frozen=True)
class Palette:
    """rows: (size, D), cell after cell. coarse: (cells, D). firsts: where each cell's rows begin, (cells + 1,)."""

    rows: F32
    coarse: F32
    firsts: I64

    def nearest(self, rows: F32) -> I64:
        """The palette row, (N,), nearest to each of `rows`, (N, D), among those of its nearest cells."""
        cells = _nearest_few(rows, self.coarse, min(_PROBES, self.coarse.shape[0]))
        return _probe(rows, cells, self.rows, self.firsts)


class Means:
    """The mean of all rows that chose the same palette row, as they come."""

    def __init__(self, palette: F32) -> None:
        self._palette = palette
        self._sums = np.zeros(palette.shape)
        self._counts = np.zeros(palette.shape[0], np.int64)

    def add(self, rows: F32, labels: I64) -> None:
        _accumulate(rows, labels, self._sums, self._counts)

    def rows(self) -> F32:
        """The means; the palette row itself where nobody chose it."""
        means = (self._sums / np.maximum(self._counts, 1)[:, None]).astype(np.float32)
        return np.where(self._counts[:, None] > 0, means, self._palette)


def palette_of(rows: F32, size: int) -> tuple[F32, I64]:
    """A palette, (size or fewer, D), for `rows`, (N, D) finite, and the palette row, (N,), of each.

    The same rows give the same palette.
    """
    if rows.shape[0] <= size:
        return rows, np.arange(rows.shape[0])
    with one_blas_thread():
        palette = train(rows, size)
        labels = palette.nearest(rows)
        best = _means(rows, labels, palette.rows)
        if rows.shape[0] * best.shape[0] <= _FEW_PAIRS:
            best = _lloyd(rows, best, _LAST_ROUNDS)
            labels = _nearest_few(rows, best, 1)[:, 0].astype(np.int64)
        return best, labels


def train(rows: F16 | F32, size: int) -> Palette:
    """A palette, (size or fewer, D), for `rows`, (N, D), N more than size: all, or a sample of several for each."""
    random = np.random.default_rng(_SEED)
    coarse = _coarse(rows, min(_COARSE, max(1, int(np.sqrt(size)))), random)
    own = _nearest_few(rows, coarse, 1)[:, 0]
    members, errors = _spread(rows, own, coarse)
    palette, firsts = _fine(rows, own, _shares(members, errors, size))
    return Palette(palette, coarse, firsts)


def one_blas_thread() -> AbstractContextManager[object]:
    """BLAS' own threads would spin between many small products."""
    from threadpoolctl import threadpool_limits  # only palettes are to cost its import

    limits: AbstractContextManager[object] = threadpool_limits(1, "blas")
    return limits


def _coarse(rows: F16 | F32, count: int, random: np.random.Generator) -> F32:
    sample = rows[random.permutation(rows.shape[0])[:_COARSE_SAMPLE]].astype(np.float32, copy=False)
    centres = sample[:count].copy()
    return _lloyd(sample, centres, _COARSE_ROUNDS)


def _lloyd(rows: F32, centres: F32, rounds: int) -> F32:
    for _ in range(rounds):
        centres = _means(rows, _nearest_few(rows, centres, 1)[:, 0], centres)
    return centres


def _shares(members: I64, errors: F64, size: int) -> I64:
    """How many of `size` palette rows each cell gets: by its squared error, one at least, never more than members."""
    shares = np.minimum(members, 1)
    for _ in range(_SHARING_ROUNDS):
        wanting = np.where(shares < members, errors, 0)
        if not wanting.any():
            break
        left = size - shares.sum()
        shares = np.minimum(members, shares + (wanting * (left / wanting.sum())).astype(np.int64))
    return shares


def _fine(rows: F16 | F32, cells: I32, shares: I64) -> tuple[F32, I64]:
    """The palette, cell after cell, and where each cell's part of it begins, (cells + 1,)."""
    order = np.argsort(cells, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(cells, minlength=shares.size))))
    parts = []
    for cell, share in enumerate(shares):
        if share:
            members = rows[order[starts[cell] : starts[cell + 1]]].astype(np.float32, copy=False)
            first = members[np.linspace(0, members.shape[0] - 1, share).astype(np.int64)]
            parts.append(_lloyd(members, first, _FINE_ROUNDS))
    return np.concatenate(parts), np.concatenate(([0], np.cumsum(shares)))


def _nearest_few(rows: F16 | F32, centres: F32, few: int) -> I32:
    """The nearest `few` of `centres`, (N, few), nearest first."""
    nearest = np.empty((rows.shape[0], few), np.int32)
    half_squares = 0.5 * (centres * centres).sum(axis=1)
    for start in range(0, rows.shape[0], _BLOCK):
        block = slice(start, start + _BLOCK)
        _smallest(rows[block].astype(np.float32, copy=False) @ centres.T, half_squares, nearest[block])
    return nearest


def _probe(rows: F32, nearest: I32, palette: F32, firsts: I64) -> I64:
    """The palette row, (N,), nearest to each row among those of its nearest cells."""
    labels = np.zeros(rows.shape[0], np.int64)
    best = np.full(rows.shape[0], -np.inf, np.float32)
    half_squares = 0.5 * (palette * palette).sum(axis=1)
    for probe in range(nearest.shape[1]):
        cells = nearest[:, probe]
        order = np.argsort(cells, kind="stable")
        starts = np.concatenate(([0], np.cumsum(np.bincount(cells, minlength=firsts.size - 1))))
        for cell in range(firsts.size - 1):
            first, last = firsts[cell], firsts[cell + 1]
            members = order[starts[cell] : starts[cell + 1]]
            if first < last and members.size:
                products = rows[members] @ palette[first:last].T
                _improve(products, half_squares[first:last], members, first, best, labels)
    return labels


def _means(rows: F32, labels: I32 | I64, fallback: F32) -> F32:
    """The mean row of each label; that of `fallback` where none has it."""
    means = Means(fallback)
    means.add(rows, labels.astype(np.int64, copy=False))
    return means.rows()


def _spread(rows: F16 | F32, cells: I32, centres: F32) -> tuple[I64, F64]:
    """Members of each cell, and their squared error."""
    members = np.zeros(centres.shape[0], np.int64)
    errors = np.zeros(centres.shape[0])
    for start in range(0, rows.shape[0], _BLOCK):
        block = slice(start, start + _BLOCK)
        _add_errors(rows[block].astype(np.float32, copy=False), cells[block], centres, members, errors)
    return members, errors


@kernel
def _add_errors(rows: F32, cells: I32, centres: F32, members: I64, errors: F64) -> None:
    for i in range(rows.shape[0]):
        cell = cells[i]
        members[cell] += 1
        for j in range(rows.shape[1]):
            errors[cell] += (rows[i, j] - centres[cell, j]) ** 2


@kernel
def _accumulate(rows: F32, labels: I64, sums: F64, counts: I64) -> None:
    for i in range(rows.shape[0]):
        counts[labels[i]] += 1
        for j in range(rows.shape[1]):
            sums[labels[i], j] += rows[i, j]


@kernel
def _smallest(products: F32, half_squares: F32, nearest: I32) -> None:
    few = nearest.shape[1]
    scores = np.empty(few, np.float32)
    for i in range(products.shape[0]):
        scores[:] = -np.inf
        for j in range(products.shape[1]):
            score = products[i, j] - half_squares[j]
            if score > scores[few - 1]:
                place = few - 1
                while place > 0 and score > scores[place - 1]:
                    scores[place] = scores[place - 1]
                    nearest[i, place] = nearest[i, place - 1]
                    place -= 1
                scores[place] = score
                nearest[i, place] = j


@kernel
def _improve(products: F32, half_squares: F32, members: I64, first: int, best: F32, labels: I64) -> None:
    for i in range(members.size):
        row = members[i]
        for j in range(products.shape[1]):
            score = products[i, j] - half_squares[j]
            if score > best[row]:
                best[row] = score
                labels[row] = first + j
