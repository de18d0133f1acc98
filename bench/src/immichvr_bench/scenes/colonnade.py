"""A vaulted hall open to a garden: sun through arches on a marble floor. Depth from 2 m to 60 m."""

from __future__ import annotations

import math

import numpy as np

from immichvr_bench.scenes.geometry import Builder, roll, yaw
from immichvr_bench.scenes.materials import (
    BRICK,
    CHECKER,
    FOLIAGE,
    GROUND,
    MARBLE,
    PLAIN,
    Material,
)
from immichvr_bench.scenes.rendering import Light, Scene

_MATERIALS = {
    "floor": Material(CHECKER, (0.42, 0.36, 0.28), (0.055, 0.04, 0.035), 0.9, gloss=0.15),
    "column": Material(MARBLE, (0.36, 0.30, 0.23), (0.60, 0.52, 0.42), 0.8),
    "stone": Material(BRICK, (0.22, 0.19, 0.15), (0.68, 0.58, 0.44), 0.8),
    "vault": Material(GROUND, (0.38, 0.27, 0.18), (0.54, 0.42, 0.29), 1.2),
    "trim": Material(PLAIN, (0.52, 0.44, 0.34), (0.70, 0.62, 0.50), 0.6),
    "terracotta": Material(GROUND, (0.34, 0.11, 0.05), (0.52, 0.21, 0.10), 0.12),
    "leaf": Material(FOLIAGE, (0.025, 0.085, 0.02), (0.15, 0.27, 0.06), 0.2),
    "citrus": Material(PLAIN, (0.80, 0.26, 0.02), (0.90, 0.36, 0.04), 0.1),
    "bark": Material(GROUND, (0.09, 0.055, 0.03), (0.20, 0.13, 0.08), 0.1),
    "grass": Material(GROUND, (0.04, 0.095, 0.02), (0.12, 0.18, 0.04), 1.5),
    "cypress": Material(FOLIAGE, (0.015, 0.05, 0.018), (0.07, 0.13, 0.045), 0.5),
    "gravel": Material(GROUND, (0.28, 0.23, 0.16), (0.44, 0.37, 0.27), 0.4),
    "bronze": Material(PLAIN, (0.12, 0.08, 0.04), (0.20, 0.15, 0.08), 0.2, gloss=0.5),
    "lamp": Material(PLAIN, (1.0, 0.65, 0.30), (1.0, 0.7, 0.35), 0.1, glow=2.5),
}
_INDEX = {name: i for i, name in enumerate(_MATERIALS)}
_HALF_WIDTH = 2.5
_BAY = 3.2
_BAYS = 8
_SPRING = 3.1  # height from which the arches rise


def colonnade() -> Scene:
    """The hall, seen along its length."""
    b = Builder()
    b.box((0, -0.1, -14), (_HALF_WIDTH + 0.5, 0.1, 20), _INDEX["floor"])
    for bay in range(-1, _BAYS + 1):
        z = 1.2 - _BAY * bay
        _column(b, _HALF_WIDTH, z)
        _pilaster(b, z)
        _arch(b, _HALF_WIDTH, z - _BAY / 2)
        _rib(b, z)
    _shell(b)
    _end(b)
    _garden(b)
    _orange_tree(b, -1.45, -1.6, 5)
    _orange_tree(b, -1.5, -8.0, 9)
    _orange_tree(b, -1.5, -14.4, 12)
    _lanterns(b)
    return Scene(
        name="colonnade",
        solids=b.build(),
        materials=tuple(_MATERIALS.values()),
        light=Light(
            sun=(0.80, 0.66, -0.28),
            sun_colour=(4.2, 3.2, 2.1),
            zenith=(0.20, 0.36, 0.72),
            horizon=(0.55, 0.66, 0.78),
            bounce=(0.17, 0.14, 0.11),
            haze=0.0035,
            clouds=0.55,
            sun_size=0.012,
            exposure=0.80,
        ),
        eye=(-0.35, 1.62, 4.6),
        target=(0.12, 1.72, -8.0),
        fov=52.0,
    )


