"""The second layer: what a sidestep reveals behind the edges of the foreground.

It lives on a grid of half the resolution. From the far side of every step the background is carried on
behind the foreground, as far as the reference sidestep can reveal: its depth along its own slope, its colours
by reflecting the visible part of the same surface in the edge, evened out by diffusion.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from immichvr_ai.lift.compiled import Bytes, Floats, Indices, Mask, kernel
from immichvr_ai.lift.edges import STEP

_MARGIN = 2.0  # half cells beyond what the sidestep reveals
_STRAIGHT = 24.0  # half cells over which a slope is carried on before it levels out
_HALF_STEP = 0.5 * STEP
_SEED_WINDOW = 5  # half cells around a seed whose surface says its slope and its mean colour
_DEPTH_SWEEPS = 8
_COLOUR_SWEEPS = 16


@dataclass(frozen=True)
class SecondLayer:
    """The background at half the resolution of the grid, without what stands in front of it.

    shift: (h, w) float32, half cells. colours: (h, w, 3) float32, 0…255. hidden: (h, w) bool, carried on
    behind the foreground. overlap: (h, w) bool, the visible rim it starts from. distance: (h, w) float32,
    half cells from that rim.
    """

    shift: Floats
    colours: Floats
    hidden: Mask
    overlap: Mask
    distance: Floats


@kernel
def _split_blocks(shift: Floats, colours: Floats) -> tuple[Floats, Floats, Floats]:
    """Nearest shift, farthest shift (in half cells) and the farthest surface's colour of every 2×2 block."""
    height, width = shift.shape
    half_height, half_width = (height + 1) // 2, (width + 1) // 2
    near = np.empty((half_height, half_width), np.float32)
    far = np.empty((half_height, half_width), np.float32)
    colour = np.empty((half_height, half_width, 3), np.float32)
    for y in range(half_height):
        for x in range(half_width):
            bottom, end = min(2 * y + 2, height), min(2 * x + 2, width)
            highest, lowest = shift[2 * y, 2 * x], shift[2 * y, 2 * x]
            for ny in range(2 * y, bottom):
                for nx in range(2 * x, end):
                    highest = max(highest, shift[ny, nx])
                    lowest = min(lowest, shift[ny, nx])
            red = green = blue = depth = count = 0.0
            for ny in range(2 * y, bottom):
                for nx in range(2 * x, end):
                    if shift[ny, nx] <= lowest + STEP:
                        red += colours[ny, nx, 0]
                        green += colours[ny, nx, 1]
                        blue += colours[ny, nx, 2]
                        depth += shift[ny, nx]
                        count += 1.0
            near[y, x] = 0.5 * highest
            far[y, x] = 0.5 * depth / count
            colour[y, x, 0], colour[y, x, 1], colour[y, x, 2] = red / count, green / count, blue / count
    return near, far, colour


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
def _describe_seeds(seeds: Indices, near: Floats, far: Floats, colour: Floats) -> tuple[Floats, Floats]:
    """Slope of the shift (n, 2: along y, x) and mean colour (n, 3) of the surface around each seed."""
    height, width = far.shape
    count = seeds.shape[0]
    slopes = np.zeros((count, 2), np.float32)
    means = np.zeros((count, 3), np.float32)
    for i in range(count):
        y, x = seeds[i, 0], seeds[i, 1]
        syy = sxx = sxy = sy = sx = sd = sdy = sdx = total = 0.0
        red = green = blue = 0.0
        for ny in range(max(0, y - _SEED_WINDOW), min(height, y + _SEED_WINDOW + 1)):
            for nx in range(max(0, x - _SEED_WINDOW), min(width, x + _SEED_WINDOW + 1)):
                dy, dx = ny - y, nx - x
                d = far[ny, nx] - far[y, x]
                limit = _HALF_STEP * (1.0 + 0.5 * max(abs(dy), abs(dx)))
                if abs(d) > limit or near[ny, nx] - far[ny, nx] > limit:
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
                red += colour[ny, nx, 0]
                green += colour[ny, nx, 1]
                blue += colour[ny, nx, 2]
        if total < 8.0:
            means[i] = colour[y, x]
            continue
        means[i, 0], means[i, 1], means[i, 2] = red / total, green / total, blue / total
        # Least squares for d = a + b·dy + c·dx, from the centred moments; ridge keeps thin windows calm.
        cyy, cxx = syy - sy * sy / total + total, sxx - sx * sx / total + total
        cxy = sxy - sy * sx / total
        cdy, cdx = sdy - sd * sy / total, sdx - sd * sx / total
        determinant = cyy * cxx - cxy * cxy
        slopes[i, 0] = (cdy * cxx - cdx * cxy) / determinant
        slopes[i, 1] = (cdx * cyy - cdy * cxy) / determinant
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
    far: Floats,
    seeds: Indices,
    reach: Floats,
    slopes: Floats,
) -> tuple[Indices, Floats, Floats]:
    """Spread every seed behind what stands in front of it: index of the nearest seed (-1: none), shift, distance.

    Vector distance transform (Danielsson 1980) with two conditions: the cell is nearer than the carried-on
    background, and no farther from its seed than the gap opens.
    """
    height, width = near.shape
    owner = np.full((height, width), -1, np.int32)
    distance = np.full((height, width), np.inf, np.float32)
    shift = far.copy()
    floor = far.min()
    for i in range(seeds.shape[0]):
        owner[seeds[i, 0], seeds[i, 1]] = i
        distance[seeds[i, 0], seeds[i, 1]] = 0.0
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
                        if not (0 <= ny < height and 0 <= nx < width) or owner[ny, nx] < 0:
                            continue
                        i = owner[ny, nx]
                        dy, dx = float(y - seeds[i, 0]), float(x - seeds[i, 1])
                        d = np.sqrt(dy * dy + dx * dx)
                        if d >= distance[y, x] or d > reach[i]:
                            continue
                        behind = _carried_on(far[seeds[i, 0], seeds[i, 1]], slopes[i, 0], slopes[i, 1], dy, dx, floor)
                        if near[y, x] - behind <= _HALF_STEP:
                            continue
                        owner[y, x] = i
                        distance[y, x] = d
                        shift[y, x] = behind
    return owner, shift, distance


