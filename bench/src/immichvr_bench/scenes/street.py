"""A cobbled street of an old town at dusk: lit windows, lamps, bunting, a church tower. Depth from 3 m to 200 m."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from immichvr_bench.scenes.geometry import Builder, beside, roll, yaw
from immichvr_bench.scenes.materials import (
    BRICK,
    COBBLES,
    FOLIAGE,
    GROUND,
    PLAIN,
    SHINGLES,
    STRIPES,
    WOOD,
    Material,
)
from immichvr_bench.scenes.rendering import Light, Scene

_MATERIALS = {
    "cobbles": Material(COBBLES, (0.035, 0.033, 0.035), (0.27, 0.25, 0.25), 0.24, gloss=0.1),
    "pavement": Material(BRICK, (0.09, 0.085, 0.085), (0.34, 0.32, 0.30), 0.8),
    "kerb": Material(GROUND, (0.22, 0.21, 0.20), (0.36, 0.34, 0.32), 0.4),
    "cream": Material(GROUND, (0.52, 0.42, 0.28), (0.66, 0.56, 0.40), 1.4),
    "rose": Material(GROUND, (0.46, 0.20, 0.15), (0.60, 0.31, 0.23), 1.4),
    "sage": Material(GROUND, (0.24, 0.32, 0.24), (0.36, 0.44, 0.33), 1.4),
    "sky": Material(GROUND, (0.22, 0.32, 0.44), (0.34, 0.44, 0.55), 1.4),
    "ochre": Material(GROUND, (0.50, 0.29, 0.08), (0.64, 0.42, 0.16), 1.4),
    "brick": Material(BRICK, (0.30, 0.26, 0.22), (0.42, 0.12, 0.07), 0.46),
    "roof": Material(SHINGLES, (0.10, 0.04, 0.03), (0.34, 0.13, 0.085), 0.26),
    "slate": Material(SHINGLES, (0.05, 0.055, 0.07), (0.18, 0.19, 0.22), 0.26),
    "trim": Material(PLAIN, (0.62, 0.58, 0.50), (0.74, 0.70, 0.62), 0.5),
    "shutter": Material(STRIPES, (0.04, 0.13, 0.12), (0.06, 0.19, 0.17), 0.07),
    "door": Material(WOOD, (0.08, 0.03, 0.015), (0.24, 0.10, 0.05), 0.14),
    "glass": Material(PLAIN, (0.05, 0.07, 0.10), (0.10, 0.13, 0.18), 0.6, gloss=0.6),
    "lit": Material(GROUND, (1.0, 0.46, 0.12), (1.0, 0.60, 0.22), 0.5, glow=0.85),
    "iron": Material(PLAIN, (0.018, 0.020, 0.022), (0.035, 0.038, 0.04), 0.2, gloss=0.25),
    "lamp": Material(PLAIN, (1.0, 0.66, 0.28), (1.0, 0.72, 0.36), 0.1, glow=3.0),
    "stone": Material(BRICK, (0.20, 0.18, 0.16), (0.50, 0.45, 0.38), 0.7),
    "leaf": Material(FOLIAGE, (0.02, 0.07, 0.015), (0.12, 0.22, 0.04), 0.2),
    "blossom": Material(FOLIAGE, (0.62, 0.06, 0.10), (0.80, 0.32, 0.30), 0.05),
    "bark": Material(GROUND, (0.05, 0.035, 0.025), (0.14, 0.10, 0.07), 0.15),
    "terracotta": Material(GROUND, (0.30, 0.10, 0.05), (0.46, 0.19, 0.10), 0.12),
    "awning": Material(PLAIN, (0.52, 0.06, 0.04), (0.60, 0.09, 0.06), 0.5),
    "awning white": Material(PLAIN, (0.70, 0.66, 0.58), (0.78, 0.74, 0.66), 0.5),
    "red flag": Material(PLAIN, (0.60, 0.06, 0.05), (0.68, 0.09, 0.07), 0.3),
    "blue flag": Material(PLAIN, (0.06, 0.16, 0.42), (0.09, 0.20, 0.48), 0.3),
    "yellow flag": Material(PLAIN, (0.80, 0.52, 0.06), (0.86, 0.58, 0.10), 0.3),
}
_INDEX = {name: i for i, name in enumerate(_MATERIALS)}
_HALF_STREET = 3.1
_WALKWAY = 1.5
_FACADES = ("ochre", "sage", "rose", "cream", "brick", "sky")


def street() -> Scene:
    """The street, seen along its length."""
    b = Builder()
    _ground(b)
    rng = np.random.default_rng(8)
    for side in (-1, 1):
        z = 6.0 if side < 0 else 4.5
        k = 0 if side < 0 else 3
        while z > -46:
            width = 5.2 + 2.2 * rng.random()
            floors = 2 + int(rng.integers(0, 2))
            _house(b, side, z, width, floors, _FACADES[k % len(_FACADES)], rng)
            z -= width
            k += 1
    _church(b, 1.5, -74.0)
    _far_town(b)
    lamps = []
    for z, side in ((-3.2, 1), (-9.5, -1), (-16.0, 1), (-22.5, -1), (-30.0, 1), (-37.0, -1)):
        lamps.append(_street_lamp(b, side * (_HALF_STREET + 0.25), z, -side))
    for k, z in enumerate((-4.6, -11.5, -19.0)):
        _bunting(b, z, 4.9 + 0.3 * k, k)
    _tree(b, -3.9, -6.0, 2)
    _tree(b, 3.9, -13.0, 4)
    _cafe(b, 3.75, -6.4)
    _bicycle(b, -2.75, -2.4)
    return Scene(
        name="street",
        solids=b.build(),
        materials=tuple(_MATERIALS.values()),
        light=Light(
            sun=(-0.42, 0.40, -0.80),
            sun_colour=(1.9, 1.05, 0.60),
            zenith=(0.13, 0.20, 0.42),
            horizon=(0.78, 0.50, 0.38),
            bounce=(0.085, 0.075, 0.085),
            haze=0.0035,
            clouds=0.5,
            sun_size=0.02,
            exposure=1.05,
        ),
        eye=(-0.55, 1.62, 3.6),
        target=(0.15, 2.25, -12.0),
        fov=50.0,
        lamps=np.array([[x, y, z, 0.55, 0.31, 0.11] for x, y, z in lamps]),
    )


def _ground(b: Builder) -> None:
    b.box((0, -0.3, -45), (_HALF_STREET + 0.05, 0.3, 60), _INDEX["cobbles"])
    for side in (-1, 1):
        x = side * (_HALF_STREET + _WALKWAY / 2)
        b.box((x, -0.18, -45), (_WALKWAY / 2, 0.3, 60), _INDEX["pavement"])
        b.box((side * _HALF_STREET, -0.18, -45), (0.09, 0.315, 60), _INDEX["kerb"])
    b.box((0, -0.6, -80), (160, 0.3, 100), _INDEX["kerb"])


def _house(b: Builder, side: int, z: float, width: float, floors: int, colour: str, rng: np.random.Generator) -> None:
    front = side * (_HALF_STREET + _WALKWAY)
    depth = 4.5
    height = 3.3 + 2.7 * (floors - 1) + 0.5
    middle = z - width / 2
    b.box((front + side * depth, height / 2, middle), (depth, height / 2, width / 2 - 0.015), _INDEX[colour])
    b.box((front - side * 0.02, 0.35, middle), (0.07, 0.35, width / 2 - 0.02), _INDEX["stone"])
    b.box((front - side * 0.06, height - 0.12, middle), (0.16, 0.12, width / 2), _INDEX["trim"])
    b.box((front - side * 0.03, 3.15, middle), (0.07, 0.07, width / 2 - 0.02), _INDEX["trim"])
    _roof(b, side, front, height, middle, width, "roof" if floors == 2 else "slate")
    columns = max(2, round(width / 2.1))
    for k in range(columns):
        at = z - width * (k + 0.5) / columns
        if k == columns // 2:
            _door(b, side, front, at)
        else:
            _window(b, side, front, 1.75, at, 1.25, rng.random() < 0.55, shutters=False)
        for floor in range(1, floors):
            lit = rng.random() < 0.42
            _window(b, side, front, 3.3 + 2.7 * floor - 1.25, at, 1.3, lit, shutters=True)
            if rng.random() < 0.5:
                _flower_box(b, side, front, 3.3 + 2.7 * floor - 2.02, at, rng)


def _roof(b: Builder, side: int, front: float, height: float, middle: float, width: float, name: str) -> None:
    tilt = roll(side * 42)
    length = 3.3
    centre = (front + side * (length * math.cos(0.733) - 0.35), height + length * math.sin(0.733) - 0.25, middle)
    b.box(centre, (length, 0.09, width / 2), _INDEX[name], tilt)
    b.box((front + side * 3.2, height + 2.8, middle + width * 0.28), (0.32, 1.1, 0.40), _INDEX["brick"])
    # A dormer.
    b.box((front + side * 1.25, height + 0.75, middle), (0.75, 0.62, 0.55), _INDEX["trim"])
    b.box((front + side * 0.48, height + 0.78, middle), (0.02, 0.38, 0.34), _INDEX["lit" if width > 6.3 else "glass"])
    b.box((front + side * 1.2, height + 1.42, middle), (0.95, 0.06, 0.70), _INDEX[name])


def _window(b: Builder, side: int, front: float, y: float, z: float, height: float, lit: bool, shutters: bool) -> None:
    half = height / 2
    b.box((front - side * 0.015, y, z), (0.04, half + 0.09, 0.56), _INDEX["trim"])
    b.box((front - side * 0.03, y, z), (0.04, half, 0.46), _INDEX["lit" if lit else "glass"])
    for offset in (-0.155, 0.155):
        b.box((front - side * 0.07, y, z + offset), (0.012, half, 0.018), _INDEX["trim"])
    for share in (-0.33, 0.33):
        b.box((front - side * 0.07, y + share * height / 2, z), (0.012, 0.018, 0.46), _INDEX["trim"])
    b.box((front - side * 0.10, y - half - 0.10, z), (0.12, 0.05, 0.62), _INDEX["trim"])
    if shutters:
        for edge in (-1, 1):
            b.box((front - side * 0.05, y, z + edge * 0.82), (0.03, half + 0.04, 0.24), _INDEX["shutter"])


def _door(b: Builder, side: int, front: float, z: float) -> None:
    b.box((front - side * 0.02, 1.18, z), (0.05, 1.18, 0.60), _INDEX["trim"])
    b.box((front - side * 0.04, 1.08, z), (0.05, 1.08, 0.48), _INDEX["door"])
    b.box((front - side * 0.04, 2.32, z), (0.06, 0.16, 0.48), _INDEX["lit"])
    b.box((front - side * 0.25, 0.16, z), (0.30, 0.05, 0.70), _INDEX["kerb"])


def _flower_box(b: Builder, side: int, front: float, y: float, z: float, rng: np.random.Generator) -> None:
    b.box((front - side * 0.22, y, z), (0.12, 0.09, 0.50), _INDEX["terracotta"])
    for _ in range(20):
        at = (
            front - side * (0.22 + 0.12 * (rng.random() - 0.3)),
            y + 0.10 + 0.16 * rng.random(),
            z + rng.random() - 0.5,
        )
        name = "blossom" if rng.random() < 0.45 else "leaf"
        b.sphere(at, 0.05 + 0.05 * rng.random(), _INDEX[name])


def _street_lamp(b: Builder, x: float, z: float, towards: int) -> tuple[float, float, float]:
    post = [(0.0, 0.13), (0.10, 0.13), (0.14, 0.08), (0.55, 0.07), (0.60, 0.085), (0.64, 0.05)]
    post += [(3.1, 0.036), (3.14, 0.06), (3.18, 0.036)]
    b.lathe((x, 0.12, z), post, _INDEX["iron"])
    points = [np.array([x, 3.30, z])]
    for k in range(1, 9):
        angle = math.pi * k / 8
        points.append(np.array([x + towards * 0.32 * (1 - math.cos(angle)), 3.30 + 0.32 * math.sin(angle), z]))
    for start, end in pairwise(points):
        b.rod(start, end, 0.024, _INDEX["iron"])
    tip = points[-1]
    b.lathe((tip[0], 2.80, z), [(0.0, 0.085), (0.30, 0.13)], _INDEX["lamp"])
    b.lathe((tip[0], 3.10, z), [(0.0, 0.17), (0.12, 0.05), (0.20, 0.02)], _INDEX["iron"])
    b.lathe((tip[0], 2.75, z), [(0.0, 0.03), (0.05, 0.10)], _INDEX["iron"])
    return float(tip[0]), 2.72, z


def _bunting(b: Builder, z: float, y: float, seed: int) -> None:
    reach = _HALF_STREET + _WALKWAY
    names = ("red flag", "yellow flag", "blue flag", "awning white")

    def at(t: float) -> np.ndarray:
        return np.array([reach * (2 * t - 1), y - 0.75 * (1 - (2 * t - 1) ** 2), z + 0.8 * (t - 0.5)])

    for k in range(28):
        b.rod(at(k / 28), at((k + 1) / 28), 0.008, _INDEX["iron"])
        if k % 2:
            place = at((k + 0.5) / 28)
            b.add(
                2,
                _INDEX[names[(k // 2 + seed) % 4]],
                np.diag([0.13, -0.17, 0.006]),
                beside(place, y=-0.18),
                0.02,
            )


def _tree(b: Builder, x: float, z: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    b.rod((x, 0.1, z), (x + 0.05, 2.2, z), 0.11, _INDEX["bark"], 0.08)
    for _ in range(7):
        angle = 6.2832 * rng.random()
        end = (x + 0.8 * math.cos(angle), 2.9 + 0.7 * rng.random(), z + 0.8 * math.sin(angle))
        b.rod((x + 0.05, 1.9 + 0.3 * rng.random(), z), end, 0.045, _INDEX["bark"], 0.015)
    for _ in range(1100):
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        radius = np.array([1.05, 0.95, 1.05]) * (0.35 + 0.65 * rng.random() ** 0.6)
        centre = np.array([x, 3.05, z]) + direction * radius
        turn = yaw(360 * rng.random()) @ roll(80 * rng.random() - 40)
        b.add(0, _INDEX["leaf"], turn @ np.diag([0.105, 0.018, 0.06]), centre)


def _cafe(b: Builder, x: float, z: float) -> None:
    for k in range(8):
        name = "awning" if k % 2 else "awning white"
        b.box((x + 0.45, 2.62, z - 1.3 + 0.37 * k), (0.75, 0.03, 0.186), _INDEX[name], roll(22))
    for dz in (-0.7, 0.75):
        b.lathe(
            (x - 0.05, 0.12, z + dz),
            [(0.0, 0.22), (0.03, 0.03), (0.68, 0.03), (0.69, 0.30), (0.72, 0.30)],
            _INDEX["iron"],
        )
        b.lathe((x - 0.05, 0.84, z + dz), [(0.0, 0.04), (0.10, 0.05)], _INDEX["terracotta"])
        for k in range(9):
            angle = 2.4 * k
            b.sphere(
                (x - 0.05 + 0.05 * math.cos(angle), 0.97 + 0.012 * k % 0.06, z + dz + 0.05 * math.sin(angle)),
                0.028,
                _INDEX["blossom"],
            )
        for dx, dzz in ((-0.45, 0.1), (0.42, -0.1)):
            _chair(b, x - 0.05 + dx, z + dz + dzz, 1 if dx < 0 else -1)


def _chair(b: Builder, x: float, z: float, facing: int) -> None:
    for ax in (-0.16, 0.16):
        for az in (-0.16, 0.16):
            top = 0.90 if ax * facing < 0 else 0.46
            b.rod((x + ax, 0.12, z + az), (x + ax, 0.12 + top, z + az), 0.012, _INDEX["iron"])
    b.box((x, 0.58, z), (0.18, 0.012, 0.18), _INDEX["door"])
    for y in (0.80, 0.90, 1.0):
        b.box((x - facing * 0.16, y, z), (0.008, 0.022, 0.17), _INDEX["door"])


def _ring(b: Builder, centre: np.ndarray, radius: float, thickness: float, name: str) -> None:
    steps = 28
    points = [
        beside(centre, 0, radius * math.sin(math.tau * k / steps), radius * math.cos(math.tau * k / steps))
        for k in range(steps + 1)
    ]
    for start, end in pairwise(points):
        b.rod(start, end, thickness, _INDEX[name])


def _bicycle(b: Builder, x: float, z: float) -> None:
    """Leaning in the street: the thin structure that lifting finds hardest."""
    rear, front = np.array([x, 0.46, z + 0.52]), np.array([x, 0.46, z - 0.52])
    for hub in (rear, front):
        _ring(b, hub, 0.33, 0.016, "iron")
        for k in range(9):
            angle = 2 * math.pi * k / 9
            b.rod(hub, beside(hub, 0, 0.32 * math.sin(angle), 0.32 * math.cos(angle)), 0.0035, _INDEX["trim"])
    crank, seat = np.array([x, 0.42, z + 0.08]), np.array([x, 0.98, z + 0.24])
    head, bar = np.array([x, 0.95, z - 0.34]), np.array([x, 1.10, z - 0.32])
    for start, end in ((rear, crank), (rear, seat), (crank, seat), (crank, head), (beside(seat, y=-0.1), head)):
        b.rod(start, end, 0.017, _INDEX["red flag"])
    b.rod(front, bar, 0.016, _INDEX["red flag"])
    b.rod(beside(bar, -0.26, 0.03, 0.06), beside(bar, 0.26, 0.03, 0.06), 0.012, _INDEX["iron"])
    b.add(0, _INDEX["door"], np.diag([0.07, 0.03, 0.14]), beside(seat, y=0.03))
    b.box(beside(front, 0, 0.62, -0.12), (0.15, 0.11, 0.12), _INDEX["door"])


def _church(b: Builder, x: float, z: float) -> None:
    b.box((x, 9, z), (3.0, 9, 3.0), _INDEX["stone"])
    b.box((x, 18.2, z), (3.3, 0.25, 3.3), _INDEX["trim"])
    b.rod((x, 18.4, z), (x, 30.0, z), 2.9, _INDEX["slate"], 0.05)
    b.rod((x, 30.0, z), (x, 31.6, z), 0.06, _INDEX["iron"])
    b.box((x, 31.1, z), (0.42, 0.05, 0.05), _INDEX["iron"])
    b.rod((x, 14.5, z + 2.9), (x, 14.5, z + 3.1), 1.15, _INDEX["trim"])
    b.rod((x, 14.5, z + 2.95), (x, 14.5, z + 3.13), 0.98, _INDEX["lit"])
    b.box((x, 14.8, z + 3.15), (0.05, 0.42, 0.02), _INDEX["iron"])
    b.box((x + 0.22, 14.5, z + 3.15), (0.26, 0.05, 0.02), _INDEX["iron"])
    for dx in (-1.1, 1.1):
        b.box((x + dx, 10.2, z + 3.0), (0.45, 1.2, 0.06), _INDEX["glass"])
    b.box((x + 9.0, 5.0, z - 6), (7.5, 5.0, 5.5), _INDEX["stone"])
    b.box((x + 9.0, 11.3, z - 6), (7.8, 0.2, 4.6), _INDEX["slate"])


def _far_town(b: Builder) -> None:
    rng = np.random.default_rng(31)
    for _ in range(60):
        x, z = 90 * (rng.random() - 0.5), -85 - 100 * rng.random()
        height, width = 5 + 6 * rng.random(), 3 + 3 * rng.random()
        colour = _FACADES[int(rng.integers(0, len(_FACADES)))]
        b.box((x, height / 2, z), (width, height / 2, width), _INDEX[colour])
        b.rod((x, height, z), (x, height + 0.9 * width, z), 1.3 * width, _INDEX["roof"], 0.02)
