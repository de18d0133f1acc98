"""How far away what is missing may be: surfaces around a hole are carried on into it, the farther ones first.

As in the lifting of photos (`immichvr_depth.lift.background`), a hole beside something near is taken for what that hid,
so that the background goes on there. Disparity is what is carried on, as planes are planes in it.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_depth.compiled import Bytes, Floats, Indices, Mask, kernel

_DIRECTIONS = 16
_STRAIGHT = 48.0
"""Pixels over which a slope is carried on before it levels out."""
_STEP = 1.15
"""Ratio of disparities from which two surfaces are two."""
_LEAST_FAR = 4
"""Directions, of 16, in which a farther surface has to be for a hole to be part of it."""
_WINDOW = 6
"""Pixels around a rim's pixel whose surface says how it slopes, and its colour."""
_ALIKE = 0.08
"""Relative difference of disparity within which pixels of such a window are one surface."""
_RIDGE = 1.0

_ANGLES = 2 * math.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
_WAYS = np.stack([np.sin(_ANGLES), np.cos(_ANGLES)], axis=-1).astype(np.float32)


def carry_on(rgb: Floats, depth: Floats, missing: Mask) -> tuple[Floats, Floats]:
    """Colours (h, w, 3) and depth (h, w), those of what is missing carried on from its rim; the others as they were.

    rgb: 0 to 1. depth: along the axis; where it is not positive it is missing too. A picture of which nothing is known
    stays grey, at depth 1.
    """
    absent = missing | ~np.isfinite(depth) | (depth <= 0)
    if absent.all():
        return np.where(missing[..., None], np.float32(0.5), rgb), np.ones(depth.shape, np.float32)
    if not absent.any():
        return rgb, depth
    disparity = np.where(absent, 0, 1 / np.where(absent, 1, depth)).astype(np.float32)
    rim = np.argwhere(~absent & (cv2.dilate(absent.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0))
    slots = np.full(absent.shape, -1, np.int32)
    slots[rim[:, 0], rim[:, 1]] = np.arange(len(rim))
    slopes, means = _describe_rim(rim.astype(np.int32), disparity, absent, rgb.astype(np.float32))
    floor = 0.5 * float(disparity[~absent].min())
    cells = np.argwhere(absent).astype(np.int32)
    values, colours = _carry(cells, absent, disparity, slots, slopes, means, _WAYS, floor)
    carried, painted = depth.astype(np.float32), rgb.astype(np.float32)
    carried[cells[:, 0], cells[:, 1]] = 1 / values
    inside = missing[cells[:, 0], cells[:, 1]]
    painted[cells[inside, 0], cells[inside, 1]] = colours[inside]
    return painted, carried


@kernel
def _describe_rim(rim: Indices, disparity: Floats, absent: Mask, rgb: Floats) -> tuple[Floats, Floats]:
    """Slope of disparity, (n, 2) along y and x, and mean colour, (n, 3), of the surface at each of n rim pixels."""
    height, width = disparity.shape
    count = rim.shape[0]
    slopes = np.zeros((count, 2), np.float32)
    means = np.zeros((count, 3), np.float32)
    for i in range(count):
        y, x = rim[i, 0], rim[i, 1]
        own = disparity[y, x]
        n = sy = sx = sd = syy = sxx = sxy = sdy = sdx = 0.0
        for ny in range(max(0, y - _WINDOW), min(height, y + _WINDOW + 1)):
            for nx in range(max(0, x - _WINDOW), min(width, x + _WINDOW + 1)):
                if absent[ny, nx]:
                    continue
                d = disparity[ny, nx] - own
                if abs(d) > _ALIKE * own:
                    continue
                dy, dx = float(ny - y), float(nx - x)
                n += 1.0
                sy += dy
                sx += dx
                sd += d
                syy += dy * dy
                sxx += dx * dx
                sxy += dy * dx
                sdy += d * dy
                sdx += d * dx
                for channel in range(3):
                    means[i, channel] += rgb[ny, nx, channel]
        for channel in range(3):
            means[i, channel] /= n
        if n < 12.0:
            continue
        cyy, cxx = syy - sy * sy / n + _RIDGE * n, sxx - sx * sx / n + _RIDGE * n
        cxy = sxy - sy * sx / n
        cdy, cdx = sdy - sd * sy / n, sdx - sd * sx / n
        determinant = cyy * cxx - cxy * cxy
        slopes[i, 0] = (cdy * cxx - cdx * cxy) / determinant
        slopes[i, 1] = (cdx * cyy - cdy * cxy) / determinant
    return slopes, means


@kernel
def _carry(
    cells: Indices,
    absent: Mask,
    disparity: Floats,
    slots: Indices,
    slopes: Floats,
    means: Floats,
    ways: Floats,
    floor: float,
) -> tuple[Floats, Floats]:
    """Disparity (n,) and colour (n, 3) of n missing cells."""
    height, width = absent.shape
    count, directions = cells.shape[0], ways.shape[0]
    values = np.empty(count, np.float32)
    colours = np.empty((count, 3), np.float32)
    found = np.empty(directions, np.float32)
    weights = np.empty(directions, np.float32)
    places = np.empty(directions, np.int32)
    for k in range(count):
        y, x = cells[k, 0], cells[k, 1]
        hits = 0
        for way in range(directions):
            step = 1.0
            while True:
                ny, nx = int(np.rint(y + step * ways[way, 0])), int(np.rint(x + step * ways[way, 1]))
                if not (0 <= ny < height and 0 <= nx < width):
                    break
                if not absent[ny, nx]:
                    slot = slots[ny, nx]
                    if slot >= 0:
                        dy, dx = float(y - ny), float(x - nx)
                        away = np.sqrt(dy * dy + dx * dx)
                        damping = _STRAIGHT * np.tanh(away / _STRAIGHT) / away
                        carried = disparity[ny, nx] + damping * (slopes[slot, 0] * dy + slopes[slot, 1] * dx)
                        found[hits] = max(carried, floor)
                        weights[hits] = 1.0 / (away * away)
                        places[hits] = slot
                        hits += 1
                    break
                step += 1.0
        if hits == 0:
            values[k] = floor
            colours[k] = 0.5
            continue
        order = np.argsort(found[:hits])
        first, last = 0, hits
        widest = _STEP
        for i in range(hits - 1):
            ratio = found[order[i + 1]] / found[order[i]]
            if ratio > widest:
                widest = ratio
                if i + 1 >= min(_LEAST_FAR, (hits + 1) // 2):
                    first, last = 0, i + 1
                else:
                    first, last = i + 1, hits
        total = value = red = green = blue = 0.0
        for i in range(first, last):
            j = order[i]
            w = weights[j]
            total += w
            value += w * found[j]
            red += w * means[places[j], 0]
            green += w * means[places[j], 1]
            blue += w * means[places[j], 2]
        values[k] = value / total
        colours[k, 0], colours[k, 1], colours[k, 2] = red / total, green / total, blue / total
    return values, colours


def as_bytes(rgb: npt.NDArray[np.floating]) -> Bytes:
    """Colours from 0 to 1 as 0 to 255; what is beyond is clipped."""
    return np.asarray(np.rint(np.clip(rgb, 0, 1) * 255), np.uint8)
