"""Where one surface ends in front of another, and making every cell belong to one of them.

Depth is compared as shift (see grid.py), in which planes are linear. A step is a difference between two
neighbours that the slope on neither side explains.
"""

from __future__ import annotations

import numpy as np

from immichvr_depth.compiled import Bytes, Floats, Mask, kernel

STEP = 1.0  # cells of gap at the reference sidestep; smaller gaps are covered by the Gaussians' overlap
_SLOPE_RUN = 3  # a slope must hold over so many cells to count as a surface
_WIDEST = 5  # cells of blur that are worth resolving
_SHARP = 1.35  # mean width of steps, in cells, of a map rendered or measured at this resolution
_STUBBORN, _WILLING = 6.0, 1.5  # how much likelier the other side's colours must make it
_COLOUR_SIGMA = 20.0  # levels by which colours of one surface differ
_AROUND = 1  # cells beyond the blur whose colours are compared with
_ROUNDS = 2  # of snapping a coarse map; a third changes nothing that can be measured
_DOUBTFUL = 2  # cells to either side of a snapped step whose colours may be the other side's


@kernel
def _explained(jump: float, first: float, second: float, third: float, tolerance: float) -> bool:
    tolerance += 0.25 * abs(jump)
    return abs(jump - first) <= tolerance and abs(jump - second) <= tolerance and abs(jump - third) <= tolerance


@kernel
def _steps_along_rows(shift: Floats, tolerance: Floats) -> Mask:
    height, width = shift.shape
    steps = np.zeros((height, width), np.bool_)
    for y in range(height):
        row = shift[y]
        for x in range(width - 1):
            jump = row[x + 1] - row[x]
            limit = min(tolerance[y, x], tolerance[y, x + 1])
            if abs(jump) <= limit:
                continue
            step = True
            if x >= _SLOPE_RUN:
                before = (row[x] - row[x - 1], row[x - 1] - row[x - 2], row[x - 2] - row[x - 3])
                step = not _explained(jump, before[0], before[1], before[2], limit)
            if step and x + 1 + _SLOPE_RUN < width:
                after = (row[x + 2] - row[x + 1], row[x + 3] - row[x + 2], row[x + 4] - row[x + 3])
                step = not _explained(jump, after[0], after[1], after[2], limit)
            steps[y, x] = step
    return steps


def find_steps(shift: Floats, tolerance: Floats) -> tuple[Mask, Mask]:
    """Steps between each cell and its right neighbour, and its lower neighbour: two (h, w) masks.

    shift: (h, w) cells. tolerance: (h, w) cells, the smallest difference that can be a step.
    """
    right = _steps_along_rows(shift, tolerance)
    down = _steps_along_rows(np.ascontiguousarray(shift.T), np.ascontiguousarray(tolerance.T))
    return right, np.ascontiguousarray(down.T)


@kernel
def _mean_run(steps: Mask, shift: Floats) -> tuple[int, int]:
    """Steps along rows, and runs of adjacent ones in the same direction."""
    height, width = steps.shape
    count, runs = 0, 0
    for y in range(height):
        for x in range(width - 1):
            if steps[y, x]:
                count += 1
                rises = shift[y, x + 1] > shift[y, x]
                follows = x > 0 and steps[y, x - 1] and (shift[y, x] > shift[y, x - 1]) == rises
                if not follows:
                    runs += 1
    return count, runs


