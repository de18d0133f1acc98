"""Colours that make a cloud look like a picture from one place, everything else about it left as it is.

Colours enter blending linearly: a pixel is the sum of what each spot adds to it, times its colour. Each round draws
the cloud and gives every spot the mean of what its pixels lack, weighted by what it adds to them: SIRT (Gilbert 1972)
with the colours held within what a screen shows. Both are done tile by tile, so that no weight is ever stored.
"""

import numpy as np

from immichvr_splats.cloud import Camera, GaussianCloud
from immichvr_splats.color import dc_coefficients
from immichvr_splats.compiled import F32, I64, U8, U64, fused_kernel, kernel, summing_kernel
from immichvr_splats.rendering.blending import (
    FINISHED,
    LARGEST_ALPHA,
    LEAST_ALPHA,
    draw_tile,
    falloff,
    span_in_tile,
)
from immichvr_splats.rendering.colors import color_spots
from immichvr_splats.rendering.projection import DILATION, project_cloud, view_of
from immichvr_splats.rendering.spots import BLUE, OPACITY, RED, WIDTH, XX, XY, YY, X, Y
from immichvr_splats.rendering.tiles import INDEX_BITS, TILE, count_in_tiles, put_into_tiles, tiles_along

_RELAXATION = np.float32(1.5)  # converges below 2
_SEEN = np.float32(0.35)  # of what a spot would add were nothing before it: one that adds less moves by as much less
_THIN = np.float32(0.1)  # alpha below which a pixel's lack is not made up for in full
_LEAST_SHARPNESS = np.float32(0.5e-6)
_PI = np.float32(np.pi)
_PIXELS = TILE * TILE
_PLANES = 5  # as draw_tile has them; afterwards, transmittance and what red, green, blue lack
_STEP = np.uint64(_PIXELS)
_OF_ROW = np.uint64(TILE)
_INDEX = np.uint64((1 << INDEX_BITS) - 1)


def fit_colors(cloud: GaussianCloud, camera: Camera, picture: U8, freedom: F32, rounds: int) -> F32:
    """Constant harmonics, (N, 3), with which `cloud` comes closer to what `camera` is to see.

    picture: (h, w, 3) uint8, sRGB, of the camera's size. cloud: without higher harmonics. freedom: (N,), 0…1, to
    change from what they are. Colours stay within 0 to 255, and those of Gaussians that are not seen as they are;
    what is mostly hidden changes little, since another camera may see it. On one thread; the same on every call, but to
    a millionth in the process that compiled the kernels.
    """
    spots = np.empty((cloud.count, WIDTH), np.float32)
    project_cloud(cloud, camera, view_of(cloud, camera), DILATION, False, spots)
    color_spots(cloud.means, cloud.sh, np.zeros(3), spots)
    rows = tiles_along(camera.height)
    counts = np.zeros((rows, tiles_along(camera.width)), np.int64)
    count_in_tiles(spots, counts)
    ends = np.concatenate(([0], np.cumsum(counts)))
    members = np.empty(ends[-1], np.uint64)
    put_into_tiles(spots, 0, rows, 0, ends[:-1].reshape(counts.shape).copy(), members)
    starts = np.stack([ends[row * counts.shape[1] : (row + 1) * counts.shape[1] + 1] for row in range(rows)])
    for _ in range(rounds):
        lacks = np.zeros((cloud.count, 4), np.float32)
        for row in range(rows):
            _compare_row(row, spots, starts[row], members, picture, lacks)
        _add_lacks(spots, lacks, freedom)
    fitted = cloud.sh[:, 0].copy()
    seen = spots[:, OPACITY] > 0
    fitted[seen] = dc_coefficients(255 * spots[seen, RED : BLUE + 1])
    return fitted


