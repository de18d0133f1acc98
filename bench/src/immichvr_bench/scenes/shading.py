"""Light: sun with soft shadows, sky with one diffuse bounce, lamps, haze."""

from __future__ import annotations

import numpy as np

from immichvr_bench.scenes.compiled import Doubles, Floats, Indices, kernel
from immichvr_bench.scenes.materials import colour_at
from immichvr_bench.scenes.noise import fractal, hashed
from immichvr_bench.scenes.tracing import NOTHING, TERRAIN, normal_at, trace

# Places in the array that describes the light (see `_World.of` in `rendering.py`).
SUN, SUN_COLOUR, ZENITH, HORIZON, BOUNCE, HAZE, CLOUDS, SUN_SIZE, EXPOSURE, TERRAIN_MATERIAL, SKY_DEPTH = (
    0, 3, 6, 9, 12, 15, 16, 17, 18, 19, 20,
)  # fmt: skip
LIGHT_SIZE = 21
_OFFSET = 1e-4


@kernel
def sky(light: Doubles, dx: float, dy: float, dz: float, disc: bool) -> tuple[float, float, float]:
    """Radiance of the sky: a gradient, a glow around the sun, clouds; with `disc`, the sun itself."""
    up = max(dy, 0.0)
    share = (1.0 - up) ** 4
    red = light[ZENITH] + (light[HORIZON] - light[ZENITH]) * share
    green = light[ZENITH + 1] + (light[HORIZON + 1] - light[ZENITH + 1]) * share
    blue = light[ZENITH + 2] + (light[HORIZON + 2] - light[ZENITH + 2]) * share
    towards = max(dx * light[SUN] + dy * light[SUN + 1] + dz * light[SUN + 2], 0.0)
    glow = 0.10 * towards**8 + 0.25 * towards**64
    if disc and towards > 0.9995:
        glow += 4.0
    red += glow * light[SUN_COLOUR]
    green += glow * light[SUN_COLOUR + 1]
    blue += glow * light[SUN_COLOUR + 2]
    if light[CLOUDS] > 0.0 and dy > 0.01:
        x, z = 1.1 * dx / (dy + 0.12), 1.1 * dz / (dy + 0.12)
        density = fractal(x, 3.0, 1.7 * z, 6)
        cover = min(max((density - 0.60 + 0.25 * light[CLOUDS]) * 4.0, 0.0), 1.0)
        cover *= min(1.0, 6.0 * dy)
        shade = 0.75 + 0.6 * (density - fractal(x + 0.15 * light[SUN], 3.0, 1.7 * z + 0.15 * light[SUN + 2], 4))
        bright = shade * (0.55 + 0.45 * towards)
        red += cover * (bright * (0.35 + 0.42 * light[SUN_COLOUR]) - 0.7 * red)
        green += cover * (bright * (0.36 + 0.42 * light[SUN_COLOUR + 1]) - 0.7 * green)
        blue += cover * (bright * (0.40 + 0.42 * light[SUN_COLOUR + 2]) - 0.7 * blue)
    return max(red, 0.0), max(green, 0.0), max(blue, 0.0)


@kernel
def _sunlight(
    solids: tuple[Doubles, Indices, Indices, Doubles, Doubles, Indices],
    terrain: tuple[Floats, float, float],
    light: Doubles,
    point: tuple[float, float, float],
    normal: tuple[float, float, float],
    jitter: tuple[float, float],
    stack: Indices,
) -> float:
    """Cosine towards a random point of the sun's disc, 0 in shadow."""
    angle, radius = 6.2831853 * jitter[0], light[SUN_SIZE] * np.sqrt(jitter[1])
    sx, sy, sz = light[SUN], light[SUN + 1], light[SUN + 2]
    flat = np.sqrt(sx * sx + sz * sz) + 1e-9
    rx, rz = -sz / flat, sx / flat
    a, b = radius * np.cos(angle), radius * np.sin(angle)
    dx, dy, dz = sx + a * rx - b * sy * sx / flat, sy + b * flat, sz + a * rz - b * sy * sz / flat
    length = np.sqrt(dx * dx + dy * dy + dz * dz)
    dx, dy, dz = dx / length, dy / length, dz / length
    cosine = normal[0] * dx + normal[1] * dy + normal[2] * dz
    if cosine <= 0.0:
        return 0.0
    _, what = trace(solids, terrain, point, (dx, dy, dz), _OFFSET, 1e9, True, stack)
    return cosine if what == NOTHING else 0.0


@kernel
def _surface(
    solids: tuple[Doubles, Indices, Indices, Doubles, Doubles, Indices],
    terrain: tuple[Floats, float, float],
    materials: Doubles,
    light: Doubles,
    what: int,
    point: tuple[float, float, float],
    direction: tuple[float, float, float],
) -> tuple[tuple[float, float, float], tuple[float, float, float], int]:
    """Normal towards the viewer, colour and material of a hit."""
    x, y, z = point
    nx, ny, nz = normal_at(solids, terrain, what, x, y, z)
    if nx * direction[0] + ny * direction[1] + nz * direction[2] > 0.0:
        nx, ny, nz = -nx, -ny, -nz
    if what == TERRAIN:
        material = int(light[TERRAIN_MATERIAL])
        local = point
    else:
        material = solids[2][what]
        m = solids[0][what]
        local = (
            m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3],
            m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3],
            m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3],
        )
    normal = (nx, ny, nz)
    return normal, colour_at(materials[material], point, normal, local, what), material


