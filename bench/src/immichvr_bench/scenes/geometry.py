"""Solids of a scene: unit shapes under affine maps, and the tree of boxes that finds them.

World axes: x right, y up, z towards the viewer's back; metres. Shapes: a unit sphere; the cube [-1, 1]³; a
frustum around y from radius 1 at y = -1 to radius `taper` at y = 1 (1: a cylinder, 0: a cone).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from immichvr_bench.scenes.compiled import Doubles, Indices

SPHERE, BOX, FRUSTUM = 0, 1, 2
_LEAF = 4

Vector = Sequence[float] | Doubles


@dataclass(frozen=True)
class Solids:
    """Solids as arrays, ordered as the leaves of their tree.

    to_local: (n, 3, 4). kind, material: (n,). taper: (n,). to_world: (n, 3, 3) for normals (transposed inverse).
    boxes: (m, 6) lower and upper corner of each node. links: (m, 3): for inner nodes -1, left, right; for leaves
    count, first, 0.
    """

    to_local: Doubles
    kind: Indices
    material: Indices
    taper: Doubles
    boxes: Doubles
    links: Indices


@dataclass
class Builder:
    """Collects solids; each method places one and returns nothing."""

    _maps: list[Doubles] = field(default_factory=list)
    _kinds: list[int] = field(default_factory=list)
    _materials: list[int] = field(default_factory=list)
    _tapers: list[float] = field(default_factory=list)

    def add(self, kind: int, material: int, matrix: Doubles, centre: Vector, taper: float = 1.0) -> None:
        """A unit shape under `matrix` (3, 3), then moved to `centre`."""
        to_world = np.eye(4)
        to_world[:3, :3] = matrix
        to_world[:3, 3] = centre
        self._maps.append(to_world)
        self._kinds.append(kind)
        self._materials.append(material)
        self._tapers.append(taper)

    def sphere(self, centre: Vector, radius: float | Vector, material: int) -> None:
        """A sphere, or an ellipsoid with three radii along the axes."""
        self.add(SPHERE, material, np.diag(np.broadcast_to(radius, 3).astype(float)), centre)

    def box(self, centre: Vector, half: Vector, material: int, turn: Doubles | None = None) -> None:
        """A box with half extents `half`, turned about its centre."""
        matrix = np.diag(np.asarray(half, float))
        self.add(BOX, material, matrix if turn is None else turn @ matrix, centre)

    def rod(self, start: Vector, end: Vector, radius: float, material: int, end_radius: float | None = None) -> None:
        """A round rod between two points, tapering to `end_radius`."""
        a, b = np.asarray(start, float), np.asarray(end, float)
        axis = (b - a) / 2
        length = float(np.linalg.norm(axis))
        up = axis / length
        side = np.cross(up, [1.0, 0, 0] if abs(up[0]) < 0.9 else [0, 0, 1.0])
        side /= np.linalg.norm(side)
        matrix = np.stack([side * radius, axis, np.cross(side, up) * radius], axis=1)
        taper = 1.0 if end_radius is None else end_radius / radius
        self.add(FRUSTUM, material, matrix, (a + b) / 2, taper)

    def lathe(self, base: Vector, profile: Sequence[tuple[float, float]], material: int) -> None:
        """A body of revolution about y: `profile` lists (height, radius) upwards from `base`."""
        for (y0, r0), (y1, r1) in pairwise(profile):
            centre = (base[0], base[1] + (y0 + y1) / 2, base[2])
            if r0 >= r1:
                matrix, taper = np.diag([r0, (y1 - y0) / 2, r0]), r1 / r0
            else:
                matrix, taper = np.diag([r1, -(y1 - y0) / 2, r1]), r0 / r1
            self.add(FRUSTUM, material, matrix, centre, taper)

    def build(self) -> Solids:
        """The solids placed so far."""
        maps = np.stack(self._maps)
        kinds = np.array(self._kinds, np.int32)
        tapers = np.array(self._tapers)
        lower, upper = _bounds(maps, kinds)
        order, boxes, links = _tree(lower, upper)
        return Solids(
            np.ascontiguousarray(np.linalg.inv(maps)[order, :3]),
            kinds[order],
            np.array(self._materials, np.int32)[order],
            tapers[order],
            boxes,
            links,
        )


def beside(point: Vector, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Doubles:
    """The point moved along the axes."""
    moved: Doubles = np.asarray(point, float) + np.array([x, y, z])
    return moved


def yaw(degrees: float) -> Doubles:
    """A turn about y, counter-clockwise seen from above."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def roll(degrees: float) -> Doubles:
    """A turn about z."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def pitch(degrees: float) -> Doubles:
    """A turn about x."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])


def _bounds(maps: Doubles, kinds: Indices) -> tuple[Doubles, Doubles]:
    linear, centre = maps[:, :3, :3], maps[:, :3, 3]
    ball = np.linalg.norm(linear, axis=2)
    cube = np.abs(linear).sum(axis=2)
    tube = np.abs(linear[:, :, 1]) + np.hypot(linear[:, :, 0], linear[:, :, 2])
    half = np.where((kinds == SPHERE)[:, None], ball, np.where((kinds == BOX)[:, None], cube, tube))
    return centre - half, centre + half


def _tree(lower: Doubles, upper: Doubles) -> tuple[Indices, Doubles, Indices]:
    """Median splits along the longest side of the centres: leaf order, boxes and links of the nodes."""
    centres = (lower + upper) / 2
    order: list[int] = []
    boxes: list[Doubles] = []
    links: list[list[int]] = []

    def grow(members: Indices) -> int:
        node = len(boxes)
        boxes.append(np.concatenate([lower[members].min(axis=0), upper[members].max(axis=0)]))
        links.append([0, 0, 0])
        if members.size <= _LEAF:
            links[node] = [members.size, len(order), 0]
            order.extend(int(i) for i in members)
            return node
        axis = int(np.argmax(np.ptp(centres[members], axis=0)))
        ranked = members[np.argsort(centres[members, axis], kind="stable")]
        half = ranked.size // 2
        links[node] = [-1, grow(ranked[:half]), grow(ranked[half:])]
        return node

    grow(np.arange(lower.shape[0], dtype=np.int32))
    return np.array(order, np.int32), np.stack(boxes), np.array(links, np.int32)
