"""A meadow before mountains in the evening: fence, path, cabin, conifers. Depth from 3 m to 2.5 km."""

from __future__ import annotations

import math

import numpy as np

from immichvr_bench.scenes.compiled import Floats, kernel
from immichvr_bench.scenes.geometry import Builder, beside, roll, yaw
from immichvr_bench.scenes.materials import (
    ALPINE,
    FOLIAGE,
    GROUND,
    PLAIN,
    SHINGLES,
    WOOD,
    Material,
)
from immichvr_bench.scenes.noise import fractal
from immichvr_bench.scenes.rendering import Light, Scene
from immichvr_bench.scenes.tracing import terrain_height

_MATERIALS = {
    "terrain": Material(ALPINE, (0.022, 0.060, 0.014), (0.15, 0.16, 0.045)),
    "needles": Material(FOLIAGE, (0.010, 0.040, 0.020), (0.045, 0.105, 0.045), 0.6),
    "bark": Material(GROUND, (0.06, 0.04, 0.028), (0.16, 0.11, 0.08), 0.2),
    "fence": Material(WOOD, (0.10, 0.075, 0.055), (0.30, 0.24, 0.19), 0.09),
    "logs": Material(WOOD, (0.09, 0.045, 0.022), (0.26, 0.14, 0.07), 0.25),
    "roof": Material(SHINGLES, (0.05, 0.045, 0.05), (0.20, 0.17, 0.16), 0.28),
    "window": Material(PLAIN, (1.0, 0.62, 0.25), (1.0, 0.7, 0.32), 0.3, glow=1.3),
    "stone": Material(GROUND, (0.12, 0.115, 0.11), (0.30, 0.29, 0.27), 0.35),
    "leaf": Material(FOLIAGE, (0.10, 0.09, 0.012), (0.42, 0.24, 0.03), 0.3),
    "birch": Material(GROUND, (0.10, 0.09, 0.08), (0.62, 0.60, 0.55), 0.10),
    "red flower": Material(PLAIN, (0.62, 0.05, 0.03), (0.8, 0.1, 0.05), 0.05),
    "yellow flower": Material(PLAIN, (0.85, 0.60, 0.05), (0.9, 0.7, 0.1), 0.05),
    "blade": Material(FOLIAGE, (0.05, 0.12, 0.02), (0.22, 0.27, 0.06), 0.1),
}
_INDEX = {name: i for i, name in enumerate(_MATERIALS)}
_EXTENT = 2600.0
_SIZE = 1025


def landscape() -> Scene:
    """The meadow, looking up the valley."""
    heights = _heights()
    b = Builder()
    _forest(b, heights)
    _cabin(b, heights, 15.0, -46.0)
    _fence(b, heights)
    _birch(b, heights, -6.3, -13.5)
    _meadow(b, heights)
    eye_height = terrain_height(heights, _EXTENT, 0.0, 0.0) + 1.75
    return Scene(
        name="landscape",
        solids=b.build(),
        materials=tuple(_MATERIALS.values()),
        light=Light(
            sun=(-0.80, 0.36, 0.18),
            sun_colour=(3.7, 2.5, 1.5),
            zenith=(0.16, 0.30, 0.60),
            horizon=(0.70, 0.62, 0.60),
            bounce=(0.10, 0.10, 0.11),
            haze=0.00028,
            clouds=0.35,
            sun_size=0.008,
            exposure=0.85,
        ),
        eye=(0.0, eye_height, 0.0),
        target=(0.0, eye_height + 2.2, -40.0),
        fov=44.0,
        terrain=heights,
        terrain_extent=_EXTENT,
        terrain_material=_INDEX["terrain"],
    )


@kernel
def _sculpt(size: int, extent: float) -> Floats:
    out = np.empty((size, size), np.float32)
    for i in range(size):
        z = (2.0 * i / (size - 1) - 1.0) * extent
        for j in range(size):
            x = (2.0 * j / (size - 1) - 1.0) * extent
            ahead = -z
            meadow = 2.5 * (fractal(0.012 * x, 2.0, 0.012 * z, 3) - 0.5) - 0.012 * max(ahead, 0.0)
            ridge, amplitude, scale = 0.0, 1.0, 0.0011
            for octave in range(7):
                n = fractal(scale * x + 3.1 * octave, 5.0 + octave, scale * z + 1.7 * octave, 2)
                ridge += amplitude * (1.0 - abs(2.0 * n - 1.0)) ** 2
                amplitude *= 0.46
                scale *= 2.1
            away = np.sqrt(x * x * 0.55 + ahead * ahead)
            rise = min(max((away - 330.0) / 1500.0, 0.0), 1.0)
            rise = rise * rise * (3.0 - 2.0 * rise)
            sides = min(max((abs(x) - 60.0 - 0.30 * max(ahead, 0.0)) / 500.0, 0.0), 1.0)
            hills = 60.0 * sides * sides * (0.5 + fractal(0.006 * x, 9.0, 0.006 * z, 4))
            out[i, j] = meadow + hills + rise * (ridge * 430.0 - 120.0)
    return out


