"""A dataset as nerfstudio reads it: transforms.json, and images/, masks/ and depth/ beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from immichvr_splats.pointclouds import PointCloud, write_points
from PIL import Image

from immichvr_scenes.arrays import write_array
from immichvr_scenes.datasets.axes import OUR_WORLD_IN_THEIRS, theirs
from immichvr_scenes.pictures import Picture

TRANSFORMS = "transforms.json"
POINTS = "sparse_pc.ply"
DEPTH_UNIT = 1e-3
"""Of the world's unit, what a depth of 1 in a file is, as nerfstudio takes it where it is told nothing else."""
_AS_THEY_ARE = (".jpg", ".jpeg", ".png")


def write_dataset(folder: Path, pictures: Sequence[Picture], points: PointCloud | None = None) -> Path:
    """Write pictures, one at a time; the path of transforms.json, which appears last.

    Images of ours are copied, others become PNG. Masks are PNG, 255 where known; depth is .npy, float32, in
    thousandths of the world's unit, as nerfstudio takes it (its depth_unit_scale_factor is 1e-3). points: to begin
    with, in our world.
    """
    frames = [_written(folder, number, picture) for number, picture in enumerate(pictures)]
    document: dict[str, object] = {"camera_model": "OPENCV", "k1": 0.0, "k2": 0.0, "p1": 0.0, "p2": 0.0}
    document["applied_transform"] = OUR_WORLD_IN_THEIRS[:3].tolist()
    if points is not None:
        write_points(PointCloud(points.points @ OUR_WORLD_IN_THEIRS[:3, :3].T, points.colors), folder / POINTS)
        document["ply_file_path"] = POINTS
    document["frames"] = frames
    whole, partial = folder / TRANSFORMS, folder / f".{TRANSFORMS}.partial"
    partial.write_text(json.dumps(document, indent=1), "utf-8")
    partial.replace(whole)
    return whole


def _written(folder: Path, number: int, picture: Picture) -> dict[str, object]:
    """One frame's files and what transforms.json says of it."""
    name, camera = f"frame_{number + 1:05}", picture.view.camera
    told: dict[str, object] = {"file_path": _image(folder, name, picture)}
    mask = picture.read_mask()
    if mask is not None:
        path = _place(folder, "masks", f"{name}.png")
        Image.fromarray(mask.astype(np.uint8) * 255).save(path)
        told["mask_path"] = f"masks/{path.name}"
    depth = picture.read_depth()
    if depth is not None:
        path = _place(folder, "depth", f"{name}.npy")
        write_array(path, depth / np.float32(DEPTH_UNIT))
        told["depth_file_path"] = f"depth/{path.name}"
    told |= {"fl_x": camera.fx, "fl_y": camera.fy, "cx": camera.cx, "cy": camera.cy}
    told |= {"w": camera.width, "h": camera.height}
    told["transform_matrix"] = theirs(picture.view.camera_to_world).tolist()
    return told


def _image(folder: Path, name: str, picture: Picture) -> str:
    source, camera = picture.image, picture.view.camera
    if isinstance(source, Path) and source.suffix in _AS_THEY_ARE and _size(source) == (camera.width, camera.height):
        path = _place(folder, "images", name + source.suffix)
        shutil.copyfile(source, path)
    else:
        path = _place(folder, "images", f"{name}.png")
        Image.fromarray(picture.read_image()).save(path, compress_level=1)
    return f"images/{path.name}"


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def _place(folder: Path, kind: str, name: str) -> Path:
    (folder / kind).mkdir(parents=True, exist_ok=True)
    return folder / kind / name