def _column(b: Builder, x: float, z: float) -> None:
    b.box((x, 0.10, z), (0.34, 0.10, 0.34), _INDEX["trim"])
    profile = [(0.0, 0.31), (0.05, 0.33), (0.10, 0.31), (0.13, 0.26), (0.18, 0.28), (0.22, 0.25)]
    profile += [(0.22 + 2.45 * t / 8, 0.25 - 0.04 * (t / 8) ** 2) for t in range(1, 9)]
    profile += [(2.70, 0.24), (2.74, 0.21), (2.80, 0.24), (2.88, 0.31), (2.90, 0.31)]
    b.lathe((x, 0.2, z), profile, _INDEX["column"])
    b.box((x, _SPRING + 0.07, z), (0.35, 0.07, 0.35), _INDEX["trim"])


def _pilaster(b: Builder, z: float) -> None:
    x = -_HALF_WIDTH - 0.05
    b.box((x, 0.15, z), (0.16, 0.15, 0.34), _INDEX["trim"])
    b.box((x, 1.65, z), (0.11, 1.5, 0.26), _INDEX["column"])
    b.box((x, _SPRING + 0.07, z), (0.18, 0.09, 0.36), _INDEX["trim"])


def _arch(b: Builder, x: float, z: float) -> None:
    """A round arch of voussoirs along z, and the wall above it."""
    radius, stones = _BAY / 2 - 0.20, 15
    for k in range(stones):
        angle = math.pi * (k + 0.5) / stones
        centre = (
            x,
            _SPRING + 0.14 + radius * math.sin(angle) + 0.0,
            z + (radius + 0.14) * math.cos(angle),
        )
        turn = np.array([[1, 0, 0], [0, math.sin(angle), math.cos(angle)], [0, -math.cos(angle), math.sin(angle)]])
        length = math.pi * (radius + 0.14) / stones / 2
        b.box(centre, (0.30 + 0.02 * (k % 2), 0.17, length * 0.97), _INDEX["trim"], turn.T)
    steps = 14
    for k in range(steps):
        z0 = -_BAY / 2 + _BAY * (k + 0.5) / steps
        rise = math.sqrt(max((radius + 0.22) ** 2 - z0 * z0, 0.0))
        bottom, top = _SPRING + 0.14 + rise, _SPRING + 2.55
        if bottom < top:
            b.box((x, (bottom + top) / 2, z + z0), (0.26, (top - bottom) / 2, _BAY / steps / 2), _INDEX["vault"])


def _rib(b: Builder, z: float) -> None:
    stones, radius = 22, _HALF_WIDTH
    for k in range(stones):
        angle = math.pi * (k + 0.5) / stones
        centre = (radius * math.cos(angle), _SPRING + 0.12 + radius * math.sin(angle), z)
        b.box(
            centre,
            (0.12, math.pi * radius / stones / 2 * 1.03, 0.20),
            _INDEX["trim"],
            roll(math.degrees(angle)),
        )


def _shell(b: Builder) -> None:
    stones, radius = 28, _HALF_WIDTH + 0.12
    for k in range(stones):
        angle = math.pi * (k + 0.5) / stones
        if angle < 0.62:
            continue  # open above the arches, towards the garden
        centre = (radius * math.cos(angle), _SPRING + 0.12 + radius * math.sin(angle), -12)
        b.box(centre, (0.06, math.pi * radius / stones / 2 * 1.02, 19), _INDEX["vault"], roll(math.degrees(angle)))
    b.box((-_HALF_WIDTH - 0.35, 2.2, -12), (0.25, 2.4, 19), _INDEX["stone"])
    b.box((-_HALF_WIDTH - 0.02, 0.22, -12), (0.10, 0.22, 19), _INDEX["trim"])


def _end(b: Builder) -> None:
    """The far wall with a doorway to the open, and an urn on a plinth before it."""
    z = 1.2 - _BAY * _BAYS - 1.0
    for side in (-1, 1):
        b.box((side * 1.95, 2.0, z), (0.85, 2.0, 0.3), _INDEX["stone"])
    b.box((0, 5.0, z), (2.8, 1.45, 0.3), _INDEX["stone"])
    for k in range(13):
        angle = math.pi * (k + 0.5) / 13
        b.box(
            (1.18 * math.cos(angle), 2.45 + 1.18 * math.sin(angle), z + 0.05),
            (0.16, 0.15, 0.34),
            _INDEX["trim"],
            roll(math.degrees(angle)),
        )
    for side in (-1, 1):
        b.box((side * 1.2, 3.3, z), (0.36, 0.9, 0.28), _INDEX["stone"])
    b.box((0, 0.45, z + 4.0), (0.42, 0.45, 0.42), _INDEX["trim"])
    b.box((0, 0.93, z + 4.0), (0.50, 0.04, 0.50), _INDEX["trim"])
    urn = [(0.0, 0.20), (0.06, 0.20), (0.10, 0.08), (0.16, 0.08), (0.24, 0.20), (0.42, 0.33), (0.58, 0.36)]
    urn += [(0.70, 0.30), (0.76, 0.26), (0.82, 0.34), (0.86, 0.34)]
    b.lathe((0, 0.97, z + 4.0), urn, _INDEX["bronze"])


