"""What surfaces look like: each pattern mixes a material's two colours by a procedural texture of the point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from immichvr_bench.scenes.compiled import Doubles, kernel
from immichvr_bench.scenes.noise import cells, fractal, hashed, value_noise

PLAIN, CHECKER, WOOD, MARBLE, BRICK, COBBLES, STRIPES, GROUND, ALPINE, FOLIAGE, FRUIT, SHINGLES = range(12)

Colour = Sequence[float]


@dataclass(frozen=True)
class Material:
    """A surface. first, second: linear colours that `pattern` mixes. scale: metres of one period.

    gloss: strength of the highlight. glow: emitted light as a multiple of the first colour.
    """

    pattern: int
    first: Colour
    second: Colour
    scale: float = 1.0
    gloss: float = 0.0
    glow: float = 0.0

    def row(self) -> list[float]:
        """As the renderer wants it."""
        return [self.pattern, *self.first, *self.second, self.scale, self.gloss, self.glow]


def table(materials: Sequence[Material]) -> Doubles:
    """(n, 10) float64, one row per material."""
    return np.array([material.row() for material in materials], np.float64)


@kernel
def _smooth(low: float, high: float, x: float) -> float:
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return float(t * t * (3.0 - 2.0 * t))


@kernel
def _wood(x: float, y: float, z: float) -> float:
    plank = np.floor(z)
    offset = 31.0 * hashed(int(plank), 5, 1)
    rings = 6.0 * fractal(0.35 * x + offset, 2.0 * y, 3.0 * (z - plank) + offset, 4)
    grain = value_noise(3.0 * x + offset, 9.0 * y, 60.0 * z)
    seam = _smooth(0.0, 0.02, min(z - plank, 1.0 - (z - plank)))
    streak = 0.5 + 0.5 * np.sin(6.2832 * rings)
    return float(seam * (0.25 + 0.35 * streak + 0.25 * grain + 0.25 * hashed(int(plank), 9, 2)))


@kernel
def _brick(along: float, up: float) -> float:
    """0 in the mortar, else 0.35…1 by brick. Bricks are twice as long as high, one period long."""
    row = np.floor(2.0 * up)
    along += 0.5 * (row % 2.0)
    brick = np.floor(along)
    edge = min(min(along - brick, 1.0 - (along - brick)), 0.5 * min(2.0 * up - row, 1.0 - (2.0 * up - row)))
    tone = 0.45 + 0.45 * hashed(int(brick), int(row), 3) + 0.3 * (fractal(9 * along, 9 * up, 0.5, 3) - 0.5)
    return _smooth(0.012, 0.035, edge) * tone


@kernel
def _mix(
    pattern: int,
    p: tuple[float, float, float],
    normal: tuple[float, float, float],
    local: tuple[float, float, float],
    tag: int,
) -> float:
    """Share of the second colour at point `p`, in periods of the pattern."""
    x, y, z = p
    if pattern == CHECKER:
        odd = (int(np.floor(x)) + int(np.floor(z))) & 1
        vein = abs(fractal(1.3 * x + 5.0 * odd, y, 1.3 * z, 5) - 0.5)
        return float(0.82 * odd + 0.18 * _smooth(0.0, 0.12, vein))
    if pattern == WOOD:
        return _wood(x, y, z)
    if pattern == MARBLE:
        vein = abs(fractal(x, y, z, 6) - 0.5 + 0.15 * np.sin(3.0 * (x + y)))
        return _smooth(0.0, 0.22, vein)
    if pattern == BRICK:
        return _brick(x if abs(normal[2]) > abs(normal[0]) else z, y)
    if pattern == COBBLES:
        gap, name = cells(x, z)
        return _smooth(0.03, 0.22, gap) * (0.45 + 0.5 * name) * (0.8 + 0.4 * value_noise(9 * x, 1.0, 9 * z))
    if pattern == STRIPES:
        return 1.0 if (y - np.floor(y)) > 0.5 else 0.0
    if pattern == GROUND:
        fine = fractal(9.0 * x, 9.0 * y, 9.0 * z, 3)
        return _smooth(0.25, 0.75, 0.6 * fractal(x, y, z, 4) + 0.4 * fine)
    if pattern == FOLIAGE:
        return 0.55 * hashed(tag, 3, 7) + 0.45 * fractal(x, y, z, 3)
    if pattern == FRUIT:
        blush = _smooth(-0.7, 0.8, local[1] + 0.6 * local[0] + 0.5 * (fractal(x, y, z, 3) - 0.5))
        speckle = _smooth(0.72, 0.8, value_noise(26.0 * x, 26.0 * y, 26.0 * z))
        return min(1.0, blush + 0.35 * speckle)
    if pattern == SHINGLES:
        row = np.floor(y)
        along = (x if abs(normal[2]) > abs(normal[0]) else z) + 0.5 * (row % 2.0)
        shade = 0.35 + 0.65 * (1.0 - (y - row))
        return float(shade * (0.55 + 0.45 * hashed(int(np.floor(along)), int(row), 5)))
    return 0.5 * fractal(x, y, z, 4)


@kernel
def _alpine(
    row: Doubles, p: tuple[float, float, float], normal: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Meadow, forest floor, rock and snow by height and slope; metres."""
    x, y, z = p
    patches = _smooth(0.3, 0.7, fractal(0.09 * x, 0.0, 0.09 * z, 5))
    fine = _smooth(0.2, 0.8, fractal(2.6 * x, 2.6 * y, 2.6 * z, 5))
    grass = 0.5 * patches + 0.5 * fine
    red, green, blue = (
        row[1] + (row[4] - row[1]) * grass,
        row[2] + (row[5] - row[2]) * grass,
        row[3] + (row[6] - row[3]) * grass,
    )
    broad = fractal(0.02 * x, 0.03 * y, 0.02 * z, 5)
    rock = 0.05 + 0.26 * fractal(0.03 * x, 0.09 * y, 0.03 * z, 6) ** 1.5
    bare = _smooth(0.80, 0.62, normal[1] + 0.25 * (broad - 0.5)) * _smooth(8.0, 60.0, y)
    bare = max(bare, _smooth(120.0, 230.0, y + 120.0 * (broad - 0.5)))
    red, green, blue = (
        red + (rock - red) * bare,
        green + (0.93 * rock - green) * bare,
        blue + (0.88 * rock - blue) * bare,
    )
    snow = _smooth(240.0, 330.0, y + 260.0 * (broad - 0.5)) * _smooth(0.64, 0.80, normal[1] + 0.35 * (broad - 0.5))
    return red + (0.85 - red) * snow, green + (0.88 - green) * snow, blue + (0.93 - blue) * snow


@kernel
def colour_at(
    row: Doubles,
    point: tuple[float, float, float],
    normal: tuple[float, float, float],
    local: tuple[float, float, float],
    tag: int,
) -> tuple[float, float, float]:
    """Linear colour of a material (a row of `table`) at a world point; `local` in the unit shape, `tag` its number."""
    pattern = int(row[0])
    if pattern == ALPINE:
        return _alpine(row, point, normal)
    scale = row[7]
    p = (point[0] / scale, point[1] / scale, point[2] / scale)
    share = min(max(_mix(pattern, p, normal, local, tag), 0.0), 1.0)
    return (
        row[1] + (row[4] - row[1]) * share,
        row[2] + (row[5] - row[2]) * share,
        row[3] + (row[6] - row[3]) * share,
    )
