"""Buckets of `.ksplat`: up to 256 Gaussians that share a cube, and so a centre that their means are relative to."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.compiled import F32, F64, I64, U64, kernel
from immichvr_splats.order import sorted_from
from immichvr_splats.stream import Places
from immichvr_splats.threads import in_order

_SIZE = 256
_SIDE = 5.0  # metres; size and side are what the reference writes and viewers were tuned with


@dataclass(frozen=True)
class Buckets:
    """order: (N,) indices that put the Gaussians into the buckets. centers: (B, 3). partial: (P,) lengths of the last
    P buckets, before which all are full. ends: (B,) one past the last row of each, in that order. side: metres."""

    order: I64
    centers: F32
    partial: NDArray[np.uint32]
    ends: I64
    side: float
    widened: bool = False
    size: int = _SIZE

    @classmethod
    def none(cls, count: int) -> "Buckets":
        """No grouping."""
        nothing = np.zeros(0, np.int64)
        return cls(nothing, np.zeros((0, 3), np.float32), np.zeros(0, np.uint32), nothing, _SIDE)

    @property
    def count(self) -> int:
        return int(self.centers.shape[0])


def centers_of(rows: I64, ends: I64, centers: F32) -> F32:
    """The centre of the bucket that each of `rows`, (M,), is in, (M, 3). ends: (B,), the last beyond all rows."""
    found = np.empty((rows.size, 3), np.float32)
    _centers_of(rows, ends, centers, found)
    return found


def widened(places: Places) -> bool:
    """Whether the Gaussians are so far apart that `fill_buckets` takes larger cubes."""
    return _grid_of(places)[0] > _SIDE


def fill_buckets(places: Places) -> Buckets:
    """Group the Gaussians by the cube they are in; within it they keep their order."""
    side, shape = _grid_of(places)
    count = _count(places)
    index_bits = _index_bits(count)
    keys = np.empty(count, np.uint64)

    def fill(rows: slice) -> None:
        _cubes(places.means(rows), places.low, side, shape, rows.start, index_bits, keys[rows])

    for _ in in_order(fill, places.slices):
        pass
    keys = sorted_from(keys, index_bits, index_bits + math.prod(shape.tolist()).bit_length())
    starts = np.empty(_count_cubes(keys, index_bits), np.int64)
    cubes = np.empty_like(starts)
    _find_cubes(keys, index_bits, starts, cubes)
    centers = _centers(cubes, places.low, side, shape)
    full, rest = np.divmod(np.diff(starts, append=count), _SIZE)
    order = np.empty(count, np.int64)
    _fill_order(keys, index_bits, starts, full * _SIZE, rest, order)
    partial = rest[rest > 0]
    return Buckets(
        order=order,
        centers=np.concatenate([np.repeat(centers, full, axis=0), centers[rest > 0]]),
        partial=partial.astype(np.uint32),
        ends=np.cumsum(np.concatenate([np.full(full.sum(), _SIZE), partial])),
        side=side,
        widened=side > _SIDE,
    )


def _count(places: Places) -> int:
    return places.slices[-1].stop if places.slices else 0


def _index_bits(count: int) -> int:
    return max(1, (count - 1).bit_length())


def _grid_of(places: Places) -> tuple[float, I64]:
    return _grid(places.low, places.high, 63 - _index_bits(_count(places)))


def _grid(low: F64, high: F64, bits: int) -> tuple[float, I64]:
    """Side of a cube, the least that a number of `bits` bits can tell all cubes by, and cubes along each axis."""
    side = _SIDE
    while True:
        shape = np.floor((high - low) / side) + 1
        if np.prod(shape) < 2.0**bits:
            return side, shape.astype(np.int64)
        side *= 2


def _centers(cubes: I64, low: F64, side: float, shape: I64) -> F32:
    x, y, z = cubes % shape[0], cubes // shape[0] % shape[1], cubes // (shape[0] * shape[1])
    centers: F32 = (np.stack([x, y, z], axis=1) * side + (low + side / 2)).astype(np.float32)
    return centers


@kernel
def _cubes(means: F32, low: F64, side: float, shape: I64, first: int, index_bits: int, keys: U64) -> None:
    x0, y0, z0, along_x, along_y = low[0], low[1], low[2], shape[0], shape[1]
    for i in range(np.uint64(means.shape[0])):
        x = np.int64((means[i, 0] - x0) / side)
        y = np.int64((means[i, 1] - y0) / side)
        z = np.int64((means[i, 2] - z0) / side)
        cube = np.uint64((z * along_y + y) * along_x + x)
        keys[i] = (cube << np.uint64(index_bits)) | (np.uint64(first) + i)


@kernel
def _count_cubes(keys: U64, index_bits: int) -> int:
    number = 1 if keys.size else 0
    for i in range(np.uint64(1), np.uint64(keys.size)):
        number += int((keys[i] ^ keys[i - np.uint64(1)]) >> np.uint64(index_bits) != np.uint64(0))
    return number


@kernel
def _find_cubes(keys: U64, index_bits: int, starts: I64, cubes: I64) -> None:
    found = 0
    for i in range(keys.size):
        if i == 0 or (keys[i] ^ keys[i - 1]) >> np.uint64(index_bits) != np.uint64(0):
            starts[found] = i
            cubes[found] = np.int64(keys[i] >> np.uint64(index_bits))
            found += 1


@kernel
def _fill_order(keys: U64, index_bits: int, starts: I64, full: I64, rest: I64, order: I64) -> None:
    """First of each cube the `full` Gaussians of full buckets, then of each the `rest`."""
    mask = np.uint64((1 << index_bits) - 1)
    to_full, to_rest = 0, full.sum()
    for cube in range(starts.size):
        for i in range(full[cube]):
            order[to_full + i] = np.int64(keys[starts[cube] + i] & mask)
        for i in range(rest[cube]):
            order[to_rest + i] = np.int64(keys[starts[cube] + full[cube] + i] & mask)
        to_full += full[cube]
        to_rest += rest[cube]


@kernel
def _centers_of(rows: I64, ends: I64, centers: F32, found: F32) -> None:
    bucket = np.int64(0)
    for i in range(rows.size):
        if rows[i] >= ends[bucket] or (bucket > 0 and rows[i] < ends[bucket - 1]):
            bucket = np.searchsorted(ends, rows[i], side="right")
        for j in range(3):
            found[i, j] = centers[bucket, j]