@kernel
def _lamplight(
    lamps: Doubles, point: tuple[float, float, float], normal: tuple[float, float, float]
) -> tuple[float, float, float]:
    red = green = blue = 0.0
    for i in range(lamps.shape[0]):
        dx, dy, dz = lamps[i, 0] - point[0], lamps[i, 1] - point[1], lamps[i, 2] - point[2]
        square = dx * dx + dy * dy + dz * dz
        cosine = (dx * normal[0] + dy * normal[1] + dz * normal[2]) / np.sqrt(square)
        strength = max(0.5 * cosine + 0.5, 0.0) / (0.3 + square)
        red += strength * lamps[i, 3]
        green += strength * lamps[i, 4]
        blue += strength * lamps[i, 5]
    return red, green, blue


@kernel
def _indirect(
    solids: tuple[Doubles, Indices, Indices, Doubles, Doubles, Indices],
    terrain: tuple[Floats, float, float],
    materials: Doubles,
    light: Doubles,
    point: tuple[float, float, float],
    normal: tuple[float, float, float],
    jitter: tuple[float, float, float, float],
    stack: Indices,
) -> tuple[float, float, float]:
    """Irradiance over π from one cosine-weighted direction: sky, or what the sun and sky light there."""
    nx, ny, nz = normal
    height = 1.0 - 2.0 * jitter[0]
    around = np.sqrt(max(1.0 - height * height, 0.0))
    angle = 6.2831853 * jitter[1]
    dx, dy, dz = nx + around * np.cos(angle), ny + height, nz + around * np.sin(angle)
    length = np.sqrt(dx * dx + dy * dy + dz * dz) + 1e-9
    dx, dy, dz = dx / length, dy / length, dz / length
    direction = (dx, dy, dz)
    t, what = trace(solids, terrain, point, direction, _OFFSET, 1e9, False, stack)
    if what == NOTHING:
        if dy < 0.0:
            return light[BOUNCE], light[BOUNCE + 1], light[BOUNCE + 2]
        return sky(light, dx, dy, dz, False)
    there = (point[0] + t * dx, point[1] + t * dy, point[2] + t * dz)
    bent, colour, material = _surface(solids, terrain, materials, light, what, there, direction)
    start = (there[0] + _OFFSET * bent[0], there[1] + _OFFSET * bent[1], there[2] + _OFFSET * bent[2])
    sun = _sunlight(solids, terrain, light, start, bent, (jitter[2], jitter[3]), stack)
    glow = materials[material, 9]
    return (
        colour[0] * (sun * light[SUN_COLOUR] + light[BOUNCE] + glow),
        colour[1] * (sun * light[SUN_COLOUR + 1] + light[BOUNCE + 1] + glow),
        colour[2] * (sun * light[SUN_COLOUR + 2] + light[BOUNCE + 2] + glow),
    )


@kernel
def shade(
    solids: tuple[Doubles, Indices, Indices, Doubles, Doubles, Indices],
    terrain: tuple[Floats, float, float],
    materials: Doubles,
    lamps: Doubles,
    light: Doubles,
    origin: tuple[float, float, float],
    direction: tuple[float, float, float],
    seed: tuple[int, int, int],
    stack: Indices,
    out: Floats,
) -> None:
    """Add one sample to out (9,): direct light, colour after haze, irradiance over π."""
    t, what = trace(solids, terrain, origin, direction, 1e-3, 1e9, False, stack)
    if what == NOTHING:
        red, green, blue = sky(light, direction[0], direction[1], direction[2], True)
        out[0] += red
        out[1] += green
        out[2] += blue
        return
    point = (origin[0] + t * direction[0], origin[1] + t * direction[1], origin[2] + t * direction[2])
    normal, colour, material = _surface(solids, terrain, materials, light, what, point, direction)
    start = (
        point[0] + _OFFSET * t * normal[0],
        point[1] + _OFFSET * t * normal[1],
        point[2] + _OFFSET * t * normal[2],
    )
    i, j, k = seed
    # Samples of a pixel are spread by the golden ratio's generalisation (Roberts' R2) from a random start.
    a, b = (hashed(i, j, 1) + 0.7548777 * k) % 1.0, (hashed(i, j, 2) + 0.5698403 * k) % 1.0
    c, d = (hashed(i, j, 3) + 0.8191725 * k) % 1.0, (hashed(i, j, 4) + 0.6710436 * k) % 1.0
    sun = _sunlight(solids, terrain, light, start, normal, (a, b), stack)
    around = _indirect(solids, terrain, materials, light, start, normal, (c, d, b, a), stack)
    lamp = _lamplight(lamps, point, normal)
    clear = np.exp(-t * light[HAZE])
    haze = sky(light, direction[0], max(0.02, direction[1]), direction[2], False)
    half = (light[SUN] - direction[0], light[SUN + 1] - direction[1], light[SUN + 2] - direction[2])
    length = np.sqrt(half[0] * half[0] + half[1] * half[1] + half[2] * half[2])
    facing = max((normal[0] * half[0] + normal[1] * half[1] + normal[2] * half[2]) / length, 0.0)
    gleam = materials[material, 8] * facing**40 if sun > 0.0 else 0.0
    glow = materials[material, 9]
    for channel in range(3):
        direct = sun * light[SUN_COLOUR + channel] + lamp[channel] + glow
        out[channel] += clear * (colour[channel] * direct + gleam * light[SUN_COLOUR + channel])
        out[channel] += (1.0 - clear) * haze[channel]
        out[3 + channel] += clear * colour[channel]
        out[6 + channel] += around[channel]
