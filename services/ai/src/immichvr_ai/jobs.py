"""The jobs of the AI service: `depth`, `splat`, `live`, and those about models."""

from __future__ import annotations

import time
from functools import cache

from google.protobuf import json_format
from immichvr.ai.v1.ai_pb2 import DepthParams, SplatParams
from immichvr_common.batches import Outcome, Together
from immichvr_common.errors import InvalidRequest
from immichvr_common.tasks import Made, Report, Task
from immichvr_media import DecodeLimits, Photo, decode_photo
from immichvr_models import Cache

from immichvr_ai.assets import depth_asset, splat_asset
from immichvr_ai.depth import estimate_depth
from immichvr_ai.depth_map import DepthMap
from immichvr_ai.errors import ImageTooSmall
from immichvr_ai.lift import Lifted, lift
from immichvr_ai.live.serving import LIVE, serve_live
from immichvr_ai.model_jobs import MODEL_JOBS, perform_model_job, told_downloads
from immichvr_ai.settings import current_settings
from immichvr_ai.splats import Foreseen, make_splat
from immichvr_ai.together import perform_together

_LAYERS_ONLY = 150_000
"""Gaussians to lift to where only the two layers' pictures are wanted."""


def perform(task: Task, report: Report) -> list[Made] | list[Outcome]:
    """Does one job: the photo `source` becomes a depth asset, or a depth and a splat asset.

    A job about a model, and a live session, make nothing; of jobs that came together, each has its outcome. Raises
    InvalidRequest, and what decoding, estimating and lifting raise, each with a code.
    """
    if isinstance(task, Together):
        return perform_together(task, report, _models(), _decoded, _of_photo)
    if task.kind in MODEL_JOBS:
        perform_model_job(task, report, _models())
        return []
    if task.kind == LIVE:
        serve_live(task, report)
        return []
    if task.kind not in ("depth", "splat"):
        raise InvalidRequest(f"the ai service does depth and splat, not {task.kind!r}")
    return _of_photo(task, report)


def _of_photo(task: Task, report: Report, photo: Photo | None = None, foreseen: Foreseen | None = None) -> list[Made]:
    clock = Clock()
    photo = photo or _decoded(task)
    clock.lap("decoded")
    report(0.1, "decoded", f"{photo.width}×{photo.height} pixels")
    if task.kind == "depth":
        return _depth(task, photo, clock, report)
    return _splat(task, photo, clock, report, foreseen)


def _depth(task: Task, photo: Photo, clock: Clock, report: Report) -> list[Made]:
    params = json_format.ParseDict(task.params, DepthParams(), ignore_unknown_fields=True)
    with told_downloads(_models(), report, 0.1, 0.3) as on_download:
        depth = estimate_depth(
            photo, params.model or "auto", cache=_models(), progress=on_download, accepted=params.accepted
        )
    clock.lap("inferred")
    report(0.8, "inferred", f"depth by {depth.model_key}")
    made = depth_asset(photo, depth, _layers(photo, depth), task.folder, clock.laps, points=params.points)
    clock.lap("packed")
    report(0.95, "packed", "depth written")
    return [made]


def _splat(task: Task, photo: Photo, clock: Clock, report: Report, foreseen: Foreseen | None = None) -> list[Made]:
    params = json_format.ParseDict(task.params, SplatParams(), ignore_unknown_fields=True)

    def inferred(key: str) -> None:
        clock.lap("inferred")
        if foreseen is not None and foreseen.model_key == key:
            clock.laps["inferred"] = round(foreseen.seconds, 4)
        report(0.6, "inferred", f"by {key}")

    with told_downloads(_models(), report, 0.1, 0.3) as on_download:
        splat = make_splat(
            photo,
            params.model or "auto",
            max_gaussians=params.max_gaussians or None,
            lifted_gaussians=current_settings().splat.max_gaussians,
            cache=_models(),
            progress=on_download,
            accepted=params.accepted,
            inferred=inferred,
            foreseen=foreseen,
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


def _decoded(task: Task) -> Photo:
    settings = current_settings().photo
    limits = DecodeLimits(max_pixels=int(settings.max_megapixels * 1e6), max_bytes=int(settings.max_megabytes * 1e6))
    photo = decode_photo(task.inputs["source"], limits)
    ImageTooSmall.check(photo.width, photo.height, settings.min_side)
    return photo


def _layers(photo: Photo, depth: DepthMap) -> Lifted:
    return lift(photo.rgb, depth, depth.focal_px or photo.focal.px, _LAYERS_ONLY)


@cache
def _models() -> Cache:
    return Cache.from_env()


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