@kernel
def _classify(shift: Floats, right: Mask, down: Mask, reach: int) -> Bytes:
    """0: away from steps; 1: within `reach` cells of one; 2: flying, between two steps of the same sign."""
    height, width = shift.shape
    kind = np.zeros((height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            if right[y, x]:
                for nx in range(max(0, x - reach + 1), min(width, x + 1 + reach)):
                    kind[y, nx] = max(kind[y, nx], 1)
            if down[y, x]:
                for ny in range(max(0, y - reach + 1), min(height, y + 1 + reach)):
                    kind[ny, x] = max(kind[ny, x], 1)
            here = shift[y, x]
            flying = False
            if x > 0 and right[y, x] and right[y, x - 1]:
                flying = (shift[y, x + 1] - here) * (here - shift[y, x - 1]) > 0
            if y > 0 and down[y, x] and down[y - 1, x]:
                flying |= (shift[y + 1, x] - here) * (here - shift[y - 1, x]) > 0
            if flying:
                kind[y, x] = 2
    return kind


@kernel
def _square_difference(one: Bytes, other: Bytes) -> float:
    red, green, blue = float(one[0]) - other[0], float(one[1]) - other[1], float(one[2]) - other[2]
    return float(red * red + green * green + blue * blue)


@kernel
def _snap_cells(
    shift: Floats,
    rgb: Bytes,
    tolerance: Floats,
    kind: Bytes,
    radius: int,
    stubbornness: float,
    colour_sigma: float,
) -> Floats:
    height, width = shift.shape
    out = shift.copy()
    space = -1.0 / (2.0 * (0.6 * radius) ** 2)
    colour = -1.0 / (2.0 * colour_sigma**2)
    for y in range(height):
        for x in range(width):
            if kind[y, x] == 0:
                continue
            top, bottom = max(0, y - radius), min(height, y + radius + 1)
            left, end = max(0, x - radius), min(width, x + radius + 1)
            lowest, highest = shift[y, x], shift[y, x]
            for ny in range(top, bottom):
                for nx in range(left, end):
                    if kind[ny, nx] != 2:
                        lowest = min(lowest, shift[ny, nx])
                        highest = max(highest, shift[ny, nx])
            if highest - lowest <= tolerance[y, x]:
                continue
            middle = 0.5 * (lowest + highest)
            likeness = np.zeros(2)
            weight = np.full(2, 1e-6)
            nearest = np.full(2, 1e9)
            company = np.ones(2)
            value = np.zeros(2, np.float32)
            for ny in range(top, bottom):
                for nx in range(left, end):
                    if kind[ny, nx] == 2 or (ny == y and nx == x):
                        continue
                    side = 1 if shift[ny, nx] > middle else 0
                    distance = float((ny - y) ** 2 + (nx - x) ** 2)
                    w = np.exp(distance * space)
                    difference = _square_difference(rgb[y, x], rgb[ny, nx])
                    weight[side] += w
                    likeness[side] += w * np.exp(difference * colour)
                    if distance <= 2.0:
                        company[side] += 1.0
                    if distance < nearest[side]:
                        nearest[side] = distance
                        value[side] = shift[ny, nx]
            if nearest[0] > 1e8 or nearest[1] > 1e8:
                continue
            evidence = company[1] / company[0] * (likeness[1] / weight[1] + 1e-3) / (likeness[0] / weight[0] + 1e-3)
            if kind[y, x] == 2:
                share = (shift[y, x] - lowest) / (highest - lowest)
                out[y, x] = value[1] if evidence * (0.25 + share) / (1.25 - share) > 1 else value[0]
            elif shift[y, x] > middle:
                if evidence * stubbornness < 1:
                    out[y, x] = value[0]
            elif evidence > stubbornness:
                out[y, x] = value[1]
    return out


def snap(shift: Floats, rgb: Bytes, tolerance: Floats, coarseness: float) -> tuple[Floats, int]:
    """Depth edges moved onto colour edges, blends of both sides resolved to one of them.

    shift, tolerance: (h, w) cells. rgb: (h, w, 3). coarseness: cells that one sample of the depth map covers.
    A coarse or blurred map is corrected within its blur; one with edges as fine as the grid only where the
    colours are certain. Returns the shift, and how many cells to either side of a step remain in doubt.
    """
    right, down = find_steps(shift, tolerance)
    count, runs = _mean_run(right, shift)
    blur = max(1.0, coarseness, count / runs if runs else 1.0)
    reach = int(min(_WIDEST, np.ceil(blur)))
    sharp = blur <= _SHARP
    if sharp and coarseness <= 1.0:
        return shift, 1
    for repeat in range(1 if sharp else _ROUNDS):
        if repeat:
            right, down = find_steps(shift, tolerance)
        kind = _classify(shift, right, down, reach)
        shift = _snap_cells(
            shift, rgb, tolerance, kind, reach + _AROUND, _STUBBORN if sharp else _WILLING, _COLOUR_SIGMA
        )
    return shift, 1 if sharp else min(reach, _DOUBTFUL)


@kernel
def around_steps(right: Mask, down: Mask, reach: int) -> Mask:
    """(h, w): cells within `reach` of a step along a row or column; the photo's colours may be blends there."""
    height, width = right.shape
    around = np.zeros((height, width), np.bool_)
    for y in range(height):
        for x in range(width):
            if right[y, x]:
                around[y, max(0, x - reach + 1) : x + 1 + reach] = True
            if down[y, x]:
                around[max(0, y - reach + 1) : y + 1 + reach, x] = True
    return around


@kernel
def near_side(shift: Floats, right: Mask, down: Mask) -> Mask:
    """(h, w): cells on the near side of a step."""
    height, width = right.shape
    near = np.zeros((height, width), np.bool_)
    for y in range(height):
        for x in range(width):
            if right[y, x]:
                near[y, x if shift[y, x] > shift[y, x + 1] else x + 1] = True
            if down[y, x]:
                near[y if shift[y, x] > shift[y + 1, x] else y + 1, x] = True
    return near
