"""Gradients of the spots in each tile, front to back, in the order in which they were drawn.

Behind a spot lies what the whole pixel got less what came from it and before it: one number a pixel, since the
gradient of the pixel is known by then. As in the renderer, eight pixels of a row at once, in planes of one array.
"""

import numpy as np
from immichvr_splats.compiled import F32, I64, U64, fused_kernel, kernel
from immichvr_splats.rendering.blending import FINISHED, LARGEST_ALPHA, LEAST_ALPHA, LOOK_AFTER, falloff, is_finished
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

MOMENTS = 10
"""Sums over the pixels of a spot: red, green, blue and depth times weight; the power's gradient times 1, dx, dy, dx²,
dx dy, dy²."""

_PIXELS = TILE * TILE
_PLANES = 6  # transmittance, what is behind, gradients of red, green, blue, depth
_STEP = np.uint64(_PIXELS)
_AT_ONCE = np.uint64(8)
_OF_ROW = np.uint64(TILE)
_SUMS = np.uint64(_PLANES * _PIXELS)
_INDEX = np.uint64((1 << INDEX_BITS) - 1)
_ONE = np.float32(1)
_NOTHING = np.float32(0)


@fused_kernel
def moments_of_row(
    row: int, spots: F32, starts: I64, members: U64, rest: F32, of_rgb: F32, of_depth: F32, moments: F32
) -> None:
    """Fill in `moments`, (members, MOMENTS), those of a row of tiles; zeros before.

    rest: (h, w) what all spots of a pixel add to the loss, to first order. of_rgb: (h, w, 3), of_depth: (h, w).
    """
    height, width = rest.shape
    planes = np.zeros(_PLANES * _PIXELS + MOMENTS * 8, np.float32)
    top = row * TILE
    tall = min(TILE, height - top)
    for column in range(starts.shape[0] - 1):
        left = column * TILE
        wide = min(TILE, width - left)
        planes[:_PIXELS] = _ONE
        planes[_PIXELS:] = _NOTHING
        for y in range(tall):
            for x in range(wide):
                at = y * TILE + x
                planes[_PIXELS + at] = rest[top + y, left + x]
                for channel in range(3):
                    planes[(channel + 2) * _PIXELS + at] = of_rgb[top + y, left + x, channel]
                planes[5 * _PIXELS + at] = of_depth[top + y, left + x]
        for k in range(starts[column + 1] - starts[column]):
            member = starts[column] + k
            _moments_of_spot(spots, members[member] & _INDEX, left, top, wide, tall, planes, moments, member)
            if k % LOOK_AFTER == LOOK_AFTER - 1 and is_finished(planes):
                break


@fused_kernel
def _moments_of_spot(
    spots: F32, i: int, left: int, top: int, wide: int, tall: int, planes: F32, moments: F32, member: int
) -> None:
    x = spots[i, X] - np.float32(left) - np.float32(0.5)
    y = spots[i, Y] - np.float32(top) - np.float32(0.5)
    opacity, xx, xy, yy = spots[i, OPACITY], spots[i, XX], spots[i, XY], spots[i, YY]
    red, green, blue, depth = spots[i, RED], spots[i, GREEN], spots[i, BLUE], spots[i, DEPTH]
    first_row = int(min(max(np.float32(0), np.ceil(y - spots[i, REACH_Y])), np.float32(tall)))
    last_row = int(max(min(np.float32(tall - 1), np.floor(y + spots[i, REACH_Y])), np.float32(-1)))
    first_part = np.uint64(int(min(max(np.float32(0), np.ceil(x - spots[i, REACH_X])), np.float32(wide))) >> 3)
    last_x = max(min(np.float32(wide - 1), np.floor(x + spots[i, REACH_X])), np.float32(-1))
    last_part = np.uint64((int(last_x) >> 3) + 1)
    for k in range(np.uint64(MOMENTS * 8)):
        planes[_SUMS + k] = _NOTHING
    for row in range(first_row, last_row + 1):
        dy = np.float32(row) - y
        cross, square = xy * dy, yy * dy * dy
        for part in range(first_part, last_part):
            begin = np.uint64(row) * _OF_ROW + part * _AT_ONCE
            aside = np.float32(np.int32(part) * np.int32(8)) - x
            for px in range(_AT_ONCE):
                at = begin + px
                dx = np.float32(np.int32(px)) + aside
                full = opacity * falloff((xx * dx + cross) * dx + square)
                alpha = min(full, LARGEST_ALPHA)
                left_over = planes[at]
                seen = (alpha >= LEAST_ALPHA) & (left_over >= FINISHED)
                weight = alpha * left_over if seen else _NOTHING
                of_red, of_green = planes[at + np.uint64(2) * _STEP], planes[at + np.uint64(3) * _STEP]
                of_blue, of_depth = planes[at + np.uint64(4) * _STEP], planes[at + np.uint64(5) * _STEP]
                worth = of_red * red + of_green * green + of_blue * blue + of_depth * depth
                behind = planes[at + _STEP] - weight * worth
                slope = full * (behind / (_ONE - alpha) - left_over * worth)
                slope = slope if seen & (full < LARGEST_ALPHA) else _NOTHING
                planes[at] = left_over - weight
                planes[at + _STEP] = behind
                sums = _SUMS + px
                planes[sums] += weight * of_red
                planes[sums + np.uint64(8)] += weight * of_green
                planes[sums + np.uint64(16)] += weight * of_blue
                planes[sums + np.uint64(24)] += weight * of_depth
                planes[sums + np.uint64(32)] += slope
                planes[sums + np.uint64(40)] += slope * dx
                planes[sums + np.uint64(48)] += slope * dy
                planes[sums + np.uint64(56)] += slope * dx * dx
                planes[sums + np.uint64(64)] += slope * dx * dy
                planes[sums + np.uint64(72)] += slope * dy * dy
    for moment in range(MOMENTS):
        total = _NOTHING
        for k in range(8):
            total += planes[_PLANES * _PIXELS + moment * 8 + k]
        moments[member, moment] = total


@kernel
def gather(spots: F32, members: U64, moments: F32, found: F32) -> None:
    """Add up the gradient of each of `spots`, (N, WIDTH), into `found`, zeros before, in the order of the members."""
    for member in range(members.shape[0]):
        i = members[member] & _INDEX
        one = moments[member]
        xx, xy, yy = spots[i, XX], spots[i, XY], spots[i, YY]
        found[i, RED] += one[0]
        found[i, GREEN] += one[1]
        found[i, BLUE] += one[2]
        found[i, DEPTH] += one[3]
        found[i, OPACITY] -= one[4] / spots[i, OPACITY]
        found[i, X] -= np.float32(2) * xx * one[5] + xy * one[6]
        found[i, Y] -= np.float32(2) * yy * one[6] + xy * one[5]
        found[i, XX] += one[7]
        found[i, XY] += one[8]
        found[i, YY] += one[9]
