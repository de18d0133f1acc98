"""Orders of a cloud's Gaussians."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np

from immichvr_splats.compiled import F32, F64, I32, I64, U64, kernel
from immichvr_splats.threads import in_order, workers

MORTON_BITS = 21
"""Bits per axis of a Morton code: three axes fill 63 bits."""

LEVELS_PER_GRID = 64
"""Levels of boundaries between rows, see `morton_tree`, that one grid has."""

MOST_GRIDS = 16
"""One within a cell of the other, until float32 has no finer places."""

_DIGIT_BITS = 11
"""Of a number, in one pass of its sorting: its 2048 places fit into the first cache."""

_WORTH_A_THREAD = 1 << 16  # numbers to sort

_CROWD = 256  # in one cell, as many as are packed together by formats that pack neighbours


def morton_tree(points: F64) -> tuple[I64, I32]:
    """Indices, (N,), that sort `points`, (N, 3) finite, along a Z-order curve, and the level of each row's boundary.

    The curve runs over a cubic grid of 2^21 steps over the bounds; where several points share a cell of it, over a grid
    of their own bounds, and so on: neither far strays nor a crowd in one place take the detail from the rest.
    Levels, (N,), are those of the boundary before each row, in the binary tree that the curve makes of the points: 63
    or less for the outermost grid, LEVELS_PER_GRID less for each grid within, the larger the coarser; a multiple of it
    where both rows are at one place. That of the first row is above all.
    """
    codes = morton_codes(points)
    order = np.argsort(codes, kind="stable")
    levels = np.empty(order.size, np.int32)
    _refine(points, codes, order, levels)
    return order, levels


def morton_order_of_blocks(means: Callable[[slice | I64], F32], blocks: Sequence[slice], low: F64, high: F64) -> I64:
    """As `morton_tree`'s order, of means that come in blocks or at indices, within bounds (3,) known before.

    Code and index share 64 bits, so that plain numbers are sorted, by their codes alone: 13 bits per axis are left for
    ten million Gaussians, more for fewer. Cells are cut by a grid of their own where they are crowded.
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
    keys = sorted_from(keys, index_bits, index_bits + 3 * axis_bits)
    crowds = _crowds(keys, index_bits)
    order = keys.view(np.int64)
    for start, stop in crowds:
        rows = order[start:stop]
        order[start:stop] = rows[morton_tree(means(rows).astype(np.float64))[0]]
    return order


def sorted_from(keys: U64, first_bit: int, end_bit: int) -> U64:
    """Numbers sorted by their bits from `first_bit` to `end_bit`; those that are alike in these stay as they came.

    Taken in digits, of which the last may reach beyond `end_bit`. keys: is written over.
    """
    spare = np.empty_like(keys)
    parts = np.linspace(0, keys.size, max(1, min(workers(), keys.size // _WORTH_A_THREAD)) + 1).astype(np.int64)
    pieces = [slice(start, stop) for start, stop in zip(parts[:-1].tolist(), parts[1:].tolist(), strict=True)]
    counts = np.empty((len(pieces), 1 << _DIGIT_BITS), np.int64)
    with ThreadPoolExecutor(len(pieces)) as pool:
        for bit in range(first_bit, end_bit, _DIGIT_BITS):
            list(pool.map(_count_digits, [keys[piece] for piece in pieces], repeat(np.uint64(bit)), counts))
            if counts.sum(axis=0).max(initial=0) == keys.size:
                continue
            # Where each piece's numbers of each digit begin: behind those of the pieces before it.
            ordered = counts.T.reshape(-1)
            starts = np.ascontiguousarray((np.cumsum(ordered) - ordered).reshape(counts.T.shape).T)
            list(pool.map(_place, [keys[piece] for piece in pieces], repeat(np.uint64(bit)), starts, repeat(spare)))
            keys, spare = spare, keys
    return keys


def morton_codes(points: F64) -> U64:
    """Codes, (N,), of `points`, (N, 3) finite, on a cubic grid of 2^21 steps over the longest side of their bounds."""
    codes = np.empty(points.shape[0], np.uint64)
    if points.shape[0]:
        _encode(points, 2**MORTON_BITS - 1, codes)
    return codes


def _crowds(keys: U64, index_bits: int) -> list[tuple[int, int]]:
    """Turn sorted keys into the indices in them, and tell where more than _CROWD of them had one code."""
    cuts = np.empty(2 * (keys.size // _CROWD + 1), np.int64)
    found = _find_crowds(keys, np.uint64(index_bits), cuts)
    return [(int(cuts[2 * i]), int(cuts[2 * i + 1])) for i in range(found)]


@kernel
def _find_crowds(keys: U64, index_bits: np.uint64, cuts: I64) -> int:
    found, start, code = 0, 0, np.uint64(0)
    mask = (np.uint64(1) << index_bits) - np.uint64(1)
    for i in range(keys.size + 1):
        own = keys[i] >> index_bits if i < keys.size else ~code
        if i < keys.size:
            keys[i] &= mask
        if own != code:
            if i - start > _CROWD:
                cuts[2 * found], cuts[2 * found + 1] = start, i
                found += 1
            start, code = i, own
    return found


@kernel
def _count_digits(keys: U64, bit: np.uint64, counts: I64) -> None:
    mask = np.uint64((1 << _DIGIT_BITS) - 1)
    counts[:] = 0
    for i in range(keys.size):
        counts[(keys[i] >> bit) & mask] += 1


@kernel
def _place(keys: U64, bit: np.uint64, starts: I64, out: U64) -> None:
    """One piece's part of a pass of a radix sort. starts: (digits,) where its numbers go; it is written over."""
    mask = np.uint64((1 << _DIGIT_BITS) - 1)
    for i in range(keys.size):
        digit = (keys[i] >> bit) & mask
        out[starts[digit]] = keys[i]
        starts[digit] += 1


@kernel
def _bits(value: np.uint64) -> int:
    bits = 0
    while value:
        value >>= np.uint64(1)
        bits += 1
    return bits


@kernel
def _refine(points: F64, codes: U64, order: I64, levels: I32) -> None:
    """Fill in `levels`, and sort rows that share a cell by grids of their own, one within the other."""
    count = order.size
    for row in range(1, count):
        levels[row] = _bits(codes[order[row - 1]] ^ codes[order[row]])
    if count:
        levels[0] = LEVELS_PER_GRID
    same, crowded = 0, True
    for _ in range(MOST_GRIDS - 1):
        if not crowded:
            break
        crowded = False
        start = 0
        for row in range(1, count + 1):
            if row < count and levels[row] == same:
                continue
            if row - start > 1:
                crowded |= _refine_cell(points, order[start:row], levels[start:row], same - LEVELS_PER_GRID)
            start = row
        same -= LEVELS_PER_GRID


@kernel
def _refine_cell(points: F64, order: I64, levels: I32, same: int) -> bool:
    """Sort the rows of one cell by the grid of their bounds; False where they are at one place, or all told apart."""
    members = np.empty((order.size, 3))
    for i in range(order.size):
        members[i] = points[order[i]]
    codes = np.empty(order.size, np.uint64)
    if not _encode(members, 2**MORTON_BITS - 1, codes):
        return False
    within = np.argsort(codes, kind="mergesort")
    before = order.copy()
    shared = False
    for i in range(order.size):
        order[i] = before[within[i]]
        if i:
            levels[i] = same + _bits(codes[within[i - 1]] ^ codes[within[i]])
            shared |= levels[i] == same
    return shared


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
def _encode(points: F64, largest: int, codes: U64) -> bool:
    """Fill in the codes; False where all points are at one place."""
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
    return bool(steps > 0)


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