def _garden(b: Builder) -> None:
    b.box((60, -0.35, -20), (57, 0.2, 90), _INDEX["grass"])
    b.box((4.4, -0.20, -12), (1.1, 0.1, 40), _INDEX["gravel"])
    b.box((0, -0.35, -60), (40, 0.2, 32), _INDEX["grass"])
    b.box((0, -0.14, -48), (0.9, 0.02, 22), _INDEX["gravel"])
    rng = np.random.default_rng(11)
    for k in range(11):
        z = 2.0 - 4.1 * k
        height = 3.4 + 1.1 * rng.random()
        _cypress(b, 7.6 + 0.5 * rng.random(), z, height)
        b.sphere((5.9, 0.1, z - 2.0), (0.55, 0.55, 0.75), _INDEX["leaf"])
    for k in range(7):
        for side in (-1, 1):
            _cypress(b, side * 2.1, -31.0 - 3.4 * k, 4.2 + rng.random())
    for k in range(26):
        _cypress(b, -30 + 4.6 * k + 3 * rng.random(), -66 - 20 * rng.random(), 7 + 5 * rng.random())


def _cypress(b: Builder, x: float, z: float, height: float) -> None:
    b.rod((x, -0.2, z), (x, 0.5, z), 0.09, _INDEX["bark"])
    b.sphere((x, 0.25 + height / 2, z), (0.15 * height, height / 2, 0.15 * height), _INDEX["cypress"])
    rng = np.random.default_rng(int(abs(1000 * x + 7 * z)))
    for _ in range(26):
        t, angle = rng.random(), 6.2832 * rng.random()
        radius = 0.14 * height * math.sin(math.pi * (0.08 + 0.86 * t)) ** 0.8
        centre = (x + radius * math.cos(angle), 0.25 + height * t, z + radius * math.sin(angle))
        b.sphere(centre, (0.05 * height, 0.09 * height, 0.05 * height), _INDEX["cypress"])


def _orange_tree(b: Builder, x: float, z: float, seed: int) -> None:
    pot = [(0.0, 0.24), (0.40, 0.33), (0.42, 0.37), (0.50, 0.38), (0.51, 0.30)]
    b.lathe((x, 0, z), pot, _INDEX["terracotta"])
    b.rod((x, 0.5, z), (x + 0.02, 1.15, z), 0.035, _INDEX["bark"])
    rng = np.random.default_rng(seed)
    for k in range(420):
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        radius = 0.52 * (0.55 + 0.45 * rng.random())
        centre = np.array([x, 1.55, z]) + direction * radius
        if k % 26 == 0:
            b.sphere(centre + 0.05 * direction, 0.045, _INDEX["citrus"])
            continue
        turn = yaw(360 * rng.random()) @ roll(60 * rng.random() - 30)
        b.add(0, _INDEX["leaf"], turn @ np.diag([0.075, 0.012, 0.035]), centre)
    b.sphere((x, 1.55, z), 0.36, _INDEX["leaf"])


def _lanterns(b: Builder) -> None:
    for k in range(4):
        z = 1.2 - 2 * _BAY * k - _BAY * 0.5
        b.rod((0, 5.5, z), (0, 3.75, z), 0.008, _INDEX["bronze"])
        b.lathe((0, 3.35, z), [(0.0, 0.05), (0.03, 0.12), (0.06, 0.12)], _INDEX["bronze"])
        b.lathe((0, 3.41, z), [(0.0, 0.10), (0.22, 0.11)], _INDEX["lamp"])
        b.lathe((0, 3.63, z), [(0.0, 0.14), (0.12, 0.02)], _INDEX["bronze"])
