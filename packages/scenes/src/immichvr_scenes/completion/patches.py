"""Texture for holes out of patches of what is known: coarse to fine, each hole pixel agreed on by all patches over it.

Source: Wexler, Shechtman, Irani, "Space-Time Completion of Video" (2007), for the agreement; Barnes et al.,
"PatchMatch" (2009), for finding patches. Patches of surfaces that lie at another depth cost more, so that a foreground
is not copied into the background that it hides.
"""

from __future__ import annotations

import cv2
import numpy as np
from immichvr_depth.compiled import Floats, Indices, Mask, kernel

RADIUS = 3
"""Of patches, pixels."""
_SMALLEST = 24
"""Pixels of the shorter side of the coarsest picture."""
_ROUNDS = 3
_SWEEPS = 2
_SHARPER = 4.0
"""Of patches that differ, the better ones count by this much more than by their usual difference."""
_MOST_TRIES = 1 << 22
"""Patches held against pixels where a picture is grown inwards: half a second. Holes scattered all over leave no
smaller picture with whole patches, and then the coarsest one is the picture itself."""
_COARSEST_DETAIL = 6.0
"""Pixels: what is coarser comes from the guess, which meets its rim; of the patches the detail is taken."""
_OTHER_DEPTH = 0.15
"""What a patch costs at twice the depth, or half, over a difference of 1 in every colour."""


def paint(rgb: Floats, depth: Floats, missing: Mask, seed: int = 0) -> Floats:
    """The picture, (h, w, 3) float32 from 0 to 1, with texture where it is missing; the same for the same seed.

    rgb: with some guess where it is missing (carrying.py). depth: (h, w), > 0, everywhere.
    """
    if not missing.any() or not _sources(missing).any():
        return rgb
    levels = [(rgb, np.log(depth).astype(np.float32), missing)]
    while min(levels[-1][2].shape) >= 2 * _SMALLEST and len(levels) < 6:
        smaller = _halved(*levels[-1])
        if not _sources(smaller[2]).any():
            break
        levels.append(smaller)
    painted, nearest = levels[-1][0], None
    for number, (colours, depths, hole) in reversed([*enumerate(levels)]):
        if nearest is None:
            colours = _grown_inwards(colours, depths, hole)
        painted, nearest = _agree(colours, depths, hole, nearest, seed * 8 + number)
    detail = painted - cv2.GaussianBlur(painted, (0, 0), _COARSEST_DETAIL)
    return np.where(missing[..., None], np.clip(rgb + detail, 0, 1), rgb).astype(np.float32)


