"""A room of flat, painted panels, seen exactly: every pixel's depth is that of the ray through its centre.

Axes: x right, y down, z forward, metres; the floor is at y = 0, so that eyes are at about y = -1.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from immichvr_scenes.cameras import View
from immichvr_scenes.testing.textures import Paint, painted

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

WIDTH, HEIGHT, LENGTH = 5.0, 2.6, 6.0
"""Of the room, in metres: x from -WIDTH / 2 to WIDTH / 2, y from -HEIGHT to 0, z from 0 to LENGTH."""
_NEAR = 0.02
_LIGHT = np.array([0.35, -0.8, -0.45]) / np.linalg.norm([0.35, -0.8, -0.45])


@dataclass(frozen=True, eq=False)
class Panel:
    """A rectangle with a picture on it. corner, across, down: (3,) metres; texture: (h, w, 3) uint8 sRGB."""

    corner: F64
    across: F64
    down: F64
    texture: U8

    @property
    def normal(self) -> F64:
        """(3,), of unit length."""
        normal = np.cross(self.across, self.down)
        return np.asarray(normal / np.linalg.norm(normal))

    @property
    def corners(self) -> F64:
        """(4, 3)."""
        edges = np.array([0 * self.across, self.across, self.down, self.across + self.down])
        return np.asarray(self.corner + edges)

    @property
    def area(self) -> float:
        """Square metres."""
        return float(np.linalg.norm(self.across) * np.linalg.norm(self.down))


@dataclass(frozen=True, eq=False)
class Look:
    """What a camera sees. rgb: (h, w, 3) uint8 sRGB. depth: (h, w) float32, metres, at pixel centres."""

    rgb: U8
    depth: F32


@dataclass(frozen=True, eq=False)
class Room:
    """Panels that can be looked at."""

    panels: tuple[Panel, ...]

    def beside(self, panels: Iterable[Panel]) -> Room:
        """The room with more in it."""
        return Room((*self.panels, *panels))

    def look(self, view: View, samples: int = 2) -> Look:
        """What is seen, with samples² rays a pixel for its colour."""
        camera = view.camera
        fine = view.scaled(camera.width * samples, camera.height * samples)
        rgb, _ = self._cast(fine)
        if samples > 1:
            rgb = cv2.resize(rgb, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
        depth = self._cast(view)[1] if samples > 1 else self._cast(fine)[1]
        return Look(np.asarray(np.rint(np.clip(rgb, 0, 255)), np.uint8), depth)

    def scatter(self, count: int, seed: int = 0) -> tuple[F64, U8, F64]:
        """Points spread evenly over all panels: (N, 3) metres, their colours (N, 3) and normals (N, 3)."""
        rng = np.random.default_rng(seed)
        areas = np.array([panel.area for panel in self.panels])
        which = rng.choice(len(self.panels), count, p=areas / areas.sum())
        u, v = rng.uniform(0, 1, (2, count))
        points, normals, colours = np.empty((count, 3)), np.empty((count, 3)), np.empty((count, 3), np.uint8)
        for number, panel in enumerate(self.panels):
            mine = which == number
            points[mine] = panel.corner + u[mine, None] * panel.across + v[mine, None] * panel.down
            normals[mine] = panel.normal
            rows, columns = panel.texture.shape[:2]
            texels = panel.texture[(v[mine] * rows).astype(int), (u[mine] * columns).astype(int)]
            colours[mine] = np.clip(texels * _shade(panel), 0, 255)
        return points, colours, normals

    def distances(self, points: npt.NDArray[np.floating]) -> F64:
        """How far points, (N, 3), are from the nearest panel, (N,) metres."""
        nearest = np.full(len(points), np.inf)
        for panel in self.panels:
            away = points - panel.corner
            shares = [np.clip(away @ edge / (edge @ edge), 0, 1) for edge in (panel.across, panel.down)]
            on_it = shares[0][:, None] * panel.across + shares[1][:, None] * panel.down
            nearest = np.minimum(nearest, np.linalg.norm(away - on_it, axis=1))
        return nearest

    def _cast(self, view: View) -> tuple[F32, F32]:
        camera = view.camera
        rgb = np.zeros((camera.height, camera.width, 3), np.float32)
        depth = np.full((camera.height, camera.width), np.inf, np.float32)
        for panel in self.panels:
            window = _window(panel, view)
            if window is not None:
                _draw(panel, view, window, rgb, depth)
        depth[np.isinf(depth)] = 0
        return rgb, depth


def room(seed: int = 0, paint: Paint = "spotted") -> Room:
    """A living room without people: six walls, a table, a shelf, a chest, a column and a picture that stands off.

    paint: "spotted" as features are found in, "soft" as few Gaussians can show it, "plain" walls without anything.
    """
    x, y, z = WIDTH / 2, -HEIGHT, LENGTH
    walls = [
        ((-x, y, z), (2 * x, 0, 0), (0, -y, 0)),
        ((x, y, 0), (-2 * x, 0, 0), (0, -y, 0)),
        ((-x, y, 0), (0, 0, z), (0, -y, 0)),
        ((x, y, z), (0, 0, -z), (0, -y, 0)),
        ((-x, 0, z), (2 * x, 0, 0), (0, 0, -z)),
        ((-x, y, 0), (2 * x, 0, 0), (0, 0, z)),
    ]
    panels = [_panel(*wall, 100 * seed + number, paint) for number, wall in enumerate(walls)]
    furniture = [
        ((0.3, -0.72, 3.6), (1.3, 0.06, 0.8), 20.0),
        ((0.3, -0.35, 3.6), (0.25, 0.70, 0.25), 20.0),
        ((-2.1, -0.9, 4.2), (0.6, 1.8, 1.2), 0.0),
        ((-0.9, -0.3, 5.2), (0.9, 0.6, 0.6), -25.0),
        ((1.7, -1.3, 4.9), (0.35, 2.6, 0.35), 35.0),
        ((0.5, -1.6, 5.7), (0.9, 0.7, 0.08), 0.0),
    ]
    for number, (centre, size, turn) in enumerate(furniture):
        panels += box(centre, size, turn, 100 * seed + 10 * number + 17, paint)
    return Room(tuple(panels))


def box(
    centre: npt.ArrayLike, size: npt.ArrayLike, turn: float = 0.0, seed: int = 0, paint: Paint = "spotted"
) -> list[Panel]:
    """The six sides of a box; size: (3,) metres; turn: degrees about the vertical."""
    half = np.asarray(size, np.float64) / 2
    angle = np.radians(turn)
    axes = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]) * half[:, None]
    panels = []
    for side in range(6):
        axis, sign = side // 2, 1 if side % 2 else -1
        across, down = axes[(axis + 1) % 3], axes[(axis + 2) % 3]
        corner = np.asarray(centre, np.float64) + sign * axes[axis] - across - down
        panels.append(_panel(corner, 2 * across, 2 * down, seed + side, paint))
    return panels


def person(x: float, z: float, seed: int = 7) -> list[Panel]:
    """Somebody who stands at a place of the floor: a body and a head."""
    return [*box((x, -0.75, z), (0.45, 1.5, 0.3), 0, seed), *box((x, -1.65, z), (0.22, 0.26, 0.22), 0, seed + 6)]


def _panel(corner: npt.ArrayLike, across: npt.ArrayLike, down: npt.ArrayLike, seed: int, paint: Paint) -> Panel:
    start, right, below = (np.asarray(vector, np.float64) for vector in (corner, across, down))
    sides = float(np.linalg.norm(right)), float(np.linalg.norm(below))
    return Panel(start, right, below, painted(*sides, seed, paint))


def _shade(panel: Panel) -> float:
    return 0.72 + 0.28 * abs(float(panel.normal @ _LIGHT))


def _window(panel: Panel, view: View) -> tuple[int, int, int, int] | None:
    """Rows and columns in which a panel may be seen: top, bottom, left, right; None where nowhere."""
    width, height = view.camera.width, view.camera.height
    pixels, depth = view.projected(panel.corners)
    if (depth < _NEAR).all():
        return None
    if (depth < _NEAR).any():
        return 0, height, 0, width
    left, top = np.floor(pixels.min(axis=0)).clip(0, [width, height]).astype(int)
    right, bottom = np.ceil(pixels.max(axis=0)).clip(0, [width, height]).astype(int)
    return (top, bottom, left, right) if bottom > top and right > left else None


def _draw(panel: Panel, view: View, window: tuple[int, int, int, int], rgb: F32, depth: F32) -> None:
    """Where the rays of a window hit the panel before anything else, its depth and its colour."""
    top, bottom, left, right = window
    camera, normal = view.camera, view.rotation @ panel.normal
    corner = view.rotation @ panel.corner + view.translation
    x = ((np.arange(left, right) + 0.5 - camera.cx) / camera.fx).astype(np.float32)[None, :]
    y = ((np.arange(top, bottom) + 0.5 - camera.cy) / camera.fy).astype(np.float32)[:, None]
    facing = np.float32(normal[0]) * x + np.float32(normal[1]) * y + np.float32(normal[2])
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.float32(normal @ corner) / facing
    across, down = view.rotation @ panel.across, view.rotation @ panel.down
    u = _along(across, corner, x, y, z)
    v = _along(down, corner, x, y, z)
    with np.errstate(invalid="ignore"):
        hit = (z > _NEAR) & (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1) & (z < depth[top:bottom, left:right])
    if not hit.any():
        return
    rows, columns = panel.texture.shape[:2]
    texels = panel.texture.astype(np.float32) * np.float32(_shade(panel))
    at_u = np.where(hit, u * columns - 0.5, 0).astype(np.float32)
    at_v = np.where(hit, v * rows - 0.5, 0).astype(np.float32)
    seen = cv2.remap(texels, at_u, at_v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    rgb[top:bottom, left:right][hit] = seen[hit]
    depth[top:bottom, left:right][hit] = z[hit]


def _along(edge: F64, corner: F64, x: F32, y: F32, z: F32) -> F32:
    """How far along an edge, 0 to 1, the point at depth z on each ray lies."""
    a, b, c = (edge / (edge @ edge)).astype(np.float32)
    with np.errstate(invalid="ignore"):
        share: F32 = z * (a * x + b * y + c) - np.float32(edge @ corner / (edge @ edge))
    return share
