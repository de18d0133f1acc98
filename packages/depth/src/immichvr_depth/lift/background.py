"""The second layer: what a sidestep reveals behind the edges of the foreground.

From the far side of every step the background is carried on behind the foreground (occlusion.py). Its colours
come from reflecting the visible part of the same surface in the edge, over a mean that is evened out by
diffusion. Leaves before a tree before the sky hide two things at once, hence two sheets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from immichvr_depth.compiled import Bytes, Floats, Indices, Mask, kernel
from immichvr_depth.lift.occlusion import Blocks, Continuation, Seeds, carry_on, find_seeds, split_blocks

_DEPTH_SWEEPS = 8
_COLOUR_SWEEPS = 16


@dataclass(frozen=True)
class Sheet:
    """Hidden background at half the resolution of the grid.

    shift: (h, w) float32, half cells. slope: (h, w, 2), its change along y and x. colours: (h, w, 3) float32,
    0…255. shown: (h, w) bool, to become Gaussians. hidden: (h, w) bool, where shift and colours are of what is
    hidden. distance: (h, w) float32, half cells from the visible rim it starts from.
    """

    shift: Floats
    slope: Floats
    colours: Floats
    shown: Mask
    hidden: Mask
    distance: Floats


def build_sheets(
    shift: Floats, gradient: Floats, colours: Floats, blends: Mask, right: Mask, down: Mask
) -> tuple[Sheet, Sheet]:
    """What small movements reveal first, with the visible rims it starts from; and what lies behind it all.

    shift: (h, w) float32, cells. gradient: (h, w, 2), its change along x and y. colours: (h, w, 3) float32,
    0…255. blends: (h, w), cells whose colours may be another surface's. right, down: (h, w) steps (edges.py).
    """
    blocks = split_blocks(shift, gradient, colours, blends)
    seeds = find_seeds(shift, right, down, blocks)
    revealed = carry_on(blocks, seeds)
    first = _paint_sheet(revealed, blocks, seeds)
    first = replace(first, shown=first.hidden | (first.distance == 0))
    return first, _paint_sheet(carry_on(blocks, seeds, before=revealed), blocks, seeds)


def _paint_sheet(surfaces: Continuation, blocks: Blocks, seeds: Seeds) -> Sheet:
    filled = surfaces.owner >= 0
    hidden = filled & (surfaces.distance > 0)
    cells = np.argwhere(hidden).astype(np.int32)
    cells = np.ascontiguousarray(cells[np.argsort(surfaces.distance[hidden], kind="stable")])
    shift = surfaces.shift
    steepness = np.abs(surfaces.slope).sum(axis=2)
    _even_out(shift[..., None], shift.copy(), steepness, cells, filled, _DEPTH_SWEEPS)
    base, detail = _paint(
        cells,
        surfaces.owner,
        seeds.cells,
        seeds.colours,
        shift,
        (blocks.near, blocks.far, blocks.slope, blocks.colours, blocks.purity),
    )
    rim = np.argwhere(filled & ~hidden)
    painted = blocks.colours.copy()
    painted[rim[:, 0], rim[:, 1]] = seeds.colours[surfaces.owner[rim[:, 0], rim[:, 1]]]
    painted[cells[:, 0], cells[:, 1]] = base
    _even_out(painted, shift, steepness, cells, filled, _COLOUR_SWEEPS)
    pure = rim[blocks.purity[rim[:, 0], rim[:, 1]] > 0.5]
    painted[pure[:, 0], pure[:, 1]] = blocks.colours[pure[:, 0], pure[:, 1]]
    painted[cells[:, 0], cells[:, 1]] += detail
    return Sheet(shift, surfaces.slope, np.clip(painted, 0, 255), hidden, hidden, surfaces.distance)


@kernel
def _paint(
    cells: Indices,
    owner: Indices,
    seeds: Indices,
    means: Floats,
    shift: Floats,
    blocks: tuple[Floats, Floats, Floats, Floats, Floats],
) -> tuple[Floats, Floats]:
    """For n hidden cells: their seed's mean colour (n, 3) and the detail reflected in the seed (n, 3)."""
    near, far, slope, colour, purity = blocks
    height, width = near.shape
    count = cells.shape[0]
    base = np.empty((count, 3), np.float32)
    detail = np.zeros((count, 3), np.float32)
    for k in range(count):
        y, x = cells[k, 0], cells[k, 1]
        i = owner[y, x]
        base[k] = means[i]
        my, mx = 2 * seeds[i, 0] - y, 2 * seeds[i, 1] - x
        if not (0 <= my < height and 0 <= mx < width) or purity[my, mx] < 0.5:
            continue
        expected = 2.0 * far[seeds[i, 0], seeds[i, 1]] - shift[y, x]
        steepness = abs(slope[my, mx, 0]) + abs(slope[my, mx, 1])
        if abs(near[my, mx] - expected) > 2.0 + steepness:
            continue
        for channel in range(3):
            detail[k, channel] = colour[my, mx, channel] - means[i, channel]
    return base, detail


@kernel
def _even_out(
    field: Floats,
    shift: Floats,
    steepness: Floats,
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
                if abs(shift[ny, nx] - shift[y, x]) <= 2.0 + steepness[y, x]:
                    for channel in range(channels):
                        total[channel] += field[ny, nx, channel]
                    count += 1.0
            if count > 0.0:
                for channel in range(channels):
                    field[y, x, channel] = total[channel] / count


def background_images(sheets: Sequence[Sheet], shift: Floats, rgb: Bytes) -> tuple[Bytes, Floats]:
    """Colours (h, w, 3) uint8 and shift (h, w) float32 at the grid's resolution, foreground rims taken away.

    What a small movement reveals lies before what only a larger one does.
    """
    colours, depth = rgb, shift
    for sheet in reversed(sheets):
        colours, depth = _look_behind(sheet, shift, colours, depth)
    return colours, depth


def _look_behind(sheet: Sheet, shift: Floats, colours: Bytes, depth: Floats) -> tuple[Bytes, Floats]:
    height, width = shift.shape
    size = (2 * sheet.shift.shape[1], 2 * sheet.shift.shape[0])
    behind = 2 * cv2.resize(sheet.shift, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    painted = cv2.resize(sheet.colours, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    shown = sheet.shown.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    replaced = shown & (shift - behind > 1.0)
    mixed = np.where(replaced[..., None], np.rint(painted), colours).astype(np.uint8)
    return mixed, np.where(replaced, behind, depth).astype(np.float32)