@kernel
def _paint(
    cells: Indices,
    owner: Indices,
    seeds: Indices,
    means: Floats,
    near: Floats,
    shift: Floats,
    colour: Floats,
) -> tuple[Floats, Floats]:
    """For n hidden cells: their seed's mean colour (n, 3) and the detail reflected in the seed (n, 3)."""
    height, width = near.shape
    count = cells.shape[0]
    base = np.empty((count, 3), np.float32)
    detail = np.zeros((count, 3), np.float32)
    for k in range(count):
        y, x = cells[k, 0], cells[k, 1]
        i = owner[y, x]
        base[k] = means[i]
        my, mx = 2 * seeds[i, 0] - y, 2 * seeds[i, 1] - x
        if not (0 <= my < height and 0 <= mx < width) or owner[my, mx] >= 0:
            continue
        expected = 2.0 * shift[seeds[i, 0], seeds[i, 1]] - shift[y, x]
        if abs(near[my, mx] - expected) > 2.0:
            continue
        for channel in range(3):
            detail[k, channel] = colour[my, mx, channel] - means[i, channel]
    return base, detail


@kernel
def _even_out(
    field: Floats,
    shift: Floats,
    cells: Indices,
    filled: Mask,
    sweeps: int,
) -> None:
    """Gauss-Seidel diffusion of `field` (h, w, c) over the cells, held at what is filled and not listed."""
    height, width = filled.shape
    channels = field.shape[2]
    total = np.empty(channels)
    for sweep in range(sweeps):
        for j in range(cells.shape[0]):
            k = cells.shape[0] - 1 - j if sweep % 2 else j
            y, x = cells[k, 0], cells[k, 1]
            total[:] = 0.0
            count = 0.0
            for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                ny, nx = y + dy, x + dx
                if not (0 <= ny < height and 0 <= nx < width and filled[ny, nx]):
                    continue
                if abs(shift[ny, nx] - shift[y, x]) <= 2.0:
                    for channel in range(channels):
                        total[channel] += field[ny, nx, channel]
                    count += 1.0
            if count > 0.0:
                for channel in range(channels):
                    field[y, x, channel] = total[channel] / count


def build_second_layer(
    shift: Floats,
    colours: Floats,
    right: Mask,
    down: Mask,
) -> SecondLayer:
    """The background behind the steps of a grid.

    shift: (h, w) float32, cells. colours: (h, w, 3) float32, 0…255. right, down: (h, w) steps (edges.py).
    """
    near, far, colour = _split_blocks(shift, colours)
    gaps = _gaps_to_fill(shift, right, down)
    seeds = np.argwhere(gaps > 0).astype(np.int32)
    reach = gaps[gaps > 0] + np.float32(_MARGIN)
    slopes, means = _describe_seeds(seeds, near, far, colour)
    owner, behind, distance = _carry_on(near, far, seeds, reach, slopes)
    filled = owner >= 0
    overlap = distance == 0
    hidden = filled & ~overlap
    cells = np.argwhere(hidden).astype(np.int32)
    cells = np.ascontiguousarray(cells[np.argsort(distance[hidden], kind="stable")])
    _even_out(behind[..., None], behind.copy(), cells, filled, _DEPTH_SWEEPS)
    base, detail = _paint(cells, owner, seeds, means, near, behind, colour)
    field = colour.copy()
    field[seeds[:, 0], seeds[:, 1]] = means
    field[cells[:, 0], cells[:, 1]] = base
    _even_out(field, behind, cells, filled, _COLOUR_SWEEPS)
    field[seeds[:, 0], seeds[:, 1]] = colour[seeds[:, 0], seeds[:, 1]]
    field[cells[:, 0], cells[:, 1]] += detail
    return SecondLayer(behind, np.clip(field, 0, 255), hidden, overlap, distance)


def background_images(layer: SecondLayer, shift: Floats, rgb: Bytes) -> tuple[Bytes, Floats]:
    """Colours (h, w, 3) uint8 and shift (h, w) float32 at the grid's resolution, foreground rims taken away."""
    height, width = shift.shape
    size = (2 * layer.shift.shape[1], 2 * layer.shift.shape[0])
    behind = 2 * cv2.resize(layer.shift, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    painted = cv2.resize(layer.colours, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    hidden = layer.hidden.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    replaced = hidden & (shift - behind > 0.5 * STEP)
    colours = np.where(replaced[..., None], np.rint(painted), rgb).astype(np.uint8)
    return colours, np.where(replaced, behind, shift).astype(np.float32)
