"""Which spots reach into each tile of a picture."""

import numpy as np

from immichvr_splats.compiled import F32, I64, U64, kernel
from immichvr_splats.rendering.spots import DISTANCE, OPACITY, REACH_X, REACH_Y, X, Y

TILE = 16
"""Pixels of a tile's side."""

INDEX_BITS = 32


def tiles_along(pixels: int) -> int:
    return -(-pixels // TILE)


@kernel
def count_in_tiles(spots: F32, counts: I64) -> None:
    """Add to `counts`, (rows, columns), how many of `spots`, (N, WIDTH), reach into each tile."""
    rows, columns = counts.shape
    for i in range(spots.shape[0]):
        if spots[i, OPACITY] > 0:
            left, right = _span(spots[i, X], spots[i, REACH_X], columns)
            top, bottom = _span(spots[i, Y], spots[i, REACH_Y], rows)
            for row in range(top, bottom + 1):
                for column in range(left, right + 1):
                    counts[row, column] += 1


@kernel
def total_in_tiles(spots: F32, rows: int, columns: int) -> int:
    """The sum of what `count_in_tiles` adds, without going through the tiles."""
    total = 0
    for i in range(spots.shape[0]):
        if spots[i, OPACITY] > 0:
            left, right = _span(spots[i, X], spots[i, REACH_X], columns)
            top, bottom = _span(spots[i, Y], spots[i, REACH_Y], rows)
            total += (right - left + 1) * (bottom - top + 1)
    return total


@kernel
def put_into_tiles(spots: F32, first: int, all_rows: int, first_row: int, ends: I64, members: U64) -> None:
    """Put spots, (N, WIDTH), of which the first has the index `first`, where tiles begin, and advance that.

    ends: (rows, columns), where in `members` the next of each tile goes, of the rows of tiles from `first_row` of
    `all_rows`. A member is a spot's distance above its index: sorted, they are in the order in which they are seen.
    """
    rows, columns = ends.shape
    for i in range(spots.shape[0]):
        if spots[i, OPACITY] > 0:
            left, right = _span(spots[i, X], spots[i, REACH_X], columns)
            top, bottom = _span(spots[i, Y], spots[i, REACH_Y], all_rows)
            distance = np.uint64(
                np.float32(spots[i, DISTANCE]).view(np.uint32)
            )  # bits of positive numbers are in their order
            member = distance << np.uint64(INDEX_BITS) | np.uint64(first + i)
            for row in range(max(top - first_row, 0), min(bottom - first_row + 1, rows)):
                for column in range(left, right + 1):
                    members[ends[row, column]] = member
                    ends[row, column] += 1


@kernel
def _span(middle: np.float32, reach: np.float32, tiles: int) -> tuple[int, int]:
    last = np.float32(tiles * TILE - 1)
    first_pixel = min(max(middle - reach, np.float32(0)), last)
    last_pixel = min(max(middle + reach, np.float32(0)), last)
    return int(first_pixel) // TILE, int(last_pixel) // TILE
