"""Pictures with cameras from transforms.json, as nerfstudio and Instant NGP write it; nobody has checked it yet."""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from immichvr_media import DecodeLimits, MediaError, decode_photo
from PIL import Image

from immichvr_scenes.arrays import read_depth_array
from immichvr_scenes.cameras import Camera, View, within_reach
from immichvr_scenes.datasets.axes import ours
from immichvr_scenes.datasets.limits import USUAL, DatasetLimits
from immichvr_scenes.datasets.undistorting import Lens, undistorted
from immichvr_scenes.datasets.writing import DEPTH_UNIT, TRANSFORMS
from immichvr_scenes.errors import DatasetTooLarge, InvalidDataset
from immichvr_scenes.pictures import Picture, stored

_FLAT = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "PERSPECTIVE")
_COEFFICIENTS = ("k1", "k2", "p1", "p2", "k3")
_SUFFIXES = (".png", ".jpg", ".jpeg")
_TOLD = (
    "camera_model", "is_fisheye", "w", "h", "fl_x", "fl_y", "cx", "cy", "camera_angle_x", *_COEFFICIENTS,
    "file_path", "transform_matrix", "mask_path", "depth_file_path",
)  # fmt: skip
"""What is read of a frame, or of all of them at once."""
_LIMITS = DecodeLimits()
_FOCAL = 0.01, 1000.0
"""Of a picture's sides, as which focal lengths are believed."""
_BESIDE = 10.0
"""Sides of a picture by which its axis may miss it."""


def read_dataset(folder: Path, limits: DatasetLimits = USUAL) -> list[Picture]:
    """Its pictures in the file's order, in our axes; images, masks and depth are read when they are wanted.

    Intrinsics may be given for all or for each, as focal lengths or as an angle of view; distortion is taken out. Files
    have to lie within the folder. Raises InvalidDataset, DatasetTooLarge, and OSError where it cannot be read.
    """
    document = _document(folder / TRANSFORMS, limits)
    frames = document.get("frames")
    if not isinstance(frames, list) or not frames:
        raise InvalidDataset(f"{TRANSFORMS} has no list of `frames`")
    if len(frames) > limits.frames:
        raise DatasetTooLarge(f"{TRANSFORMS} has {len(frames)} frames; {limits.frames} at most are read")
    shared = {name: document[name] for name in _TOLD if name in document}
    pictures, names = [], set()
    for number, frame in enumerate(frames):
        if not isinstance(frame, dict):
            raise InvalidDataset(f"frame {number} of {TRANSFORMS} is no object")
        picture = _picture(folder, number, {**shared, **frame})
        if picture.name in names:
            raise InvalidDataset(f"{picture.name} is there twice")
        names.add(picture.name)
        pictures.append(picture)
    return pictures


