"""A table by a window: fruit, flowers in a vase, books and a candle. Depth from 0.8 m to 2.6 m."""

from __future__ import annotations

import math

import numpy as np

from immichvr_bench.scenes.geometry import Builder, beside, roll, yaw
from immichvr_bench.scenes.materials import (
    CHECKER,
    FOLIAGE,
    FRUIT,
    GROUND,
    MARBLE,
    PLAIN,
    STRIPES,
    WOOD,
    Material,
)
from immichvr_bench.scenes.rendering import Light, Scene

_MATERIALS = {
    "table": Material(WOOD, (0.05, 0.020, 0.010), (0.21, 0.088, 0.038), 0.13, gloss=0.12),
    "wall": Material(GROUND, (0.13, 0.20, 0.20), (0.20, 0.28, 0.265), 0.5),
    "panel": Material(WOOD, (0.36, 0.37, 0.33), (0.46, 0.47, 0.42), 0.6),
    "ceramic": Material(MARBLE, (0.04, 0.10, 0.28), (0.75, 0.78, 0.78), 0.09, gloss=0.5),
    "stem": Material(PLAIN, (0.05, 0.13, 0.03), (0.08, 0.18, 0.04), 0.02),
    "leaf": Material(FOLIAGE, (0.03, 0.10, 0.02), (0.12, 0.26, 0.06), 0.03, gloss=0.1),
    "petal": Material(FOLIAGE, (0.75, 0.22, 0.24), (0.95, 0.62, 0.52), 0.02),
    "white petal": Material(FOLIAGE, (0.80, 0.76, 0.66), (0.95, 0.93, 0.85), 0.02),
    "pollen": Material(PLAIN, (0.75, 0.45, 0.04), (0.9, 0.6, 0.1), 0.01),
    "orange": Material(FRUIT, (0.80, 0.23, 0.015), (0.92, 0.36, 0.03), 0.04, gloss=0.25),
    "apple": Material(FRUIT, (0.36, 0.016, 0.014), (0.55, 0.20, 0.03), 0.06, gloss=0.5),
    "lemon": Material(FRUIT, (0.78, 0.50, 0.03), (0.84, 0.60, 0.06), 0.03, gloss=0.25),
    "grape": Material(FRUIT, (0.035, 0.008, 0.04), (0.10, 0.02, 0.075), 0.03, gloss=0.4),
    "bowl": Material(PLAIN, (0.46, 0.40, 0.30), (0.58, 0.51, 0.40), 0.05, gloss=0.3),
    "red book": Material(PLAIN, (0.34, 0.045, 0.035), (0.44, 0.07, 0.05), 0.05),
    "green book": Material(PLAIN, (0.035, 0.13, 0.10), (0.06, 0.18, 0.13), 0.05),
    "ochre book": Material(PLAIN, (0.50, 0.30, 0.08), (0.58, 0.36, 0.12), 0.05),
    "pages": Material(STRIPES, (0.74, 0.68, 0.54), (0.60, 0.54, 0.42), 0.004),
    "brass": Material(PLAIN, (0.55, 0.36, 0.10), (0.66, 0.46, 0.16), 0.05, gloss=0.9),
    "wax": Material(PLAIN, (0.85, 0.80, 0.66), (0.90, 0.86, 0.74), 0.05),
    "flame": Material(PLAIN, (1.0, 0.62, 0.20), (1.0, 0.70, 0.30), 0.05, glow=5.0),
    "cloth": Material(CHECKER, (0.62, 0.58, 0.50), (0.16, 0.24, 0.34), 0.05),
    "frame": Material(WOOD, (0.16, 0.08, 0.03), (0.34, 0.19, 0.08), 0.05, gloss=0.2),
    "sky paint": Material(GROUND, (0.22, 0.33, 0.42), (0.62, 0.52, 0.36), 0.11),
    "hill paint": Material(GROUND, (0.035, 0.07, 0.045), (0.11, 0.13, 0.06), 0.05),
    "sea paint": Material(GROUND, (0.06, 0.13, 0.18), (0.22, 0.27, 0.26), 0.05),
}
_CANDLESTICK = (
    (0.0, 0.055), (0.008, 0.055), (0.016, 0.03), (0.024, 0.012), (0.06, 0.009), (0.066, 0.017), (0.072, 0.009),
    (0.14, 0.0075), (0.15, 0.018), (0.158, 0.026), (0.162, 0.026),
)  # fmt: skip
_INDEX = {name: i for i, name in enumerate(_MATERIALS)}


