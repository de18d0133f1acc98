"""Depth as files: 16 bits to measure in, 8 bits of two layers to look at, and points where they are wanted.

`depth.png`               16-bit grey, inverse depth: 65535 is near, 0 is far; its text says near, far, unit, field of
                          view and scale
`disparity.webp`          8-bit grey, the same scale in 8 bits, lossless
`background.webp`         the photo without the rims of its foreground
`background-disparity.webp`   its disparity, on the scale of `disparity.webp`
`points.glb`              every pixel as a coloured point in the photo's camera, with the model's confidence
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_common.tasks import Made, MadeFile
from immichvr_media import Photo
from immichvr_splats.pointclouds import write_points
from PIL import Image, PngImagePlugin

from immichvr_depth.depth_map import DepthMap, FloatImage
from immichvr_depth.errors import InvalidDepth
from immichvr_depth.lift import LiftedPictures
from immichvr_depth.lift.inverse_depth import range_of
from immichvr_depth.points import point_cloud

_LONGEST_SIDE = 4096
_WIDEST_FOV = 179.0


def depth_asset(
    photo: Photo,
    depth: DepthMap,
    lifted: LiftedPictures,
    folder: Path,
    timings: dict[str, float],
    *,
    points: bool = False,
) -> Made:
    """Writes the files of a depth asset into `folder`."""
    near, far = range_of(lifted.foreground_depth, lifted.background_depth)
    _write_png(folder / "depth.png", _bounded(depth.depth, near, far), near, far, depth, photo)
    _write_grey(folder / "disparity.webp", disparity(lifted.foreground_depth, near, far, 255))
    Image.fromarray(lifted.background_rgb).save(folder / "background.webp", quality=88, method=2)
    _write_grey(folder / "background-disparity.webp", disparity(lifted.background_depth, near, far, 255))
    files = [
        MadeFile("depth.png", "depth", "png", "image/png"),
        MadeFile("disparity.webp", "disparity", "webp", "image/webp"),
        MadeFile("background.webp", "background", "webp", "image/webp"),
        MadeFile("background-disparity.webp", "background-disparity", "webp", "image/webp"),
    ]
    losses = list(photo.notes)
    if points:
        written = write_points(point_cloud(photo, depth, near, far), folder / "points.glb")
        losses += [f"points: {loss.message}" for loss in written]
        files.append(MadeFile("points.glb", "points", "glb", "model/gltf-binary"))
    return Made(
        kind="depth",
        model_key=depth.model_key,
        model_revision=depth.revision,
        reason=depth.reason,
        files=files,
        losses=losses,
        details={
            "camera": camera_details(photo, depth.focal_px),
            "depth": {
                "near": near,
                "far": far,
                "metric": depth.metric,
                **({"confidence": depth.sureness} if depth.sureness is not None else {}),
            },
        },
        timings=timings,
    )


def read_depth(path: Path, model_key: str, photo_width: int) -> DepthMap:
    """The depth map in a `depth.png`, as `depth_asset` wrote it.

    model_key: what had made it; the file's own word where that is empty. photo_width: of the photo, in pixels.
    Raises InvalidDepth where it is no such file.
    """
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            facts = {name: str(value) for name, value in picture.info.items()}
            if picture.mode not in ("I;16", "I") or max(picture.size) > _LONGEST_SIDE:
                raise InvalidDepth(f"a depth map is 16-bit grey, at most {_LONGEST_SIDE} pixels wide and high")
            values = np.asarray(picture, np.float32)
        near, far = float(facts["depth:near"]), float(facts["depth:far"])
        fov = float(facts["depth:horizontal_fov_degrees"])
        made_by, _, revision = facts["depth:model"].rpartition(" ")
    except (OSError, SyntaxError, LookupError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidDepth(f"this is no depth map of ours: {error}") from error
    if not (0 < near <= far < np.inf and 0 < fov < _WIDEST_FOV):
        raise InvalidDepth(f"a depth map from {near:g} to {far:g} over {fov:g} degrees cannot be")
    inverse = values / np.float32(65535) * np.float32(1 / near - 1 / far) + np.float32(1 / far)
    return DepthMap(
        depth=np.asarray(1 / inverse, np.float32),
        metric=facts.get("depth:unit") == "metre",
        model_key=model_key or made_by,
        revision=revision,
        focal_px=photo_width / 2 / float(np.tan(np.radians(fov) / 2)),
    )


def disparity(depth: FloatImage, near: float, far: float, top: int) -> npt.NDArray[np.uint16]:
    """Depth as integers, `top` at `near` and 0 at `far`, linear in 1/depth."""
    span = max(1 / near - 1 / far, 1e-12)
    return np.rint(np.clip((1 / depth - 1 / far) / span, 0, 1) * top).astype(np.uint16)


def camera_details(photo: Photo, focal_px: float | None = None) -> dict[str, Any]:
    """The photo's camera in pixels of the photo, how its focal length is known, and which way things fall before it.

    focal_px: as a model estimated it, where that counts.
    """
    focal = focal_px or photo.focal.px
    return {
        "fx": focal,
        "fy": focal,
        "cx": photo.width / 2,
        "cy": photo.height / 2,
        "width": photo.width,
        "height": photo.height,
        "focal_source": photo.focal.source if focal_px is None else "estimated",
        **({"gravity": [round(part, 4) for part in photo.gravity]} if photo.gravity is not None else {}),
    }


def _bounded(depth: FloatImage, near: float, far: float) -> FloatImage:
    scale = _LONGEST_SIDE / max(depth.shape)
    if scale < 1:
        depth = cv2.resize(depth, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    return np.clip(depth, near, far)


def _write_png(path: Path, depth: FloatImage, near: float, far: float, made: DepthMap, photo: Photo) -> None:
    facts = PngImagePlugin.PngInfo()
    fov = float(np.degrees(2 * np.arctan(photo.width / 2 / (made.focal_px or photo.focal.px))))
    for name, value in {
        "depth:encoding": "inverse; depth = 1 / (v/65535 * (1/near - 1/far) + 1/far)",
        "depth:near": f"{near:.6g}",
        "depth:far": f"{far:.6g}",
        "depth:unit": "metre" if made.metric else "relative, the median is 2",
        "depth:scale": "1 metre" if made.metric else "unknown",
        "depth:horizontal_fov_degrees": f"{fov:.4f}",
        "depth:model": f"{made.model_key} {made.revision}",
    }.items():
        facts.add_text(name, value)
    Image.fromarray(disparity(depth, near, far, 65535)).save(path, pnginfo=facts, compress_level=3)


def _write_grey(path: Path, values: npt.NDArray[np.uint16]) -> None:
    Image.fromarray(values.astype(np.uint8)).convert("RGB").save(path, lossless=True, quality=20, method=1)