def _document(path: Path, limits: DatasetLimits) -> dict[str, object]:
    if not path.is_file():
        raise InvalidDataset(f"there is no {TRANSFORMS}")
    if path.stat().st_size > limits.json_bytes:
        raise DatasetTooLarge(f"{TRANSFORMS} has more than {limits.json_bytes >> 20} MiB")
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InvalidDataset(f"{TRANSFORMS} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidDataset(f"{TRANSFORMS} is no object")
    return document


def _picture(folder: Path, number: int, told: Mapping[str, object]) -> Picture:
    """One frame; what it does not say itself is said for all."""
    model = told.get("camera_model", "OPENCV")
    if model not in _FLAT:
        raise InvalidDataset(f"the camera model {str(model)[:40]!r} is none of flat pictures: {', '.join(_FLAT)}")
    if told.get("is_fisheye"):
        raise InvalidDataset("the pictures are of a fisheye lens (`is_fisheye`); make them flat first")
    image = _file(folder, told.get("file_path"), "file_path")
    camera = _camera(image, told)
    try:
        pose = ours(np.array(told.get("transform_matrix"), np.float64).reshape(4, 4))
        name = image.relative_to(folder.resolve()).as_posix()
        view = within_reach(View.turned(name, camera, pose[:3, 3], _rotation(pose).T))
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidDataset(f"the transform_matrix of frame {number} is no pose of a camera: {error}") from error
    mask = _file(folder, told["mask_path"], "mask_path") if told.get("mask_path") else None
    depth = _file(folder, told["depth_file_path"], "depth_file_path") if told.get("depth_file_path") else None
    if depth is not None and depth.suffix.lower() not in (".npy", ".png"):
        raise InvalidDataset(f"{depth.name[:80]!r} is no depth map that is read: .npy, or .png of 16 bits")
    picture = Picture(view, image, mask, None if depth is None else partial(_depth, depth), upright=False)
    lens = Lens(*(_number(told, name, 0.0) for name in _COEFFICIENTS))
    return undistorted(picture, lens) if lens.bends else picture


def _rotation(pose: np.ndarray) -> np.ndarray:
    """Camera to world without the scale that some files have in it."""
    columns = np.linalg.norm(pose[:3, :3], axis=0)
    if not np.isfinite(pose).all() or columns.min() <= 0 or columns.max() > 1.01 * columns.min():
        raise ValueError("its axes are of different lengths")
    return np.asarray(pose[:3, :3] / columns)


def _camera(image: Path, told: Mapping[str, object]) -> Camera:
    width, height = (int(_number(told, name, 0)) for name in ("w", "h"))
    if width * height > _LIMITS.max_pixels:
        raise DatasetTooLarge(
            f"{image.name} is to have {width} x {height} pixels; {_LIMITS.max_pixels:,} at most are read"
        )
    if width <= 0 or height <= 0:
        try:
            height, width = stored(decode_photo(image, _LIMITS)).shape[:2]
        except MediaError as error:
            raise InvalidDataset(f"{image.name} is no picture: {error}") from error
    angle = _number(told, "camera_angle_x", 0.0)
    across = _number(told, "fl_x", 0.5 * width / math.tan(0.5 * angle) if 0 < angle < math.pi else 0.0)
    down = _number(told, "fl_y", across)
    cx, cy = _number(told, "cx", width / 2), _number(told, "cy", height / 2)
    for side, focal, centre in ((width, across, cx), (height, down, cy)):
        if not _FOCAL[0] * side <= focal <= _FOCAL[1] * side or abs(centre) > _BESIDE * side:
            raise InvalidDataset(
                f"the camera of {image.name} is none: it has {width} x {height} pixels, its focal lengths are to be "
                f"{across:.6g} and {down:.6g} of them, and its middle at ({cx:.6g}, {cy:.6g})"
            )
    return Camera(width, height, across, down, cx, cy)


def _number(told: Mapping[str, object], name: str, default: float) -> float:
    value = told.get(name, default)
    try:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidDataset(f"{name} of {TRANSFORMS} is no number but {str(value)[:40]!r}")
    return number


def _file(folder: Path, told: object, what: str) -> Path:
    """A file within the folder, also by a name without its suffix."""
    if not isinstance(told, str) or not told or len(told) > 1000 or "\0" in told:
        raise InvalidDataset(f"{what} of {TRANSFORMS} is no path but {str(told)[:80]!r}")
    root = folder.resolve()
    try:
        told.encode()
        for suffix in ("", *_SUFFIXES):
            path = (root / (told + suffix)).resolve()
            if not path.is_relative_to(root):
                raise InvalidDataset(f"{what} {told[:80]!r} leads out of the dataset")
            if path.is_file():
                return path
    except (UnicodeEncodeError, OSError, RuntimeError) as error:  # RuntimeError: links that lead to each other
        raise InvalidDataset(f"{what} {told[:80]!r} cannot be looked for here") from error
    raise InvalidDataset(f"{told[:200]!r}, which {TRANSFORMS} names, is not there")


def _depth(path: Path) -> npt.NDArray[np.float32]:
    """(h, w) in the world's unit. Raises ValueError where the file is no depth map, OSError where it cannot be read."""
    if path.suffix.lower() == ".npy":
        return read_depth_array(path, _LIMITS.max_pixels) * np.float32(DEPTH_UNIT)
    try:
        with Image.open(path, formats=("PNG",)) as image:
            if image.width * image.height > _LIMITS.max_pixels:
                raise ValueError(f"{path.name} has {image.width} x {image.height} pixels, too many for a depth map")
            array = np.asarray(image)
    except (OSError, SyntaxError, EOFError, struct.error, zlib.error, Image.DecompressionBombError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk; Pillow's own have none
            raise
        raise ValueError(f"{path.name} is no PNG that can be read: {error}") from error
    if array.ndim != 2 or array.dtype == np.bool_:
        raise ValueError(f"{path.name} is no depth map: it has colours")
    return array.astype(np.float32) * np.float32(DEPTH_UNIT)
