"""Depth maps of many views made one cloud: what other views agree with, thinned, with normals."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_splats.pointclouds import PointCloud

from immichvr_scenes.cameras import View
from immichvr_scenes.pictures import Picture
from immichvr_scenes.points.neighbours import neighbours_of
from immichvr_scenes.points.thinning import thinned
from immichvr_scenes.progress import Report, silent

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

_NEIGHBOURS = 6
_READ = 0.2
"""Of the work, what is done when all maps have been read once."""
_EDGE = 0.06
"""Relative change of depth between neighbouring pixels from which on it is an edge, where colours are of both sides."""


@dataclass(frozen=True)
class FusionOptions:
    """agreeing: other views that have to see a point at its depth, where so many could. within: relative difference.

    most: points in the end. voxel: metres or what the world's unit is; 0: by `most` alone.
    """

    agreeing: int = 2
    within: float = 0.015
    most: int = 1_000_000
    voxel: float = 0.0


USUAL = FusionOptions()


@dataclass(frozen=True, eq=False)
class DensePoints:
    """xyz: (n, 3) float32; rgb: (n, 3) uint8; normals: (n, 3) float32, towards who saw them; agreeing: (n,) views."""

    xyz: F32
    rgb: U8
    normals: F32
    agreeing: F32

    @property
    def count(self) -> int:
        """How many."""
        return len(self.xyz)

    @property
    def cloud(self) -> PointCloud:
        """As point clouds are written; confidence is how many views agree."""
        return PointCloud(self.xyz, self.rgb, self.agreeing)


def fuse(pictures: Sequence[Picture], options: FusionOptions = USUAL, report: Report = silent) -> DensePoints:
    """The points that the pictures' depth maps agree on. A few maps are in memory at once.

    What a mask does not know, and what lies at an edge of depth, is left out.
    """
    maps = _Maps(pictures)
    middles = []
    for number in range(len(pictures)):
        report(_READ * number / len(pictures), "points", "which pictures see the same")
        middles.append(maps.middle(number))
    neighbours = neighbours_of([picture.view for picture in pictures], middles, _NEIGHBOURS)
    parts: list[DensePoints] = []
    for number, picture in enumerate(pictures):
        parts.append(_of_view(picture, maps[number], [maps[other] for other in neighbours[number]], options))
        done = _READ + (1 - _READ) * (number + 1) / len(pictures)
        report(done, "points", f"points of picture {number + 1} of {len(pictures)}")
        if sum(part.count for part in parts) > 4 * options.most:
            parts = [_together(parts, options)]
    return _together(parts, options)


@dataclass(frozen=True, eq=False)
class _Map:
    """A depth map and its view, whose camera has its size."""

    view: View
    depth: F32


class _Maps:
    """Depth maps of pictures, the last few in memory."""

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self._pictures = pictures
        self._kept: OrderedDict[int, _Map] = OrderedDict()

    def __getitem__(self, number: int) -> _Map:
        if number not in self._kept:
            picture = self._pictures[number]
            depth = picture.read_depth_as_it_is()
            if depth is None:
                raise ValueError(f"{picture.name} has no depth, which is what is fused")
            height, width = depth.shape
            self._kept[number] = _Map(picture.view.scaled(width, height), depth)
            while len(self._kept) > 4 * _NEIGHBOURS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]

    def middle(self, number: int) -> float:
        depth = self[number].depth
        known = depth[np.isfinite(depth) & (depth > 0)]
        return float(np.median(known)) if len(known) else 1.0


def _of_view(picture: Picture, own: _Map, others: Sequence[_Map], options: FusionOptions) -> DensePoints:
    known = np.isfinite(own.depth) & (own.depth > 0) & ~_edges(own.depth)
    small = picture.with_view(own.view)
    mask = small.read_mask()
    if mask is not None:
        known &= mask
    world = own.view.unprojected(np.where(known, own.depth, 1))
    normals, facing = _normals(world, own.view)
    known &= facing
    rows, columns = np.nonzero(known)
    points = world[rows, columns]
    agreed = _agreeing(points, others, options.within)
    kept = agreed >= min(options.agreeing, len(others))
    rows, columns = rows[kept], columns[kept]
    return DensePoints(
        points[kept].astype(np.float32),
        small.read_image()[rows, columns],
        normals[rows, columns].astype(np.float32),
        agreed[kept].astype(np.float32),
    )


def _agreeing(points: F64, others: Sequence[_Map], within: float) -> npt.NDArray[np.int64]:
    """How many other views see each point at the depth at which it is for them."""
    agreed = np.zeros(len(points), np.int64)
    for other in others:
        pixels, depth = other.view.projected(points)
        camera = other.view.camera
        with np.errstate(invalid="ignore"):
            inside = ((pixels >= 0) & (pixels < [camera.width, camera.height])).all(axis=1)
        columns, rows = pixels[inside].astype(int).T
        seen = other.depth[rows, columns]
        agreed[inside] += np.abs(seen - depth[inside]) < within * depth[inside]
    return agreed


def _edges(depth: F32) -> Mask:
    """Pixels beside which depth jumps."""
    inner = np.where(depth > 0, depth, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        across = np.abs(np.diff(inner, axis=1)) / np.minimum(inner[:, 1:], inner[:, :-1]) > _EDGE
        down = np.abs(np.diff(inner, axis=0)) / np.minimum(inner[1:], inner[:-1]) > _EDGE
    edge = np.zeros(depth.shape, np.uint8)
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return np.asarray(cv2.dilate(edge, np.ones((3, 3), np.uint8)) > 0)


def _normals(world: F64, view: View) -> tuple[F64, Mask]:
    """Normals of a smoothed map, (h, w, 3), towards the camera, and where they face it at all."""
    smooth = cv2.blur(world, (5, 5))
    across, down = np.gradient(smooth, axis=1), np.gradient(smooth, axis=0)
    normals = np.cross(down, across)
    length = np.linalg.norm(normals, axis=2, keepdims=True)
    normals = normals / np.maximum(length, 1e-12)
    rays = view.centre - world
    rays /= np.maximum(np.linalg.norm(rays, axis=2, keepdims=True), 1e-12)
    cosine = (normals * rays).sum(axis=2)
    return normals * np.where(cosine < 0, -1, 1)[..., None], (np.abs(cosine) > 0.08) & (length[..., 0] > 0)


def _together(parts: Sequence[DensePoints], options: FusionOptions) -> DensePoints:
    whole = DensePoints(
        np.concatenate([part.xyz for part in parts]),
        np.concatenate([part.rgb for part in parts]),
        np.concatenate([part.normals for part in parts]),
        np.concatenate([part.agreeing for part in parts]),
    )
    return DensePoints(*thinned(whole.xyz, whole.rgb, whole.normals, whole.agreeing, options.voxel, options.most))
