"""Colours of the first layer's Gaussians: not the photo's, but those that make the photo when rendered."""

from __future__ import annotations

import numpy as np

from immichvr_depth.compiled import Bytes, Floats, Mask, kernel

_REACH = 4
_FAR_DETAIL = 0.4
_SAME = 1.5  # tolerances between two cells of one surface
_ALIKE = 300.0  # square distance of colours (10 levels in each channel) too small to tell a blend by
_LOW_PASS = 0.1  # square cells: what renderers add (0.3 square pixels) when a cell covers 1.7 pixels
_ROUNDS = 4
_GAIN = 0.8


@kernel
def unmix_colours(rgb: Bytes, shift: Floats, tolerance: Floats, blends: Mask) -> tuple[Floats, Floats]:
    """Colours of cells at a step without the other side's share, and how much each surface covers of its cell.

    rgb: (h, w, 3). shift, tolerance: (h, w) cells. blends: (h, w), cells near a step. Returns (h, w, 3) float32 in
    0…255 and (h, w) float32 in 0…1: 1 away from steps and on the far side. The blend C = a·F + (1 − a)·B is
    resolved with F and B the mean colours of the pure cells on either side.
    """
    height, width = shift.shape
    colours = rgb.astype(np.float32)
    coverage = np.ones((height, width), np.float32)
    reach = _REACH
    for y in range(height):
        for x in range(width):
            if not blends[y, x]:
                continue
            here = shift[y, x]
            same, other = np.zeros(3), np.zeros(3)
            same_weight, other_weight, other_shift = 0.0, 0.0, 0.0
            for ny in range(max(0, y - reach), min(height, y + reach + 1)):
                for nx in range(max(0, x - reach), min(width, x + reach + 1)):
                    if blends[ny, nx]:
                        continue
                    w = 1.0 / ((ny - y) ** 2 + (nx - x) ** 2)
                    if abs(shift[ny, nx] - here) <= _SAME * tolerance[y, x]:
                        same_weight += w
                        for channel in range(3):
                            same[channel] += w * rgb[ny, nx, channel]
                    else:
                        other_weight += w
                        other_shift += w * shift[ny, nx]
                        for channel in range(3):
                            other[channel] += w * rgb[ny, nx, channel]
            if same_weight == 0.0 or other_weight == 0.0:
                continue
            along, length = 0.0, 0.0
            for channel in range(3):
                same[channel] /= same_weight
                other[channel] /= other_weight
                axis = same[channel] - other[channel]
                along += (rgb[y, x, channel] - other[channel]) * axis
                length += axis * axis
            if length < _ALIKE:
                continue
            share = min(max(along / length, 0.0), 1.0)
            far_side = here < other_shift / other_weight
            detail = _FAR_DETAIL if far_side else 1.0
            for channel in range(3):
                corrected = rgb[y, x, channel] + (1.0 - share) * (same[channel] - other[channel])
                corrected = same[channel] + detail * (corrected - same[channel])
                colours[y, x, channel] = min(max(corrected, 0.0), 255.0)
            if not far_side:
                coverage[y, x] = share
    return colours, coverage


@kernel
def _blend_weights(shift: Floats, tolerance: Floats, blends: Mask, opacity: Floats, sigma: Floats) -> Floats:
    """(h, w, 9): what each Gaussian of a 3×3 neighbourhood adds to the middle, blended front to back.

    Neighbours across a step are left out, and the rest is scaled to a sum of 1.
    """
    height, width = shift.shape
    weights = np.zeros((height, width, 9), np.float32)
    order = np.empty(9, np.int32)
    depth = np.empty(9)
    for y in range(height):
        for x in range(width):
            count = 0
            for k in range(9):
                ny, nx = y + k // 3 - 1, x + k % 3 - 1
                if not (0 <= ny < height and 0 <= nx < width):
                    continue
                at_step = blends[y, x] and blends[ny, nx]
                if at_step and abs(shift[ny, nx] - shift[y, x]) > _SAME * tolerance[y, x]:
                    continue
                place = count
                while place > 0 and depth[place - 1] < shift[ny, nx]:
                    depth[place], order[place] = depth[place - 1], order[place - 1]
                    place -= 1
                depth[place], order[place] = shift[ny, nx], k
                count += 1
            clear, total = 1.0, 0.0
            for j in range(count):
                k = order[j]
                dy, dx = k // 3 - 1, k % 3 - 1
                spread = sigma[y + dy, x + dx] ** 2 + _LOW_PASS
                alpha = opacity[y + dy, x + dx] * np.exp(-0.5 * (dx * dx + dy * dy) / spread)
                weights[y, x, k] = clear * alpha
                total += clear * alpha
                clear *= 1.0 - alpha
            for k in range(9):
                weights[y, x, k] /= total
    return weights


@kernel
def _fit_round(colours: Floats, target: Floats, weights: Floats, gain: float) -> Floats:
    height, width = target.shape[0], target.shape[1]
    out = np.empty_like(colours)
    for y in range(height):
        for x in range(width):
            red = green = blue = 0.0
            for k in range(9):
                w = weights[y, x, k]
                if w > 0.0:
                    ny, nx = y + k // 3 - 1, x + k % 3 - 1
                    red += w * colours[ny, nx, 0]
                    green += w * colours[ny, nx, 1]
                    blue += w * colours[ny, nx, 2]
            out[y, x, 0] = min(max(colours[y, x, 0] + gain * (target[y, x, 0] - red), 0.0), 255.0)
            out[y, x, 1] = min(max(colours[y, x, 1] + gain * (target[y, x, 1] - green), 0.0), 255.0)
            out[y, x, 2] = min(max(colours[y, x, 2] + gain * (target[y, x, 2] - blue), 0.0), 255.0)
    return out


def fit_colours(
    target: Floats, shift: Floats, tolerance: Floats, blends: Mask, opacity: Floats, sigma: Floats
) -> Floats:
    """Colours with which overlapping Gaussians, nearest first, blend to `target` (h, w, 3) at the cells' centres.

    Nearer neighbours cover farther ones, which moves the picture by a part of a cell and blurs it; a few rounds
    of adding what is missing (Landweber's iteration) undo both.
    """
    weights = _blend_weights(shift, tolerance, blends, opacity, sigma)
    colours = target
    for _ in range(_ROUNDS):
        colours = _fit_round(colours, target, weights, _GAIN)
    return colours
