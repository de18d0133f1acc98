"""The files of a scene: its splat or points, its cameras, its pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from immichvr_common.tasks import MadeFile
from immichvr_scenes import Camera, Picture, View
from immichvr_scenes.cameras import within_reach
from immichvr_scenes.collision import VOXELS_FILE, VOXELS_MEDIA_TYPE, voxels, write_voxels
from immichvr_scenes.datasets import write_dataset, zip_dataset
from immichvr_scenes.frames import Frame
from immichvr_splats import (
    FORMATS,
    LEAST_CONFIDENCE,
    LEVELS_FILE,
    TILES_FILE,
    GaussianCloud,
    confident,
    write,
    write_point_levels,
    write_point_tiles,
)
from immichvr_splats.pointclouds import POINT_FORMATS, PointCloud, write_points

CAMERAS, VIEWS = "cameras.json", "views.zip"
_JSON = "application/json"
_TILE_POINTS, _PART = 50_000, 256
"""Points of a tile at most; of a large cloud, that part of all."""
_LEAST_TILED = 2 * _TILE_POINTS
"""Fewer points than that are one file's."""
_LARGEST_CAMERAS = 4 * 1024**2


def write_splat(cloud: GaussianCloud, folder: Path, *, with_ply: bool = False) -> tuple[list[MadeFile], list[str]]:
    """The web-ready SPZ first, the raw PLY where it is wanted; and what could not be kept, in words."""
    files, losses = [], []
    for key in ("spz", "ply") if with_ply else ("spz",):
        name = f"splat.{key}"
        losses += [f"{key}: {loss.message}" for loss in write(cloud, folder / name)]
        files.append(MadeFile(name, "splat", key, FORMATS[key].media_type))
    return files, losses


def write_point_files(points: PointCloud, folder: Path) -> tuple[list[MadeFile], list[str]]:
    """Points as PLY, as GLB in levels and, where they are many, in tiles; and what could not be kept, in words."""
    losses = [f"ply: {loss.message}" for loss in write_points(points, folder / "points.ply")]
    files = [MadeFile("points.ply", "points", "ply", POINT_FORMATS["ply"].media_type)]
    for level in write_point_levels(points, folder, "glb"):
        files.append(MadeFile(level.file, "level", "glb", POINT_FORMATS["glb"].media_type, level.name))
    files.append(MadeFile(LEVELS_FILE, "levels", "json", _JSON))
    sure = confident(points, LEAST_CONFIDENCE["full"])  # as the level has it
    if sure.count > _LEAST_TILED:
        files += _write_tiles(sure, folder)
    return files, losses


def _write_tiles(points: PointCloud, folder: Path) -> list[MadeFile]:
    """The points as a tree of tiles, of which a viewer loads what it sees."""
    most = max(_TILE_POINTS, points.count // _PART)
    root = write_point_tiles(points, folder, "glb", most, compression="meshopt")
    tiles = [
        MadeFile(tile.file, "tile", "glb", POINT_FORMATS["glb"].media_type, tile.file.partition(".")[0])
        for tile in root.walk()
    ]
    return [*tiles, MadeFile(TILES_FILE, "tiles", "json", _JSON)]


def write_cameras(views: Sequence[View], folder: Path, frames: Sequence[Frame] = ()) -> MadeFile:
    """Where each picture was taken from. frames: that the views are of, for what they were and when of a video."""
    named = {frame.name: frame for frame in frames}
    cameras = [view_facts(view, named.get(view.name)) for view in views]
    (folder / CAMERAS).write_text(json.dumps({"cameras": cameras}))
    return MadeFile(CAMERAS, "cameras", "json", _JSON)


def read_cameras(path: Path) -> list[View]:
    """What `write_cameras` wrote. Raises ValueError for anything else."""
    if path.stat().st_size > _LARGEST_CAMERAS:
        raise ValueError(f"cameras of {path.stat().st_size} bytes are too many; {_LARGEST_CAMERAS} are read")
    try:
        return [view_of(one) for one in json.loads(path.read_bytes())["cameras"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"these are no cameras of a scene: {error}") from error


def write_views(frames: Sequence[Frame], views: Sequence[View], folder: Path, scratch: Path) -> MadeFile:
    """The pictures with their cameras, to be packed as a dataset later, when the photos may be gone."""
    named = {frame.name: frame for frame in frames}
    pictures = [Picture(view, named[view.name].path) for view in views]
    write_dataset(scratch / "views", pictures)
    zip_dataset(scratch / "views", folder / VIEWS)
    return MadeFile(VIEWS, "views", "zip", "application/zip")


def write_collision(cloud: GaussianCloud, views: Sequence[View], folder: Path) -> MadeFile:
    """What of a scene one cannot walk through, for viewers."""
    write_voxels(voxels(cloud, views), folder / VOXELS_FILE)
    return MadeFile(VOXELS_FILE, "collision", "voxels", VOXELS_MEDIA_TYPE)


def view_facts(view: View, frame: Frame | None = None) -> dict[str, Any]:
    """Where a picture was taken from, as JSON. frame: that it is, for what it was and when."""
    pose = [float(one) for one in view.camera_to_world.ravel()]
    was = {} if frame is None else {"source": frame.source, "time_s": frame.time}
    return {"name": view.name, **asdict(view.camera), "camera_to_world": pose, **was}


def view_of(told: dict[str, Any]) -> View:
    """What `view_facts` told. Raises KeyError, TypeError, ValueError for anything else."""
    camera = Camera(**{name: told[name] for name in ("width", "height", "fx", "fy", "cx", "cy")})
    pose = np.array(told["camera_to_world"], np.float64).reshape(4, 4)
    return within_reach(View(str(told["name"]), camera, np.linalg.inv(pose).astype(np.float64)))
