"""Rays against solids and terrain: the nearest hit, and whether anything is in the way."""

from __future__ import annotations

import numpy as np

from immichvr_bench.scenes.compiled import Doubles, Floats, Indices, kernel

NOTHING = -1
TERRAIN = -2
_EPSILON = 1e-9


@kernel
def _enters_box(
    boxes: Doubles, node: int, ox: float, oy: float, oz: float, ix: float, iy: float, iz: float, limit: float
) -> bool:
    x0, x1 = (boxes[node, 0] - ox) * ix, (boxes[node, 3] - ox) * ix
    y0, y1 = (boxes[node, 1] - oy) * iy, (boxes[node, 4] - oy) * iy
    z0, z1 = (boxes[node, 2] - oz) * iz, (boxes[node, 5] - oz) * iz
    enter = max(max(min(x0, x1), min(y0, y1)), min(z0, z1))
    leave = min(min(max(x0, x1), max(y0, y1)), max(z0, z1))
    return bool(leave >= max(enter, 0.0) and enter < limit)


@kernel
def _hit_sphere(px: float, py: float, pz: float, dx: float, dy: float, dz: float, start: float, limit: float) -> float:
    a = dx * dx + dy * dy + dz * dz
    b = px * dx + py * dy + pz * dz
    c = px * px + py * py + pz * pz - 1.0
    inside = b * b - a * c
    if inside <= 0.0:
        return limit
    root = np.sqrt(inside)
    t = (-b - root) / a
    if t < start:
        t = (-b + root) / a
    return t if start <= t < limit else limit


@kernel
def _hit_box(px: float, py: float, pz: float, dx: float, dy: float, dz: float, start: float, limit: float) -> float:
    ix, iy, iz = 1.0 / dx, 1.0 / dy, 1.0 / dz
    x0, x1 = (-1.0 - px) * ix, (1.0 - px) * ix
    y0, y1 = (-1.0 - py) * iy, (1.0 - py) * iy
    z0, z1 = (-1.0 - pz) * iz, (1.0 - pz) * iz
    enter = max(max(min(x0, x1), min(y0, y1)), min(z0, z1))
    leave = min(min(max(x0, x1), max(y0, y1)), max(z0, z1))
    if leave < enter:
        return limit
    t = enter if enter >= start else leave
    return t if start <= t < limit else limit


@kernel
def _hit_frustum(
    px: float,
    py: float,
    pz: float,
    dx: float,
    dy: float,
    dz: float,
    taper: float,
    start: float,
    limit: float,
) -> float:
    """Side: x² + z² = r(y)², r falling linearly from 1 at y = -1 to `taper` at y = 1; and two caps."""
    slope = 0.5 * (taper - 1.0)
    middle = 0.5 * (taper + 1.0)
    radius = middle + slope * py
    a = dx * dx + dz * dz - slope * slope * dy * dy
    b = px * dx + pz * dz - slope * radius * dy
    c = px * px + pz * pz - radius * radius
    best = limit
    inside = b * b - a * c
    if inside > 0.0 and abs(a) > 1e-14:
        root = np.sqrt(inside)
        for sign in (-1.0, 1.0):
            t = (-b + sign * root) / a
            y = py + t * dy
            if start <= t < best and -1.0 <= y <= 1.0 and middle + slope * y >= 0.0:
                best = t
    if abs(dy) > _EPSILON:
        for cap in (-1.0, 1.0):
            t = (cap - py) / dy
            if start <= t < best:
                x, z = px + t * dx, pz + t * dz
                r = middle + slope * cap
                if x * x + z * z <= r * r:
                    best = t
    return best


@kernel
def terrain_height(heights: Floats, extent: float, x: float, z: float) -> float:
    """Bilinear height of a square field of `extent` metres to each side of the origin; a float32 (n, n) grid."""
    size = heights.shape[0] - 1
    u = min(max((x / extent + 1.0) * 0.5 * size, 0.0), size - 1e-6)
    v = min(max((z / extent + 1.0) * 0.5 * size, 0.0), size - 1e-6)
    i, j = int(v), int(u)
    fv, fu = v - i, u - j
    top = heights[i, j] * (1.0 - fu) + heights[i, j + 1] * fu
    bottom = heights[i + 1, j] * (1.0 - fu) + heights[i + 1, j + 1] * fu
    return float(top * (1.0 - fv) + bottom * fv)


@kernel
def _hit_terrain(
    heights: Floats,
    extent: float,
    highest: float,
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
    start: float,
    limit: float,
) -> float:
    t = max(start, 0.02)
    before = t
    while t < limit:
        x, y, z = ox + t * dx, oy + t * dy, oz + t * dz
        if abs(x) > extent or abs(z) > extent or (dy > 0.0 and y > highest):
            return limit
        above = y - terrain_height(heights, extent, x, z)
        if above < 0.0:
            low, high = before, t
            for _ in range(24):
                mid = 0.5 * (low + high)
                gap = oy + mid * dy - terrain_height(heights, extent, ox + mid * dx, oz + mid * dz)
                if gap < 0.0:
                    high = mid
                else:
                    low = mid
            return high
        before = t
        t += max(0.4 * above, 0.002 * t + 0.01)
    return limit