def _heights() -> Floats:
    return _sculpt(_SIZE, _EXTENT)


def _ground(heights: Floats, x: float, z: float) -> float:
    return terrain_height(heights, _EXTENT, x, z)


def _forest(b: Builder, heights: Floats) -> None:
    rng = np.random.default_rng(21)
    planted = 0
    while planted < 2400:
        z = -34 - 1050 * rng.random() ** 1.25
        x = (rng.random() - 0.5) * 1.7 * (60 - z)
        clearing = abs(x - 0.03 * z) < 15 + 0.13 * -z and z > -330
        if fractal(0.011 * x, 4.0, 0.011 * z, 3) < 0.41:  # glades
            continue
        if clearing and rng.random() > 0.01:
            continue
        _spruce(b, x, _ground(heights, x, z), z, 8 + 9 * rng.random(), int(planted))
        planted += 1
    for x, z, height in ((-11.5, -24.0, 11.0), (-15.0, -30.0, 14.0), (11.0, -27.0, 9.0), (22.0, -38.0, 13.0)):
        _spruce(b, x, _ground(heights, x, z), z, height, planted, boughs=150)


def _spruce(b: Builder, x: float, y: float, z: float, height: float, seed: int, boughs: int = 0) -> None:
    b.rod((x, y - 0.5, z), (x, y + 0.9 * height, z), 0.022 * height, _INDEX["bark"], 0.004 * height)
    tiers = 9 if boughs else 7
    for k in range(tiers):
        t = k / tiers
        bottom = y + height * (0.10 + 0.86 * t)
        radius = height * 0.21 * (1 - t) ** 0.85 + 0.05
        shrink = 0.55 if boughs else 1.0
        b.rod(
            (x, bottom, z),
            (x, bottom + height * (0.24 - 0.08 * t), z),
            radius * shrink,
            _INDEX["needles"],
            0.02 * radius,
        )
    rng = np.random.default_rng(seed)
    for _ in range(boughs):
        t = rng.random() ** 0.8
        angle = 6.2832 * rng.random()
        reach = height * 0.22 * (1 - t) ** 0.85 * (0.55 + 0.45 * rng.random()) + 0.1
        turn = yaw(math.degrees(-angle)) @ roll(-22)
        middle = np.array([x, y + height * (0.12 + 0.86 * t), z]) + turn @ [reach * 0.55, 0, 0]
        b.add(0, _INDEX["needles"], turn @ np.diag([reach * 0.55, 0.10 + 0.03 * reach, 0.20 * reach]), middle)


def _cabin(b: Builder, heights: Floats, x: float, z: float) -> None:
    y = _ground(heights, x, z) - 0.2
    turn = yaw(28)
    origin = np.array([x, y, z])

    def place(centre: tuple[float, float, float], half: tuple[float, float, float], name: str) -> None:
        b.box(origin + turn @ centre, half, _INDEX[name], turn)

    place((0, 0.3, 0), (3.3, 0.4, 2.5), "stone")
    for k in range(9):
        for side in (-1, 1):
            height = 0.85 + 0.27 * k
            start, end = turn @ [-3.4, height, side * 2.4], turn @ [3.4, height, side * 2.4]
            b.rod(origin + start, origin + end, 0.15, _INDEX["logs"])
            start, end = turn @ [side * 3.2, height, -2.6], turn @ [side * 3.2, height, 2.6]
            b.rod(origin + start, origin + end, 0.15, _INDEX["logs"])
    place((0, 1.9, 0), (3.15, 1.3, 2.35), "logs")
    for k in range(10):  # gable ends, in courses
        half = 2.4 * (1 - k / 10)
        place((0, 3.25 + 0.19 * k, 0), (3.1, 0.10, half), "logs")
    for side in (-1, 1):
        slope = np.array(
            [
                [1, 0, 0],
                [0, math.cos(0.66), -side * math.sin(0.66)],
                [0, side * math.sin(0.66), math.cos(0.66)],
            ]
        )
        b.box(
            origin + turn @ [0, 4.10, side * 1.45],
            (3.9, 0.09, 2.05),
            _INDEX["roof"],
            turn @ slope,
        )
    place((1.6, 4.9, -0.6), (0.32, 1.0, 0.32), "stone")
    for at in (-1.7, 1.5):
        place((at, 2.0, 2.56), (0.42, 0.42, 0.03), "window")
        place((at, 2.0, 2.60), (0.03, 0.46, 0.02), "fence")
        place((at, 2.0, 2.60), (0.46, 0.03, 0.02), "fence")
    place((0, 1.55, 2.56), (0.42, 0.95, 0.04), "fence")
    place((-3.36, 2.0, 0.0), (0.03, 0.42, 0.42), "window")