@kernel
def _add_lacks(spots: F32, lacks: F32, freedom: F32) -> None:
    for i in range(spots.shape[0]):
        if spots[i, OPACITY] == 0:
            continue
        xx, xy, yy = spots[i, XX], spots[i, XY], spots[i, YY]
        # Of a spot longer than a thousand pixels the difference is lost in rounding: it counts as no longer than that.
        sharpness = max(xx * yy - np.float32(0.25) * xy * xy, _LEAST_SHARPNESS * (xx + yy))
        alone = _PI * spots[i, OPACITY] / np.sqrt(sharpness)
        step = freedom[i] * _RELAXATION / max(lacks[i, 0], _SEEN * alone)
        for channel in range(3):
            color = spots[i, RED + channel] + step * lacks[i, channel + 1]
            spots[i, RED + channel] = min(max(color, np.float32(0)), np.float32(1))


@fused_kernel
def _compare_row(row: int, spots: F32, starts: I64, members: U64, picture: U8, lacks: F32) -> None:
    """Add to `lacks`, (N, 4), what each spot adds to the pixels of a row of tiles, and that times what they lack.

    starts: (columns + 1,) where in `members`, which become sorted, those of each tile begin.
    """
    height, width = picture.shape[0], picture.shape[1]
    planes = np.empty(_PLANES * _PIXELS, np.float32)
    top = row * TILE
    tall = min(TILE, height - top)
    for column in range(starts.shape[0] - 1):
        left = column * TILE
        wide = min(TILE, width - left)
        inside = members[starts[column] : starts[column + 1]]
        drawn = draw_tile(spots, inside, left, top, wide, tall, planes)
        for y in range(tall):
            for x in range(wide):
                at = y * TILE + x
                share = np.float32(1) / max(np.float32(1) - planes[at], _THIN)
                for channel in range(3):
                    wanted = np.float32(picture[top + y, left + x, channel]) / np.float32(255)
                    plane = (channel + 1) * _PIXELS + at
                    planes[plane] = share * (wanted - planes[plane])
        for y in range(TILE):
            planes[y * TILE : y * TILE + wide] = np.float32(1)
            planes[y * TILE + wide : (y + 1) * TILE] = np.float32(0)  # spots are drawn beyond the picture, too
        for k in range(drawn):
            _collect(spots, inside[k] & _INDEX, left, top, wide, tall, planes, lacks)


@fused_kernel
def _collect(spots: F32, i: int, left: int, top: int, wide: int, tall: int, planes: F32, lacks: F32) -> None:
    x = spots[i, X] - np.float32(left) - np.float32(0.5)
    y = spots[i, Y] - np.float32(top) - np.float32(0.5)
    opacity, xx, xy, yy = spots[i, OPACITY], spots[i, XX], spots[i, XY], spots[i, YY]
    first_row, last_row, _, _ = span_in_tile(spots, i, x, y, wide, tall)
    for row in range(first_row, last_row + 1):
        dy = np.float32(row) - y
        cross, rest = xy * dy, yy * dy * dy
        begin = np.uint64(row) * _OF_ROW
        for px in range(_OF_ROW):
            at = begin + px
            dx = np.float32(np.int32(px)) - x
            alpha = min(opacity * falloff((xx * dx + cross) * dx + rest), LARGEST_ALPHA)
            left_over = planes[at]
            seen = (alpha >= LEAST_ALPHA) & (left_over >= FINISHED)
            weight = alpha * left_over if seen else np.float32(0)
            planes[at] = left_over - weight
            planes[at + np.uint64(4) * _STEP] = weight
    if last_row >= first_row:
        weight, red, green, blue = _sums(planes, np.uint64(first_row) * _OF_ROW, np.uint64(last_row + 1) * _OF_ROW)
        lacks[i, 0] += weight
        lacks[i, 1] += red
        lacks[i, 2] += green
        lacks[i, 3] += blue


@summing_kernel
def _sums(planes: F32, begin: np.uint64, end: np.uint64) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    weight = red = green = blue = np.float32(0)
    for at in range(begin, end):
        one = planes[at + np.uint64(4) * _STEP]
        weight += one
        red += one * planes[at + _STEP]
        green += one * planes[at + np.uint64(2) * _STEP]
        blue += one * planes[at + np.uint64(3) * _STEP]
    return weight, red, green, blue
