"""Which parts of hidden surfaces a sidestep reveals, and how deep they lie.

Everything is on a grid of half the resolution, with shifts in half cells. A seed is a block on the far side of
a step: the last visible part of a surface before it disappears behind something nearer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from immichvr_depth.compiled import Floats, Indices, Mask, kernel

_MARGIN = 2.0  # half cells beyond what the sidestep reveals
_STRAIGHT = 24.0  # half cells over which a slope is carried on before it levels out
_BEHIND = 0.5  # half cells of shift by which a surface must be farther to be behind
_BLEND = 0.02  # weight of a colour at a step among pure ones
_SEED_WINDOW = 5  # half cells around a seed whose surface says its slope and its mean colour


@dataclass(frozen=True)
class Blocks:
    """2×2 blocks of the grid. near, far: (h, w) shift of the nearest and the farthest surface in each.

    slope: (h, w, 2) change of shift along y and x, and colours: (h, w, 3), of the farthest surface. purity: (h,
    w), near 0 where they may be blends with the nearest.
    """

    near: Floats
    far: Floats
    slope: Floats
    colours: Floats
    purity: Floats


@dataclass(frozen=True)
class Seeds:
    """n seeds. cells: (n, 2) as (y, x). reach: (n,) half cells that the sidestep opens beside each.

    slopes: (n, 2) change of shift along y and x. colours: (n, 3) mean of the surface around.
    """

    cells: Indices
    reach: Floats
    slopes: Floats
    colours: Floats


@dataclass(frozen=True)
class Continuation:
    """Surfaces carried on behind others. owner: (h, w) index of the seed, -1 where nothing is.

    shift, slope: (h, w) and (h, w, 2) of the hidden surface where there is one. distance: (h, w) half cells from
    the seed.
    """

    owner: Indices
    shift: Floats
    slope: Floats
    distance: Floats


def split_blocks(shift: Floats, gradient: Floats, colours: Floats, blends: Mask) -> Blocks:
    """Halve a grid without mixing surfaces.

    shift: (h, w) cells. gradient: (h, w, 2) along x and y. colours: (h, w, 3). blends: (h, w) cells at steps.
    """
    return Blocks(*_split_blocks(shift, gradient, colours, blends))


def find_seeds(shift: Floats, right: Mask, down: Mask, blocks: Blocks) -> Seeds:
    """The far sides of the steps (edges.py) of a grid of shift in cells."""
    gaps = _gaps_to_fill(shift, right, down)
    cells = np.argwhere(gaps > 0).astype(np.int32)
    slopes, colours = _describe_seeds(cells, blocks.near, blocks.far, blocks.slope, blocks.colours, blocks.purity)
    return Seeds(cells, gaps[gaps > 0] + np.float32(_MARGIN), slopes, colours)


def carry_on(blocks: Blocks, seeds: Seeds, before: Continuation | None = None) -> Continuation:
    """Carry every seed's surface on behind what stands in front of it.

    Where several could be, the one that the smallest movement reveals: nearest to its seed for the gap it opens.
    With `before`, only what lies behind that as well.
    """
    front = blocks.near if before is None else np.where(before.owner >= 0, before.shift, blocks.near)
    rims_stay = before is None
    owner, shift, distance = _carry_on(
        blocks.near, front, blocks.far, seeds.cells, seeds.reach, seeds.slopes, rims_stay
    )
    slope = blocks.slope.copy()
    slope[owner >= 0] = seeds.slopes[owner[owner >= 0]]
    return Continuation(owner, shift, slope, distance)


@kernel
def _split_blocks(
    shift: Floats, gradient: Floats, colours: Floats, blends: Mask
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Nearest shift, and of the farthest surface shift, slope, colour and purity, of 2×2 blocks."""
    height, width = shift.shape
    half_height, half_width = (height + 1) // 2, (width + 1) // 2
    near = np.empty((half_height, half_width), np.float32)
    far = np.empty((half_height, half_width), np.float32)
    slope = np.empty((half_height, half_width, 2), np.float32)
    colour = np.empty((half_height, half_width, 3), np.float32)
    purity = np.empty((half_height, half_width), np.float32)
    for y in range(half_height):
        for x in range(half_width):
            bottom, end = min(2 * y + 2, height), min(2 * x + 2, width)
            highest, lowest = shift[2 * y, 2 * x], shift[2 * y, 2 * x]
            for ny in range(2 * y, bottom):
                for nx in range(2 * x, end):
                    highest = max(highest, shift[ny, nx])
                    lowest = min(lowest, shift[ny, nx])
            red = green = blue = depth = count = pure = along_y = along_x = 0.0
            for ny in range(2 * y, bottom):
                for nx in range(2 * x, end):
                    steepness = abs(gradient[ny, nx, 0]) + abs(gradient[ny, nx, 1])
                    if shift[ny, nx] <= lowest + 2.0 * _BEHIND + steepness:
                        w = _BLEND if blends[ny, nx] else 1.0
                        red += w * colours[ny, nx, 0]
                        green += w * colours[ny, nx, 1]
                        blue += w * colours[ny, nx, 2]
                        depth += shift[ny, nx]
                        along_y += gradient[ny, nx, 1]
                        along_x += gradient[ny, nx, 0]
                        pure += w
                        count += 1.0
            near[y, x] = 0.5 * highest
            far[y, x] = 0.5 * depth / count
            slope[y, x, 0], slope[y, x, 1] = along_y / count, along_x / count
            colour[y, x, 0], colour[y, x, 1], colour[y, x, 2] = red / pure, green / pure, blue / pure
            purity[y, x] = pure / count
    return near, far, slope, colour, purity


