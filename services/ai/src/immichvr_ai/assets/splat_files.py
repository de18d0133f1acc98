"""A splat as files: the web-ready SPZ first, the raw PLY where it is wanted."""

from __future__ import annotations

from pathlib import Path

from immichvr_common.tasks import Made, MadeFile
from immichvr_media import Photo
from immichvr_splats import FORMATS, write

from immichvr_ai.assets.depth_files import camera_details
from immichvr_ai.depth_map import DepthMap
from immichvr_ai.lift import Lifted


def splat_asset(
    photo: Photo, depth: DepthMap, lifted: Lifted, folder: Path, timings: dict[str, float], keep_ply: bool
) -> Made:
    """Writes the files of a splat asset into `folder`."""
    losses: list[str] = []
    files: list[MadeFile] = []
    for key in ("spz", "ply") if keep_ply else ("spz",):
        name = f"splat.{key}"
        losses += [f"{key}: {loss.message}" for loss in write(lifted.cloud, folder / name)]
        files.append(MadeFile(name, "splat", key, FORMATS[key].media_type))
    return Made(
        kind="splat",
        model_key=f"lift-{depth.model_key}",
        model_revision=depth.revision,
        reason=depth.reason,
        files=files,
        losses=losses,
        details={
            "camera": camera_details(photo),
            "metric": depth.metric,
            "gaussians": lifted.cloud.count,
            "stats": lifted.stats,
        },
        timings=timings,
    )
