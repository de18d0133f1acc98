"""Buckets of `.ksplat`: up to 256 Gaussians that share a cube, and so a centre that their means are relative to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import F32, F64, I64, U64, kernel
from ..stream import Places
from ..threads import in_order

_SIZE = 256
_SIDE = 5.0  # metres; size and side are what the reference writes and viewers were tuned with


@dataclass(frozen=True)
class Buckets:
    """order: (N,) indices that put the Gaussians into the buckets. centers: (B, 3). partial: (P,) lengths of the last
    P buckets, before which all are full. of_rows: (N,) the bucket of each row in that order. side: metres."""

    order: I64
    centers: F32
    partial: NDArray[np.uint32]
    of_rows: I64
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

    def centers_of(self, rows: slice) -> F32:
        """The centre of the bucket that each row is in, (M, 3)."""
        centers: F32 = self.centers[self.of_rows[rows]]
        return centers


def fill_buckets(places: Places) -> Buckets:
    """Group the Gaussians by the cube they are in; within it they keep their order."""
    count = places.slices[-1].stop if places.slices else 0
    index_bits = max(1, (count - 1).bit_length())
    side, shape = _grid(places.low, places.high, 63 - index_bits)
    keys = np.empty(count, np.uint64)

    def fill(rows: slice) -> None:
        _cubes(places.means(rows), places.low, side, shape, rows.start, index_bits, keys[rows])

    for _ in in_order(fill, places.slices):
        pass
    keys.sort()
    cubes = (keys >> np.uint64(index_bits)).view(np.int64)
    keys &= np.uint64((1 << index_bits) - 1)
    order = keys.view(np.int64)
    starts = np.flatnonzero(np.diff(cubes, prepend=-1))
    lengths = np.diff(starts, append=count)
    centers = _centers(cubes[starts], places.low, side, shape)
    full, rest = np.divmod(lengths, _SIZE)
    in_full = np.repeat(full * _SIZE, lengths) > np.arange(count) - np.repeat(starts, lengths)
    partial = rest[rest > 0]
    bucket_lengths = np.concatenate([np.full(full.sum(), _SIZE), partial])
    return Buckets(
        order=np.concatenate([order[in_full], order[~in_full]]),
        centers=np.concatenate([np.repeat(centers, full, axis=0), centers[rest > 0]]),
        partial=partial.astype(np.uint32),
        of_rows=np.repeat(np.arange(bucket_lengths.size), bucket_lengths),
        side=side,
        widened=side > _SIDE,
    )


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
    for i in range(means.shape[0]):
        x = int((means[i, 0] - low[0]) / side)
        y = int((means[i, 1] - low[1]) / side)
        z = int((means[i, 2] - low[2]) / side)
        cube = np.uint64((z * shape[1] + y) * shape[0] + x)
        keys[i] = (cube << np.uint64(index_bits)) | np.uint64(first + i)
