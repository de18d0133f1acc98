"""The jobs of the AI service: `depth`, `splat`, `live`, and those about models."""

from __future__ import annotations

import time
from functools import cache

from google.protobuf import json_format
from immichvr.ai.v1.ai_pb2 import DepthParams, SplatParams
from immichvr_common.errors import InvalidRequest
from immichvr_common.tasks import Made, Report, Task
from immichvr_media import DecodeLimits, Photo, decode_photo
from immichvr_models import Cache

from immichvr_ai.assets import depth_asset, splat_asset
from immichvr_ai.depth import estimate_depth
from immichvr_ai.depth_map import DepthMap
from immichvr_ai.lift import Lifted, lift
from immichvr_ai.live.serving import LIVE, serve_live
from immichvr_ai.model_jobs import MODEL_JOBS, perform_model_job, told_downloads
from immichvr_ai.settings import AiSettings, current_settings

LIFT = "lift-"
_LAYERS_ONLY = 150_000
"""Gaussians to lift to where only the two layers' pictures are wanted."""


def perform(task: Task, report: Report) -> list[Made]:
    """Does one job: the photo `source` becomes a depth asset, or a depth and a splat asset.

    A job about a model, and a live session, make nothing. Raises InvalidRequest, and what decoding, estimating and
    lifting raise, each with a code.
    """
    if task.kind in MODEL_JOBS:
        perform_model_job(task, report, _models())
        return []
    if task.kind == LIVE:
        serve_live(task, report)
        return []
    if task.kind not in ("depth", "splat"):
        raise InvalidRequest(f"the ai service does depth and splat, not {task.kind!r}")
    settings = current_settings()
    clock = Clock()
    photo = _decode(task, settings)
    clock.lap("decoded")
    report(0.1, "decoded", f"{photo.width}×{photo.height} pixels")
    if task.kind == "depth":
        depth_params = json_format.ParseDict(task.params, DepthParams(), ignore_unknown_fields=True)
        depth = _estimate(photo, depth_params.model or "auto", report)
        clock.lap("inferred")
        report(0.8, "inferred", f"depth by {depth.model_key}")
        lifted = lift(photo.rgb, depth, photo.focal.px, _LAYERS_ONLY)
        made = depth_asset(photo, depth, lifted, task.folder, clock.laps)
        clock.lap("packed")
        report(0.95, "packed", "depth written")
        return [made]
    return _splat(task, photo, settings, clock, report)


def _splat(task: Task, photo: Photo, settings: AiSettings, clock: Clock, report: Report) -> list[Made]:
    params = json_format.ParseDict(task.params, SplatParams(), ignore_unknown_fields=True)
    depth = _estimate(photo, depth_model(params.model or "auto"), report)
    clock.lap("inferred")
    report(0.6, "inferred", f"depth by {depth.model_key}")
    lifted = _lift(photo, depth, params.max_gaussians or settings.splat.max_gaussians)
    clock.lap("lifted")
    report(0.8, "lifted", f"{lifted.cloud.count:,} Gaussians")
    splat = splat_asset(photo, depth, lifted, task.folder, clock.laps, params.keep_ply)
    made = [splat, depth_asset(photo, depth, lifted, task.folder, clock.laps)]
    clock.lap("packed")
    report(0.95, "packed", "splat and depth written")
    return made


def depth_model(splat_model: str) -> str:
    """The depth model behind a splat model. Raises InvalidRequest."""
    if splat_model == "auto":
        return "auto"
    if not splat_model.startswith(LIFT):
        raise InvalidRequest(f"there is no splat model {splat_model!r}; there are auto and {LIFT}<depth model>")
    return splat_model.removeprefix(LIFT)


def _decode(task: Task, settings: AiSettings) -> Photo:
    limits = DecodeLimits(
        max_pixels=int(settings.photo.max_megapixels * 1e6), max_bytes=int(settings.photo.max_megabytes * 1e6)
    )
    return decode_photo(task.inputs["source"], limits)


def _estimate(photo: Photo, model: str, report: Report) -> DepthMap:
    with told_downloads(_models(), report, 0.1, 0.3) as on_download:
        return estimate_depth(photo, model, cache=_models(), progress=on_download)


def _lift(photo: Photo, depth: DepthMap, max_gaussians: int) -> Lifted:
    return lift(photo.rgb, depth, photo.focal.px, max_gaussians)


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
