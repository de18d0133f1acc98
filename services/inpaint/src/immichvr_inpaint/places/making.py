"""A place from photos or a video, from the files to the files: what jobs and the command have in common."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from immichvr_catalog import POINTS, SCENE, SPLAT
from immichvr_catalog.scene_keys import CLOUD, GAUSSIANS
from immichvr_common.tasks import Made
from immichvr_inference.context import RunContext
from immichvr_scenes.frames import Frames
from immichvr_scenes.progress import Report, within
from immichvr_scenes.reconstruct import Reconstruction, ReconstructOptions, reconstruct
from immichvr_scenes.training import TrainingOptions, Watch, options_for
from immichvr_splats import GaussianCloud
from immichvr_video import VideoLimits

from immichvr_inpaint.places.files import write_cameras, write_collision, write_point_files, write_splat, write_views
from immichvr_inpaint.places.taking import Taken, take
from immichvr_inpaint.places.wishes import PlaceWish, Sources

_TAKEN, _TRAINED = 0.05, 0.95
"""How far a place is with its frames, and with all but its files."""


@dataclass(frozen=True)
class Bounds:
    """What may be taken, and made. max_gaussians, max_steps: None for as many as the quality means."""

    video: VideoLimits = field(default_factory=VideoLimits)
    max_gaussians: int | None = None
    max_steps: int | None = None


Elsewhere = Callable[[Taken, Path, PlaceWish, Report, RunContext], Reconstruction]
"""Trains at a service elsewhere: what was taken, a folder for what is kept meanwhile."""


def make_place(
    sources: Sources, folder: Path, wish: PlaceWish, watch: Watch, context: RunContext, *, bounds: Bounds | None = None,
    resume: bytes | None = None, name: str = "", with_ply: bool = False, elsewhere: Elsewhere | None = None,
    stand_ins: bool = False,
) -> Made:  # fmt: skip
    """Makes a scene, or points of one, in `folder`.

    resume: a state that `watch` was given by an earlier try. name: what people call it. elsewhere: for the method
    `cloud`. stand_ins: as `take` has it. Raises SceneError, VideoError, MediaError, ModelError, TaskFailed, and what
    `watch.report` raises.
    """
    bounds, began = bounds or Bounds(), time.perf_counter()
    scratch = folder / "scratch"
    scratch.mkdir()
    device = context.runtime.device.type
    told = within(watch.report, 0, _TAKEN)
    taken = take(sources, scratch / "frames", wish, device, bounds.video, told, stand_ins=stand_ins)
    frames, decoded = taken.frames, time.perf_counter()
    if wish.method == "cloud" and elsewhere is not None:
        found = elsewhere(taken, scratch, wish, within(watch.report, _TAKEN, _TRAINED), context)
    else:
        options = ReconstructOptions(
            method="points" if wish.method == "points" else "gaussian_splatting", quality=wish.quality,
            poses=wish.finding, mask_moving=wish.mask_moving, device="cuda" if device == "cuda" else "cpu",
            training=_training(wish, device, bounds),
        )  # fmt: skip
        found = reconstruct(taken.source, scratch, options, watch.within(_TAKEN, _TRAINED), context, resume)
    trained = time.perf_counter()
    watch.report(_TRAINED, "packed", "writing its files")
    made = _written(found, frames, folder, scratch, wish, with_ply=with_ply)
    timings = {"decoded": decoded - began, "trained": trained - decoded, "packed": time.perf_counter() - trained}
    return replace(
        made, details=_details(found, frames, name), timings={key: round(spent, 3) for key, spent in timings.items()}
    )


def _training(wish: PlaceWish, device: str, bounds: Bounds) -> TrainingOptions:
    options = options_for(wish.quality, device)
    return replace(
        options, max_gaussians=min(bounds.max_gaussians or options.max_gaussians, options.max_gaussians),
        iterations=min(bounds.max_steps or options.iterations, options.iterations),
    )  # fmt: skip


def _written(
    found: Reconstruction, frames: Frames, folder: Path, scratch: Path, wish: PlaceWish, *, with_ply: bool
) -> Made:
    cameras = write_cameras(found.views, folder, frames.frames)
    if wish.method == "points" or found.cloud is None:
        files, losses = write_point_files(found.points, folder)
        return Made(POINTS, POINTS, [*files, cameras], losses=[*found.notes, *losses])
    files, losses = write_splat(found.cloud, folder, with_ply=with_ply)
    beside = [cameras, write_views(frames.frames, found.views, folder, scratch)]
    beside.append(write_collision(found.cloud, found.views, folder))
    key = CLOUD if wish.method == "cloud" else GAUSSIANS
    return Made(SPLAT, key, [*files, *beside], losses=[*found.notes, *losses])


def _details(found: Reconstruction, frames: Frames, name: str) -> dict[str, Any]:
    dropped = [*frames.dropped, *found.dropped]
    metrics = asdict(found.metrics)
    if found.metrics.held_out == 0:
        metrics |= {"psnr": None, "ssim": None}  # nothing was measured
    scene = {
        "name": name,
        "pictures": found.metrics.registered,
        "panorama": found.panorama,
        "metrics": metrics,
        "dropped": [{"name": one.name, "reason": one.reason} for one in dict.fromkeys(dropped)],
    }
    about = {} if found.cloud is None else {"camera": _camera(found.cloud), "gaussians": found.cloud.count}
    return {**about, "metric": False, SCENE: scene}


def _camera(cloud: GaussianCloud) -> dict[str, Any] | None:
    camera = cloud.camera
    if camera is None:
        return None
    return {
        "fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy, "width": camera.width,
        "height": camera.height, "extrinsic": [[float(one) for one in row] for row in camera.extrinsic],
    }  # fmt: skip
