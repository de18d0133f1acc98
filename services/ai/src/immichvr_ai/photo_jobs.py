"""The jobs about one photo: `depth` and `splat`."""

from __future__ import annotations

import time
from dataclasses import replace

from google.protobuf import json_format
from immichvr.ai.v1.ai_pb2 import DepthParams, SplatParams
from immichvr_catalog import DEPTH
from immichvr_common.tasks import Made, Report, Task
from immichvr_depth import DepthMap, LiftedPictures, lift_pictures
from immichvr_depth.files import depth_asset
from immichvr_inference.context import RunContext
from immichvr_inference.model_jobs import reporting_downloads
from immichvr_media import Photo, decode_photo

from immichvr_ai.depth import estimate_depth
from immichvr_ai.settings import current_settings
from immichvr_ai.splat_files import splat_asset
from immichvr_ai.splats import Precomputed, make_splat

_LAYERS_ONLY = 150_000
"""Gaussians that the pictures of the two layers are as large as, where nothing but them is wanted."""


def perform_photo_job(
    task: Task,
    report: Report,
    context: RunContext,
    photo: Photo | None = None,
    precomputed: Precomputed | None = None,
) -> list[Made]:
    """Does one of PHOTO_JOBS; the photo may be decoded, and seen by a network, already.

    Raises what decoding, estimating and lifting raise.
    """
    clock = Clock()
    photo = photo or decode_photo(task.inputs["source"], current_settings().photo.limits)
    clock.lap("decoded")
    report(0.1, "decoded", f"{photo.width}×{photo.height} pixels")
    if task.kind == DEPTH:
        return _depth(task, photo, clock, report, context)
    return _splat(task, photo, clock, report, context, precomputed)


def _depth(task: Task, photo: Photo, clock: Clock, report: Report, context: RunContext) -> list[Made]:
    params = json_format.ParseDict(task.params, DepthParams(), ignore_unknown_fields=True)
    with reporting_downloads(replace(context, accepted=params.accepted), report, 0.1, 0.3) as told:
        depth = estimate_depth(photo, params.model or "auto", told)
    clock.lap("inferred")
    report(0.8, "inferred", f"depth by {depth.model_key}")
    made = depth_asset(photo, depth, _layers(photo, depth), task.folder, clock.laps, points=params.points)
    clock.lap("packed")
    report(0.95, "packed", "depth written")
    return [made]


def _splat(
    task: Task, photo: Photo, clock: Clock, report: Report, context: RunContext, precomputed: Precomputed | None
) -> list[Made]:
    params = json_format.ParseDict(task.params, SplatParams(), ignore_unknown_fields=True)

    def inferred(key: str) -> None:
        clock.lap("inferred")
        if precomputed is not None and precomputed.model_key == key:
            clock.laps["inferred"] = round(precomputed.seconds, 4)
        report(0.6, "inferred", f"by {key}")

    with reporting_downloads(replace(context, accepted=params.accepted), report, 0.1, 0.3) as told:
        splat = make_splat(
            photo,
            params.model or "auto",
            told,
            max_gaussians=params.max_gaussians or None,
            lifted_gaussians=current_settings().splat.max_gaussians,
            inferred=inferred,
            precomputed=precomputed,
        )
    if splat.lifted is not None:
        clock.lap("lifted")
        report(0.8, "lifted", f"{splat.cloud.count:,} Gaussians")
    made = [splat_asset(photo, splat, task.folder, clock.laps, params.keep_ply)]
    if splat.depth is not None:
        lifted = splat.lifted or _layers(photo, splat.depth)
        made.append(depth_asset(photo, splat.depth, lifted, task.folder, clock.laps))
    clock.lap("packed")
    report(0.95, "packed", "splat and depth written" if splat.depth is not None else "splat written")
    return made


def _layers(photo: Photo, depth: DepthMap) -> LiftedPictures:
    return lift_pictures(photo.rgb, depth, depth.focal_px or photo.focal.px, _LAYERS_ONLY)


class Clock:
    """Seconds between one lap and the next, by name."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Ends a lap."""
        now = time.perf_counter()
        self.laps[name] = round(now - self._last, 4)
        self._last = now
