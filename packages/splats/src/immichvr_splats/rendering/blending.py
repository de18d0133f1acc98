"""Drawing of the spots in each tile, front to back, eight pixels of a row at once.

What makes it fast: the pixels of a tile stay in the cache nearest to the core, in planes of one array, so that LLVM can
tell that they do not overlap; exp is a polynomial without a branch, which is enough where alpha is above 1/255; loops
over eight pixels become one vector instruction each.
"""

import numpy as np

from immichvr_splats.compiled import F32, I64, U64, fused_kernel
from immichvr_splats.rendering.spots import (
    BLUE,
    DEPTH,
    GREEN,
    OPACITY,
    REACH_X,
    REACH_Y,
    RED,
    XX,
    XY,
    YY,
    X,
    Y,
)  # fmt: skip
from immichvr_splats.rendering.tiles import INDEX_BITS, TILE

_PIXELS = TILE * TILE
_PLANES = 5  # transmittance, red, green, blue, depth
_STEP = np.uint64(_PIXELS)
_AT_ONCE = np.uint64(8)
_OF_ROW = np.uint64(TILE)
_INDEX = np.uint64((1 << INDEX_BITS) - 1)
LEAST_ALPHA = np.float32(1 / 255)
LARGEST_ALPHA = np.float32(0.999)
FINISHED = np.float32(1e-4)
"""Transmittance below which nothing is added to a pixel."""
LOOK_AFTER = 8
"""Spots after which it is looked whether the tile is finished."""

_FINISHED_BITS = FINISHED.view(np.int32)
_LARGEST_POWER = np.float32(5.6)  # exp(-5.6) is below 1/255
_EIGHTH = np.float32(0.125)
# exp(-y) for y from 0 to 0.7, to 8e-8 of itself (Lawson's algorithm); its eighth power for what is eight times y.
_E0, _E1, _E2 = np.float32(0.999999920512742), np.float32(-0.9999925393032238), np.float32(0.49988258726063645)
_E3, _E4, _E5 = np.float32(-0.16597397513677897), np.float32(0.039772561307805765), np.float32(-0.005846759903508451)


@fused_kernel
def draw_row(row: int, spots: F32, starts: I64, members: U64, rgb: F32, alpha: F32, depth: F32) -> None:
    """Draw a row of tiles into rgb (h, w, 3), alpha and depth (h, w).

    starts: (columns + 1,) where in `members`, which become sorted, those of each tile begin.
    """
    height, width = alpha.shape
    planes = np.empty(_PLANES * _PIXELS, np.float32)
    top = row * TILE
    tall = min(TILE, height - top)
    for column in range(starts.shape[0] - 1):
        left = column * TILE
        wide = min(TILE, width - left)
        draw_tile(spots, members[starts[column] : starts[column + 1]], left, top, wide, tall, planes)
        for y in range(tall):
            for x in range(wide):
                at = y * TILE + x
                covered = np.float32(1) - planes[at]
                alpha[top + y, left + x] = covered
                for channel in range(3):
                    rgb[top + y, left + x, channel] = planes[(channel + 1) * _PIXELS + at]
                far = planes[4 * _PIXELS + at]
                depth[top + y, left + x] = far / covered if covered > np.float32(1e-6) else np.float32(0)


@fused_kernel
def draw_tile(spots: F32, inside: U64, left: int, top: int, wide: int, tall: int, planes: F32) -> int:
    """Draw the spots of a tile, which become sorted, into its planes: transmittance, red, green, blue, depth.

    Returns how many of them were drawn: none is seen behind those.
    """
    planes[:_PIXELS] = np.float32(1)
    planes[_PIXELS:] = np.float32(0)
    inside.sort()
    for k in range(inside.size):
        _draw_spot(spots, inside[k] & _INDEX, left, top, wide, tall, planes)
        if k % LOOK_AFTER == LOOK_AFTER - 1 and is_finished(planes):
            return k + 1
    return int(inside.size)


@fused_kernel
def _draw_spot(spots: F32, i: int, left: int, top: int, wide: int, tall: int, planes: F32) -> None:
    """Add a spot, behind those before it, to a tile's planes: transmittance, red, green, blue, depth."""
    x = spots[i, X] - np.float32(left) - np.float32(0.5)
    y = spots[i, Y] - np.float32(top) - np.float32(0.5)
    opacity, xx, xy, yy = spots[i, OPACITY], spots[i, XX], spots[i, XY], spots[i, YY]
    red, green, blue, depth = spots[i, RED], spots[i, GREEN], spots[i, BLUE], spots[i, DEPTH]
    first_row, last_row, first_part, last_part = span_in_tile(spots, i, x, y, wide, tall)
    for row in range(first_row, last_row + 1):
        dy = np.float32(row) - y
        cross, rest = xy * dy, yy * dy * dy
        for part in range(first_part, last_part):
            begin = np.uint64(row) * _OF_ROW + part * _AT_ONCE
            aside = np.float32(np.int32(part) * np.int32(8)) - x
            for px in range(_AT_ONCE):
                at = begin + px
                dx = np.float32(np.int32(px)) + aside
                alpha = min(opacity * falloff((xx * dx + cross) * dx + rest), LARGEST_ALPHA)
                left_over = planes[at]
                seen = (alpha >= LEAST_ALPHA) & (left_over >= FINISHED)
                weight = alpha * left_over if seen else np.float32(0)
                planes[at] = left_over - weight
                planes[at + _STEP] += weight * red
                planes[at + np.uint64(2) * _STEP] += weight * green
                planes[at + np.uint64(3) * _STEP] += weight * blue
                planes[at + np.uint64(4) * _STEP] += weight * depth


@fused_kernel
def span_in_tile(
    spots: F32, i: int, x: np.float32, y: np.float32, wide: int, tall: int
) -> tuple[int, int, np.uint64, np.uint64]:
    """The first and the last row of a tile that a spot around (x, y) reaches, and its eights of pixels, from and to."""
    # Within the tile at both ends: far off, a float32 is off by more than a tile, and by more than an integer holds.
    first_row = int(min(max(np.float32(0), np.ceil(y - spots[i, REACH_Y])), np.float32(tall)))
    last_row = int(max(min(np.float32(tall - 1), np.floor(y + spots[i, REACH_Y])), np.float32(-1)))
    first_part = np.uint64(int(min(max(np.float32(0), np.ceil(x - spots[i, REACH_X])), np.float32(wide))) >> 3)
    last_x = max(min(np.float32(wide - 1), np.floor(x + spots[i, REACH_X])), np.float32(-1))
    last_part = np.uint64((int(last_x) >> 3) + 1)
    return first_row, last_row, first_part, last_part


@fused_kernel
def falloff(power: np.float32) -> np.float32:
    """exp(-power) for 0 or more, below 1/255 as soon as that is."""
    part = min(power, _LARGEST_POWER) * _EIGHTH
    e = ((((_E5 * part + _E4) * part + _E3) * part + _E2) * part + _E1) * part + _E0
    e *= e
    e *= e
    return np.float32(e * e)


@fused_kernel
def is_finished(planes: F32) -> bool:
    """Whether no pixel of a tile, whose transmittances are the first of `planes`, is to get anything any more."""
    bits = planes.view(np.int32)
    most = np.int32(0)
    for at in range(_STEP):
        most = max(most, bits[at])
    return bool(most < _FINISHED_BITS)
