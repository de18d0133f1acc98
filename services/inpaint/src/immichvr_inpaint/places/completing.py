"""A scene, or a photo's splat, with what is missing in it filled: from the files to the files."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt
from immichvr_catalog import SPLAT
from immichvr_catalog.scene_keys import completed_key
from immichvr_common.tasks import Made, MadeFile
from immichvr_inference.context import RunContext
from immichvr_scenes.completion import Completed, CompletionOptions, CompletionProgress, complete
from immichvr_splats import Camera, read
from PIL import Image

from immichvr_inpaint.places.files import read_cameras, write_cameras, write_collision, write_splat

_QUALITY = 90


def complete_splat(
    splat: Path, cameras: Path | None, folder: Path, options: CompletionOptions, model_key: str,
    report: Callable[[CompletionProgress], None], context: RunContext, *, camera: Camera | None = None,
    with_ply: bool = False,
) -> Made:  # fmt: skip
    """Fills what is missing in a splat, and shows it: masks, and the views before and after.

    cameras: as `write_cameras` wrote them; None for a splat of one photo. camera: of that photo, where the splat's file
    does not tell. model_key: of what is completed. Raises SplatError, what `complete` raises, and what `report` raises.
    """
    began = time.perf_counter()
    cloud = read(splat).cloud
    if cloud.camera is None and camera is not None:
        cloud = replace(cloud, camera=camera)
    views = [] if cameras is None else read_cameras(cameras)
    done = complete(cloud, views, options, report, context)
    filled = time.perf_counter()
    files, losses = write_splat(done.cloud, folder, with_ply=with_ply)
    files += [write_cameras(views or done.views, folder), *_shown(done, folder)]
    if views:
        files.append(write_collision(done.cloud, views, folder))
    timings = {"filled": filled - began, "packed": time.perf_counter() - filled}
    return Made(
        SPLAT, completed_key(model_key, done.method), files, reason=done.reason, losses=losses,
        details=_details(done, model_key), timings={key: round(spent, 3) for key, spent in timings.items()},
    )  # fmt: skip


def _shown(done: Completed, folder: Path) -> list[MadeFile]:
    """Of each view of the path its mask, 255 where something was missing, and how it looked before and after."""
    files = []
    for place, (mask, before, after) in enumerate(zip(done.masks, done.before, done.after, strict=True)):
        number = f"{place:03}"
        Image.fromarray(mask.astype("uint8") * 255).save(folder / f"mask.{number}.png")
        files.append(MadeFile(f"mask.{number}.png", "mask", "png", "image/png", number))
        for role, picture in (("before", before), ("after", after)):
            files.append(write_picture(picture, folder / f"{role}.{number}.jpg", role, number))
    return files


def write_picture(picture: npt.NDArray[Any], path: Path, role: str, variant: str) -> MadeFile:
    """A picture, (h, w, 3) uint8, as a file to look at."""
    Image.fromarray(picture).save(path, quality=_QUALITY)
    return MadeFile(path.name, role, "jpg", "image/jpeg", variant)


def _details(done: Completed, model_key: str) -> dict[str, Any]:
    camera = done.cloud.camera
    told = {} if camera is None else {
        "camera": {"fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy, "width": camera.width,
                   "height": camera.height}
    }  # fmt: skip
    return {
        **told,
        "gaussians": done.cloud.count,
        "inpainted": {
            "of": model_key,
            "method": done.method,
            "new": done.new,
            "views": len(done.views),
            "rounds": [asdict(one) for one in done.rounds],
        },
    }