def still_life() -> Scene:
    """The table by the window."""
    b = Builder()
    _room(b)
    _vase_with_flowers(b, -0.25, -0.12)
    _fruit(b)
    _books(b)
    _candle(b, 0.17, -0.22)
    return Scene(
        name="still-life",
        solids=b.build(),
        materials=tuple(_MATERIALS.values()),
        light=Light(
            sun=(-1.0, 0.78, 0.55),
            sun_colour=(3.6, 2.85, 2.0),
            zenith=(0.30, 0.38, 0.52),
            horizon=(0.52, 0.52, 0.52),
            bounce=(0.20, 0.17, 0.14),
            sun_size=0.010,
            exposure=0.82,
        ),
        eye=(0.03, 0.40, 1.22),
        target=(0.0, 0.155, 0.0),
        fov=36.0,
        lamps=np.array([[0.17, 0.345, -0.22, 0.035, 0.018, 0.005]]),
    )


def _room(b: Builder) -> None:
    b.box((0, -0.02, -0.05), (1.3, 0.02, 0.62), _INDEX["table"])
    b.box((0, 0.0, -1.25), (4.0, 3.0, 0.05), _INDEX["wall"])
    b.box((0, -0.42, -1.19), (4.0, 0.50, 0.02), _INDEX["panel"])
    b.box((0, 0.095, -1.17), (4.0, 0.016, 0.035), _INDEX["panel"])
    b.box((0, -0.9, 0), (4, 0.02, 4), _INDEX["table"])
    for x in (-0.86, -0.1, 0.66):
        b.box((x, -0.42, -1.165), (0.03, 0.5, 0.012), _INDEX["panel"])
    # A picture on the wall.
    b.box((0.36, 0.50, -1.19), (0.25, 0.19, 0.012), _INDEX["frame"])
    b.box((0.36, 0.50, -1.180), (0.215, 0.155, 0.010), _INDEX["sky paint"])
    b.box((0.36, 0.405, -1.178), (0.215, 0.06, 0.0095), _INDEX["sea paint"])
    for x, y, width, height in ((0.24, 0.435, 0.16, 0.052), (0.33, 0.45, 0.055, 0.085), (0.50, 0.43, 0.10, 0.03)):
        b.add(0, _INDEX["hill paint"], np.diag([width * 0.5, height, 0.001]), (x, y, -1.168))
    # A window outside the picture, seen by the light it lets in.
    for z in (-0.62, -0.16, 0.30, 0.76):
        b.box((-1.7, 1.0, z), (0.02, 1.2, 0.028), _INDEX["frame"])
    for y in (0.72, 1.22, 1.72):
        b.box((-1.7, y, 0.07), (0.02, 0.022, 0.75), _INDEX["frame"])
    b.box((-1.72, 1.0, -1.5), (0.05, 2.0, 0.88), _INDEX["wall"])
    b.box((-1.72, 2.6, 0.0), (0.05, 0.85, 3.0), _INDEX["wall"])
    b.box((-1.72, -0.3, 0.0), (0.05, 0.65, 3.0), _INDEX["wall"])


def _vase_with_flowers(b: Builder, x: float, z: float) -> None:
    profile = []
    for i in range(41):
        t = i / 40
        radius = 0.030 + 0.042 * math.sin(math.pi * min(t / 0.78, 1.0)) ** 1.2 + 0.012 * max(t - 0.82, 0) / 0.18
        profile.append((0.23 * t, radius))
    b.lathe((x, 0, z), profile, _INDEX["ceramic"])
    rng = np.random.default_rng(7)
    for i in range(11):
        angle = 2.4 * i + 0.3
        spread = 0.05 + 0.13 * (i / 11) ** 0.7
        height = 0.50 - 0.16 * (i / 11) + 0.03 * rng.random()
        tip = np.array([x + spread * math.cos(angle), height, z + 0.8 * spread * math.sin(angle)])
        root = np.array([x + 0.02 * math.cos(angle), 0.20, z + 0.02 * math.sin(angle)])
        middle = (root + tip) / 2 + [0, 0.03, 0]
        b.rod(root, middle, 0.0032, _INDEX["stem"])
        b.rod(middle, tip, 0.0032, _INDEX["stem"], 0.002)
        _flower(b, tip, tip - middle, 0.034 + 0.012 * rng.random(), "petal" if i % 3 else "white petal")
        for along in (0.35, 0.7):
            _leaf(b, root + along * (tip - root), angle + 4 * along, rng.random())


def _leaf(b: Builder, at: np.ndarray, angle: float, wobble: float) -> None:
    turn = yaw(math.degrees(-angle)) @ roll(20 + 30 * wobble)
    b.add(0, _INDEX["leaf"], turn @ np.diag([0.042, 0.003, 0.014]), at + turn @ [0.04, 0, 0])