def _fence(b: Builder, heights: Floats) -> None:
    rng = np.random.default_rng(5)
    posts = []
    for k in range(17):
        x = -7.5 + 1.55 * k
        z = -7.4 - 0.42 * k - 0.5 * math.sin(0.5 * k)
        posts.append(np.array([x, _ground(heights, x, z), z]))
    for k, post in enumerate(posts):
        lean = np.array([0.05 * (rng.random() - 0.5), 1.12 + 0.08 * rng.random(), 0.05 * (rng.random() - 0.5)])
        b.rod(beside(post, y=-0.3), post + lean, 0.055, _INDEX["fence"], 0.045)
        if k + 1 < len(posts):
            for height in (0.42, 0.88):
                sag = 0.05 * (rng.random() - 0.5)
                after = posts[k + 1]
                b.rod(
                    beside(post, -0.10, height + sag, 0.06),
                    beside(after, 0.10, height + 0.05 * (rng.random() - 0.5), 0.06),
                    0.036,
                    _INDEX["fence"],
                    0.030,
                )


def _birch(b: Builder, heights: Floats, x: float, z: float) -> None:
    y = _ground(heights, x, z)
    rng = np.random.default_rng(13)
    base = np.array([x, y - 0.2, z])
    top = beside(base, 0.35, 5.6, 0.1)
    b.rod(base, top, 0.13, _INDEX["birch"], 0.05)
    for _ in range(15):
        t = 0.38 + 0.6 * rng.random()
        start = base + t * (top - base)
        angle = 6.2832 * rng.random()
        reach = 1.7 * (1.15 - t)
        end = beside(start, reach * math.cos(angle), 0.75 * reach + 0.3, reach * math.sin(angle))
        b.rod(start, end, 0.035, _INDEX["birch"], 0.012)
        for _ in range(48):
            along = 0.35 + 0.75 * rng.random()
            centre = start + along * (end - start) + rng.normal(size=3) * 0.30
            turn = yaw(360 * rng.random()) @ roll(90 * rng.random() - 45)
            b.add(0, _INDEX["leaf"], turn @ np.diag([0.10, 0.02, 0.065]), centre)


def _meadow(b: Builder, heights: Floats) -> None:
    rng = np.random.default_rng(17)
    for _ in range(1500):
        z = -3.0 - 9.0 * rng.random() ** 1.3
        x = (rng.random() - 0.5) * (1.6 * -z + 2.0)
        y = _ground(heights, x, z)
        height = 0.10 + 0.20 * rng.random()
        tip = (x + 0.12 * (rng.random() - 0.3), y + height, z + 0.08 * (rng.random() - 0.5))
        b.rod((x, y - 0.02, z), tip, 0.006, _INDEX["blade"], 0.0015)
        if rng.random() < 0.10:
            name = "red flower" if rng.random() < 0.5 else "yellow flower"
            b.sphere(tip, (0.026, 0.016, 0.026), _INDEX[name])
    for _ in range(9):
        z = -4.0 - 16.0 * rng.random()
        x = (rng.random() - 0.5) * 1.5 * -z
        size = 0.10 + 0.24 * rng.random() ** 2
        b.add(
            0,
            _INDEX["stone"],
            yaw(360 * rng.random()) @ np.diag([size, 0.55 * size, 0.75 * size]),
            (x, _ground(heights, x, z) - 0.12 * size, z),
        )
