"""A splat as files: the web-ready SPZ first, the raw PLY where it is wanted."""

from __future__ import annotations

from pathlib import Path

from immichvr_common.tasks import Made, MadeFile
from immichvr_depth.files import camera_details
from immichvr_media import Photo
from immichvr_splats import FORMATS, write

from immichvr_ai.splats import Splat


def splat_asset(photo: Photo, splat: Splat, folder: Path, timings: dict[str, float], keep_ply: bool) -> Made:
    """Writes the files of a splat asset into `folder`."""
    losses = list(photo.notes)
    files: list[MadeFile] = []
    for key in ("spz", "ply") if keep_ply else ("spz",):
        name = f"splat.{key}"
        left_out = write(splat.cloud, folder / name)
        # The camera stands in the details: of a splat of ours no format loses it.
        losses += [f"{key}: {loss.message}" for loss in left_out if loss.code != "camera"]
        files.append(MadeFile(name, "splat", key, FORMATS[key].media_type))
    return Made(
        kind="splat",
        model_key=splat.model_key,
        model_revision=splat.revision,
        reason=splat.reason,
        files=files,
        losses=losses,
        details={
            "camera": camera_details(photo, splat.focal_px),
            "metric": splat.metric,
            "gaussians": splat.cloud.count,
            "stats": splat.lifted.stats if splat.lifted else {},
        },
        timings=timings,
    )
