"""Orders of a cloud's Gaussians."""

from collections.abc import Callable, Sequence

import numpy as np

from .compiled import F32, F64, I64, U64, kernel
from .threads import in_order, workers

MORTON_BITS = 21
"""Bits per axis of a Morton code: three axes fill 63 bits."""


def morton_order(means: F32) -> I64:
    """Indices, (N,), that sort `means`, (N, 3), along a Z-order curve over their bounding cube."""
    return np.argsort(morton_codes(means.astype(np.float64)), kind="stable")


def morton_order_of_blocks(means: Callable[[slice], F32], blocks: Sequence[slice], low: F64, high: F64) -> I64:
    """As `morton_order`, of means that come in blocks, within bounds (3,) known before.

    Code and index share 64 bits, so that plain numbers are sorted, in place: 13 bits per axis are left for ten
    million Gaussians, more for fewer.
    """
    count = blocks[-1].stop if blocks else 0
    index_bits = max(1, (count - 1).bit_length())
    axis_bits = min(MORTON_BITS, (64 - index_bits) // 3)
    side = float((high - low).max())
    steps = (2**axis_bits - 1) / side if side > 0 else 0.0
    keys = np.empty(count, np.uint64)

    def fill(block: slice) -> None:
        _encode_with_index(means(block), low, steps, block.start, index_bits, keys[block])

    for _ in in_order(fill, blocks):
        pass
    sort_numbers(keys)
    keys &= np.uint64((1 << index_bits) - 1)
    return keys.view(np.int64)


def sort_numbers(keys: U64) -> None:
    """Sort in place, a part in each thread."""
    cuts = [keys.size * i // workers() for i in range(1, workers())]
    if cuts:
        keys.partition(cuts)
    for _ in in_order(np.ndarray.sort, np.split(keys, cuts)):
        pass


def morton_codes(points: F64) -> U64:
    """Codes, (N,), of `points`, (N, 3) finite, on a cubic grid of 2^21 steps over the longest side of their bounds."""
    codes = np.empty(points.shape[0], np.uint64)
    if points.shape[0]:
        _encode(points, 2**MORTON_BITS - 1, codes)
    return codes


@kernel
def _spread(value: int | np.int32) -> np.uint64:
    # Two zero bits between neighbours, by halving: the usual magic masks for 21 bits.
    v = np.uint64(value)
    v = (v | (v << np.uint64(32))) & np.uint64(0x1F00000000FFFF)
    v = (v | (v << np.uint64(16))) & np.uint64(0x1F0000FF0000FF)
    v = (v | (v << np.uint64(8))) & np.uint64(0x100F00F00F00F00F)
    v = (v | (v << np.uint64(4))) & np.uint64(0x10C30C30C30C30C3)
    v = (v | (v << np.uint64(2))) & np.uint64(0x1249249249249249)
    return v


@kernel
def _encode(points: F64, largest: int, codes: U64) -> None:
    low, high = points[0].copy(), points[0].copy()
    for i in range(points.shape[0]):
        for k in range(3):
            low[k] = min(low[k], points[i, k])
            high[k] = max(high[k], points[i, k])
    side = max(high[0] - low[0], high[1] - low[1], high[2] - low[2])
    steps = largest / side if side > 0 else 0.0
    for i in range(points.shape[0]):
        x = _spread(int((points[i, 0] - low[0]) * steps))
        y = _spread(int((points[i, 1] - low[1]) * steps))
        z = _spread(int((points[i, 2] - low[2]) * steps))
        codes[i] = x | (y << np.uint64(1)) | (z << np.uint64(2))


@kernel
def _encode_with_index(means: F32, low: F64, steps: float, first: int, index_bits: int, keys: U64) -> None:
    values, x0, y0, z0 = means.reshape(-1), low[0], low[1], low[2]
    for i in range(np.uint64(means.shape[0])):
        at = np.uint64(3) * i
        x = _spread(np.int32((np.float64(values[at]) - x0) * steps))
        y = _spread(np.int32((np.float64(values[at + np.uint64(1)]) - y0) * steps))
        z = _spread(np.int32((np.float64(values[at + np.uint64(2)]) - z0) * steps))
        code = x | (y << np.uint64(1)) | (z << np.uint64(2))
        keys[i] = (code << np.uint64(index_bits)) | (np.uint64(first) + i)