def _grown_inwards(rgb: Floats, depths: Floats, hole: Mask) -> Floats:
    """The coarsest picture with its hole filled pixel by pixel from the rim: something with texture to begin with."""
    away = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5)
    cells = np.argwhere(hole).astype(np.int32)
    cells = np.ascontiguousarray(cells[np.argsort(away[hole], kind="stable")])
    choice = np.argwhere(_sources(hole)).astype(np.int32)
    tried = min(len(choice), max(1, _MOST_TRIES // max(1, len(cells))))
    grown = rgb.copy()
    _grow(grown, depths, ~hole, choice[np.linspace(0, len(choice) - 1, tried).astype(int)], cells)
    return grown


def _halved(rgb: Floats, depths: Floats, hole: Mask) -> tuple[Floats, Floats, Mask]:
    size = (max(1, hole.shape[1] // 2), max(1, hole.shape[0] // 2))
    shrunk = [np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32) for image in (rgb, depths)]
    share = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return shrunk[0], shrunk[1], np.asarray(share > 0)


def _sources(hole: Mask) -> Mask:
    """Centres of patches that are all known and all inside."""
    square = np.ones((2 * RADIUS + 1, 2 * RADIUS + 1), np.uint8)
    outside = np.pad(hole.astype(np.uint8), RADIUS, constant_values=1)
    return np.asarray(cv2.dilate(outside, square)[RADIUS:-RADIUS, RADIUS:-RADIUS] == 0)


def _agree(rgb: Floats, depths: Floats, hole: Mask, coarse: Indices | None, seed: int) -> tuple[Floats, Indices]:
    """The picture and the patch that belongs to every pixel, (h, w, 2); coarse: those of the picture half the size."""
    square = np.ones((2 * RADIUS + 1, 2 * RADIUS + 1), np.uint8)
    cells = np.argwhere(cv2.dilate(hole.astype(np.uint8), square) > 0).astype(np.int32)
    sources = _sources(hole)
    choice = np.argwhere(sources).astype(np.int32)
    chance = np.random.default_rng(seed)
    nearest = np.zeros((*hole.shape, 2), np.int32)
    nearest[cells[:, 0], cells[:, 1]] = choice[chance.integers(0, len(choice), len(cells))]
    costs = np.full(hole.shape, np.inf, np.float32)
    if coarse is not None:
        _refine(nearest, coarse, sources, cells)
        costs[cells[:, 0], cells[:, 1]] = 0
        rgb = _vote(rgb, hole, cells, nearest, costs, 1.0)
    for _ in range(_ROUNDS):
        costs[:] = np.inf
        for sweep in range(_SWEEPS):
            _search(rgb, depths, sources, cells, nearest, costs, sweep, int(chance.integers(1, 1 << 31)))
        usual = float(np.percentile(costs[cells[:, 0], cells[:, 1]], 75)) + 1e-8
        rgb = _vote(rgb, hole, cells, nearest, costs, usual / _SHARPER)
    return rgb, nearest


@kernel
def _grow(rgb: Floats, depths: Floats, known: Mask, choice: Indices, cells: Indices) -> None:
    """Every cell gets the colour of the middle of the patch that fits best what is known around it by then."""
    height, width = known.shape
    for k in range(cells.shape[0]):
        y, x = cells[k, 0], cells[k, 1]
        least, best = np.inf, 0
        for i in range(choice.shape[0]):
            sy, sx = choice[i, 0], choice[i, 1]
            apart = depths[y, x] - depths[sy, sx]
            total, count = 0.0, 1e-6
            for dy in range(-RADIUS, RADIUS + 1):
                for dx in range(-RADIUS, RADIUS + 1):
                    py, px = y + dy, x + dx
                    if not (0 <= py < height and 0 <= px < width) or not known[py, px]:
                        continue
                    count += 3.0
                    for channel in range(3):
                        d = rgb[py, px, channel] - rgb[sy + dy, sx + dx, channel]
                        total += d * d
            cost = total / count + _OTHER_DEPTH * apart * apart
            if cost < least:
                least, best = cost, i
        known[y, x] = True
        for channel in range(3):
            rgb[y, x, channel] = rgb[choice[best, 0], choice[best, 1], channel]


@kernel
def _refine(nearest: Indices, coarse: Indices, sources: Mask, cells: Indices) -> None:
    """The patches of a picture half the size, where they are whole here too."""
    height, width = sources.shape
    for k in range(cells.shape[0]):
        y, x = cells[k, 0], cells[k, 1]
        cy, cx = min(y // 2, coarse.shape[0] - 1), min(x // 2, coarse.shape[1] - 1)
        if coarse[cy, cx, 0] + coarse[cy, cx, 1] == 0:
            continue
        sy, sx = 2 * coarse[cy, cx, 0] + y - 2 * cy, 2 * coarse[cy, cx, 1] + x - 2 * cx
        if 0 <= sy < height and 0 <= sx < width and sources[sy, sx]:
            nearest[y, x, 0], nearest[y, x, 1] = sy, sx


@kernel
def _cost(rgb: Floats, depths: Floats, y: int, x: int, sy: int, sx: int, best: float) -> float:
    """Mean squared difference of the patches at (y, x) and (sy, sx), given up once it is beyond `best`."""
    height, width = depths.shape
    top, bottom = max(-RADIUS, -y), min(RADIUS, height - 1 - y)
    left, right = max(-RADIUS, -x), min(RADIUS, width - 1 - x)
    area = (bottom - top + 1) * (right - left + 1) * 3.0
    apart = depths[y, x] - depths[sy, sx]
    total = _OTHER_DEPTH * apart * apart * area
    limit = best * area
    for dy in range(top, bottom + 1):
        for dx in range(left, right + 1):
            for channel in range(3):
                d = rgb[y + dy, x + dx, channel] - rgb[sy + dy, sx + dx, channel]
                total += d * d
        if total > limit:
            return np.inf
    mean: float = total / area
    return mean


@kernel
def _search(
    rgb: Floats,
    depths: Floats,
    sources: Mask,
    cells: Indices,
    nearest: Indices,
    costs: Floats,
    sweep: int,
    state: int,
) -> None:
    """One sweep of PatchMatch, backwards where `sweep` is odd. Writes `nearest` and `costs`."""
    height, width = sources.shape
    count = cells.shape[0]
    widest = max(height, width)
    back = 1 if sweep % 2 == 0 else -1
    for n in range(count):
        k = n if back == 1 else count - 1 - n
        y, x = cells[k, 0], cells[k, 1]
        by, bx = nearest[y, x, 0], nearest[y, x, 1]
        best = _cost(rgb, depths, y, x, by, bx, np.inf)
        for axis in range(2):
            ny, nx = (y - back, x) if axis == 0 else (y, x - back)
            if not (0 <= ny < height and 0 <= nx < width) or nearest[ny, nx, 0] + nearest[ny, nx, 1] == 0:
                continue
            cy = nearest[ny, nx, 0] + (back if axis == 0 else 0)
            cx = nearest[ny, nx, 1] + (0 if axis == 0 else back)
            if 0 <= cy < height and 0 <= cx < width and sources[cy, cx]:
                cost = _cost(rgb, depths, y, x, cy, cx, best)
                if cost < best:
                    best, by, bx = cost, cy, cx
        reach = widest
        while reach >= 1:
            state = (1103515245 * state + 12345) & 0x7FFFFFFF
            cy = by - reach + (state >> 8) % (2 * reach + 1)
            state = (1103515245 * state + 12345) & 0x7FFFFFFF
            cx = bx - reach + (state >> 8) % (2 * reach + 1)
            if 0 <= cy < height and 0 <= cx < width and sources[cy, cx]:
                cost = _cost(rgb, depths, y, x, cy, cx, best)
                if cost < best:
                    best, by, bx = cost, cy, cx
            reach //= 2
        nearest[y, x, 0], nearest[y, x, 1] = by, bx
        costs[y, x] = best


@kernel
def _vote(rgb: Floats, hole: Mask, cells: Indices, nearest: Indices, costs: Floats, usual: float) -> Floats:
    """The picture with every missing pixel the mean of what the patches over it want there."""
    height, width = hole.shape
    voted = rgb.copy()
    for k in range(cells.shape[0]):
        y, x = cells[k, 0], cells[k, 1]
        if not hole[y, x]:
            continue
        total = red = green = blue = 0.0
        for dy in range(-RADIUS, RADIUS + 1):
            for dx in range(-RADIUS, RADIUS + 1):
                py, px = y + dy, x + dx
                if not (0 <= py < height and 0 <= px < width) or not np.isfinite(costs[py, px]):
                    continue
                sy, sx = nearest[py, px, 0] - dy, nearest[py, px, 1] - dx
                w = np.exp(-costs[py, px] / (2 * usual)) + 1e-12
                total += w
                red += w * rgb[sy, sx, 0]
                green += w * rgb[sy, sx, 1]
                blue += w * rgb[sy, sx, 2]
        if total > 0.0:
            voted[y, x, 0], voted[y, x, 1], voted[y, x, 2] = red / total, green / total, blue / total
    return voted