@kernel
def trace(
    solids: tuple[Doubles, Indices, Indices, Doubles, Doubles, Indices],
    terrain: tuple[Floats, float, float],
    origin: tuple[float, float, float],
    direction: tuple[float, float, float],
    start: float,
    limit: float,
    any_hit: bool,
    stack: Indices,
) -> tuple[float, int]:
    """Distance to the nearest hit between `start` and `limit` and what it is: a solid, TERRAIN or NOTHING.

    With `any_hit` the first thing found will do. stack: room for the depth of the tree, 48 entries.
    """
    to_local, kinds, _, tapers, boxes, links = solids
    heights, extent, highest = terrain
    ox, oy, oz = origin
    dx, dy, dz = direction
    ix = 1.0 / (dx if abs(dx) > _EPSILON else _EPSILON)
    iy = 1.0 / (dy if abs(dy) > _EPSILON else _EPSILON)
    iz = 1.0 / (dz if abs(dz) > _EPSILON else _EPSILON)
    best, what = limit, NOTHING
    stack[0] = 0
    depth = 1
    while depth > 0:
        depth -= 1
        node = stack[depth]
        if not _enters_box(boxes, node, ox, oy, oz, ix, iy, iz, best):
            continue
        count = links[node, 0]
        if count < 0:
            stack[depth], stack[depth + 1] = links[node, 1], links[node, 2]
            depth += 2
            continue
        for i in range(links[node, 1], links[node, 1] + count):
            m = to_local[i]
            px = m[0, 0] * ox + m[0, 1] * oy + m[0, 2] * oz + m[0, 3]
            py = m[1, 0] * ox + m[1, 1] * oy + m[1, 2] * oz + m[1, 3]
            pz = m[2, 0] * ox + m[2, 1] * oy + m[2, 2] * oz + m[2, 3]
            lx = m[0, 0] * dx + m[0, 1] * dy + m[0, 2] * dz
            ly = m[1, 0] * dx + m[1, 1] * dy + m[1, 2] * dz
            lz = m[2, 0] * dx + m[2, 1] * dy + m[2, 2] * dz
            if kinds[i] == 0:
                t = _hit_sphere(px, py, pz, lx, ly, lz, start, best)
            elif kinds[i] == 1:
                t = _hit_box(px, py, pz, lx, ly, lz, start, best)
            else:
                t = _hit_frustum(px, py, pz, lx, ly, lz, tapers[i], start, best)
            if t < best:
                best, what = t, i
                if any_hit:
                    return best, what
    if heights.shape[0] > 1:
        t = _hit_terrain(heights, extent, highest, ox, oy, oz, dx, dy, dz, start, best)
        if t < best:
            best, what = t, TERRAIN
    return best, what


@kernel
def normal_at(
    solids: tuple[Doubles, Indices, Indices, Doubles, Doubles, Indices],
    terrain: tuple[Floats, float, float],
    what: int,
    x: float,
    y: float,
    z: float,
) -> tuple[float, float, float]:
    """Outward unit normal of what was hit at a point."""
    if what == TERRAIN:
        heights, extent, _ = terrain
        step = 2.0 * extent / heights.shape[0]
        gx = terrain_height(heights, extent, x + step, z) - terrain_height(heights, extent, x - step, z)
        gz = terrain_height(heights, extent, x, z + step) - terrain_height(heights, extent, x, z - step)
        nx, ny, nz = -gx, 2.0 * step, -gz
    else:
        m = solids[0][what]
        lx = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]
        ly = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]
        lz = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
        if solids[1][what] == 1:
            ax, ay, az = abs(lx), abs(ly), abs(lz)
            if ax >= ay and ax >= az:
                lx, ly, lz = np.sign(lx), 0.0, 0.0
            elif ay >= az:
                lx, ly, lz = 0.0, np.sign(ly), 0.0
            else:
                lx, ly, lz = 0.0, 0.0, np.sign(lz)
        elif solids[1][what] == 2:
            taper = solids[3][what]
            radius = 0.5 * (taper + 1.0) + 0.5 * (taper - 1.0) * ly
            around = np.sqrt(lx * lx + lz * lz)
            if abs(ly) > 1.0 - 1e-6 and around < radius - 1e-6:
                lx, ly, lz = 0.0, np.sign(ly), 0.0
            else:
                ly = 0.5 * (1.0 - taper) * radius
        # Normals go to the world with the transposed map to local.
        nx = m[0, 0] * lx + m[1, 0] * ly + m[2, 0] * lz
        ny = m[0, 1] * lx + m[1, 1] * ly + m[2, 1] * lz
        nz = m[0, 2] * lx + m[1, 2] * ly + m[2, 2] * lz
    length = np.sqrt(nx * nx + ny * ny + nz * nz)
    return nx / length, ny / length, nz / length