@kernel
def _gaps_to_fill(shift: Floats, right: Mask, down: Mask) -> Floats:
    """For every block on the far side of a step: how far the sidestep opens it, in half cells; else 0."""
    height, width = shift.shape
    gaps = np.zeros(((height + 1) // 2, (width + 1) // 2), np.float32)
    for y in range(height):
        for x in range(width):
            if right[y, x]:
                gap = 0.5 * (shift[y, x + 1] - shift[y, x])
                far_x = x if gap > 0 else x + 1
                gaps[y // 2, far_x // 2] = max(gaps[y // 2, far_x // 2], abs(gap))
            if down[y, x]:
                gap = 0.5 * (shift[y + 1, x] - shift[y, x])
                far_y = y if gap > 0 else y + 1
                gaps[far_y // 2, x // 2] = max(gaps[far_y // 2, x // 2], abs(gap))
    return gaps


@kernel
def _describe_seeds(
    seeds: Indices, near: Floats, far: Floats, slope: Floats, colour: Floats, purity: Floats
) -> tuple[Floats, Floats]:
    """Slope of the shift (n, 2: along y, x) and mean colour (n, 3) of the surface around each seed."""
    height, width = far.shape
    count = seeds.shape[0]
    slopes = np.zeros((count, 2), np.float32)
    means = np.zeros((count, 3), np.float32)
    for i in range(count):
        y, x = seeds[i, 0], seeds[i, 1]
        slopes[i] = slope[y, x]
        syy = sxx = sxy = sy = sx = sd = sdy = sdx = total = 0.0
        red = green = blue = pure = 0.0
        for ny in range(max(0, y - _SEED_WINDOW), min(height, y + _SEED_WINDOW + 1)):
            for nx in range(max(0, x - _SEED_WINDOW), min(width, x + _SEED_WINDOW + 1)):
                dy, dx = ny - y, nx - x
                d = far[ny, nx] - far[y, x] - dy * slope[y, x, 0] - dx * slope[y, x, 1]
                limit = _BEHIND * (1.0 + 0.5 * max(abs(dy), abs(dx)))
                steepness = abs(slope[ny, nx, 0]) + abs(slope[ny, nx, 1])
                if abs(d) > limit or near[ny, nx] - far[ny, nx] > limit + steepness:
                    continue
                total += 1.0
                sy += dy
                sx += dx
                syy += dy * dy
                sxx += dx * dx
                sxy += dy * dx
                sd += d
                sdy += d * dy
                sdx += d * dx
                w = purity[ny, nx]
                pure += w
                red += w * colour[ny, nx, 0]
                green += w * colour[ny, nx, 1]
                blue += w * colour[ny, nx, 2]
        if total < 8.0:
            means[i] = colour[y, x]
            continue
        means[i, 0], means[i, 1], means[i, 2] = red / pure, green / pure, blue / pure
        # Least squares for d = a + b·dy + c·dx, from the centred moments; ridge keeps thin windows calm.
        cyy, cxx = syy - sy * sy / total + total, sxx - sx * sx / total + total
        cxy = sxy - sy * sx / total
        cdy, cdx = sdy - sd * sy / total, sdx - sd * sx / total
        determinant = cyy * cxx - cxy * cxy
        slopes[i, 0] += (cdy * cxx - cdx * cxy) / determinant
        slopes[i, 1] += (cdx * cyy - cdy * cxy) / determinant
    return slopes, means


@kernel
def _carried_on(base: float, slope_y: float, slope_x: float, dy: float, dx: float, floor: float) -> float:
    distance = np.sqrt(dy * dy + dx * dx)
    if distance > 0.0:
        damping = _STRAIGHT * np.tanh(distance / _STRAIGHT) / distance
        base += damping * (slope_y * dy + slope_x * dx)
    return max(base, floor)


@kernel
def _carry_on(
    near: Floats,
    front: Floats,
    far: Floats,
    seeds: Indices,
    reach: Floats,
    slopes: Floats,
    rims_stay: bool,
) -> tuple[Indices, Floats, Floats]:
    """Vector distance transform (Danielsson 1980) with conditions.

    A surface goes on only behind `front`, and no farther from its seed than a gap opens there.
    """
    height, width = near.shape
    owner = np.full((height, width), -1, np.int32)
    distance = np.full((height, width), np.inf, np.float32)
    movement = np.full((height, width), np.inf, np.float32)
    shift = far.copy()
    floor = far.min()
    for i in range(seeds.shape[0]):
        owner[seeds[i, 0], seeds[i, 1]] = i
        distance[seeds[i, 0], seeds[i, 1]] = 0.0
        if rims_stay:
            movement[seeds[i, 0], seeds[i, 1]] = 0.0
    for sweep in range(4):
        backward = sweep % 2 == 1
        for row in range(height):
            y = height - 1 - row if backward else row
            for direction in range(2):
                for column in range(width):
                    x = width - 1 - column if direction == 1 else column
                    for k in range(4):
                        if k == 3:
                            ny, nx = y, x + (1 if direction == 1 else -1)
                        else:
                            ny, nx = y + (1 if backward else -1), x + k - 1
                        if not (0 <= ny < height and 0 <= nx < width):
                            continue
                        i = owner[ny, nx]
                        if i < 0 or i == owner[y, x]:
                            continue
                        dy, dx = float(y - seeds[i, 0]), float(x - seeds[i, 1])
                        d = np.sqrt(dy * dy + dx * dx)
                        if d > reach[i]:
                            continue
                        start = far[seeds[i, 0], seeds[i, 1]]
                        behind = _carried_on(start, slopes[i, 0], slopes[i, 1], dy, dx, floor)
                        gap = near[y, x] - behind
                        if front[y, x] - behind <= _BEHIND or d > gap + _MARGIN or d / gap >= movement[y, x]:
                            continue
                        owner[y, x] = i
                        distance[y, x] = d
                        movement[y, x] = d / gap
                        shift[y, x] = behind
    return owner, shift, distance