def _flower(b: Builder, centre: np.ndarray, axis: np.ndarray, size: float, petal: str) -> None:
    up = axis / np.linalg.norm(axis)
    up = up + np.array([0, -0.2, 0.8])
    up /= np.linalg.norm(up)
    side = np.cross(up, [0, 1, 0.1])
    side /= np.linalg.norm(side)
    front = np.cross(up, side)
    for ring, (count, radius, lift) in enumerate(((8, 1.0, 0.15), (6, 0.62, 0.45))):
        for k in range(count):
            angle = 2 * math.pi * (k + 0.5 * ring) / count
            outward = math.cos(angle) * side + math.sin(angle) * front
            along = outward * math.cos(lift) + up * math.sin(lift)
            across = np.cross(up, outward)
            thin = np.cross(along, across)
            matrix = np.stack([along * size * radius * 0.55, across * size * 0.36, thin * size * 0.10], axis=1)
            b.add(0, _INDEX[petal], matrix, centre + along * size * radius * 0.55)
    b.sphere(centre + up * size * 0.18, size * 0.24, _INDEX["pollen"])


def _fruit(b: Builder) -> None:
    x, z = 0.10, 0.10
    profile = [(0.0, 0.045), (0.008, 0.048), (0.012, 0.04)]
    profile += [(0.012 + 0.058 * t / 14, 0.04 + 0.092 * math.sin(math.pi / 2 * t / 14)) for t in range(1, 15)]
    profile += [(0.074, 0.137), (0.076, 0.128)]
    b.lathe((x, 0, z), profile, _INDEX["bowl"])
    b.sphere((x - 0.065, 0.105, z + 0.02), 0.042, _INDEX["orange"])
    b.sphere((x + 0.03, 0.108, z + 0.060), (0.043, 0.039, 0.043), _INDEX["apple"])
    b.sphere((x + 0.070, 0.105, z - 0.025), 0.041, _INDEX["orange"])
    b.sphere((x - 0.005, 0.110, z - 0.055), (0.043, 0.040, 0.043), _INDEX["apple"])
    b.sphere((x - 0.005, 0.150, z + 0.005), (0.043, 0.040, 0.043), _INDEX["apple"])
    b.rod((x - 0.005, 0.185, z + 0.005), (x + 0.006, 0.210, z + 0.0), 0.0022, _INDEX["stem"])
    b.add(0, _INDEX["lemon"], yaw(35) @ np.diag([0.045, 0.031, 0.031]), (-0.115, 0.031, 0.22))
    b.sphere((-0.20, 0.036, 0.12), (0.039, 0.036, 0.039), _INDEX["apple"])
    b.rod((-0.20, 0.066, 0.12), (-0.212, 0.092, 0.125), 0.002, _INDEX["stem"])
    rng = np.random.default_rng(3)
    for i in range(38):
        t = i / 38
        angle = 2.4 * i
        spread = 0.034 * math.sqrt(1 - 0.6 * t)
        centre = (0.265 + 0.085 * t + spread * math.cos(angle) * 0.8, 0.014, 0.235 + spread * math.sin(angle))
        lift = 0.022 * max(0.0, 1 - abs(math.cos(angle)) - t) + 0.012 * (i % 2)
        b.sphere((centre[0], centre[1] + lift, centre[2]), 0.013 + 0.002 * rng.random(), _INDEX["grape"])
    b.rod((0.25, 0.03, 0.23), (0.205, 0.042, 0.255), 0.002, _INDEX["stem"])


def _books(b: Builder) -> None:
    y = 0.0
    for cover, size, angle in (
        ("green book", (0.135, 0.019, 0.10), -8),
        ("ochre book", (0.120, 0.014, 0.09), 6),
        ("red book", (0.105, 0.017, 0.08), -3),
    ):
        turn = yaw(angle)
        centre = np.array([0.46, y + size[1], -0.14])
        b.box(centre, (size[0] - 0.004, size[1] - 0.003, size[2] - 0.003), _INDEX["pages"], turn)
        for side in (-1, 1):
            b.box(beside(centre, y=side * (size[1] - 0.0015)), (size[0], 0.0015, size[2]), _INDEX[cover], turn)
        b.box(centre + turn @ [-size[0] + 0.002, 0, 0], (0.002, size[1], size[2]), _INDEX[cover], turn)
        y += 2 * size[1]
    b.box((0.36, 0.0012, 0.23), (0.21, 0.0012, 0.13), _INDEX["cloth"], yaw(-14))
    b.sphere((0.47, y + 0.033, -0.13), (0.037, 0.034, 0.037), _INDEX["apple"])


def _candle(b: Builder, x: float, z: float) -> None:
    b.lathe(
        (x, 0, z),
        _CANDLESTICK,
        _INDEX["brass"],
    )
    b.lathe((x, 0.16, z), [(0.0, 0.011), (0.155, 0.0105), (0.160, 0.008)], _INDEX["wax"])
    b.rod((x, 0.32, z), (x, 0.332, z), 0.0012, _INDEX["stem"])
    b.sphere((x, 0.345, z), (0.0055, 0.017, 0.0055), _INDEX["flame"])
