"""Splat jobs that wait go at once through a network that is quicker with several photos."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial

from google.protobuf import json_format
from immichvr.ai.v1.ai_pb2 import SplatParams
from immichvr_catalog import SPLAT
from immichvr_common.processes.failures import result_of
from immichvr_common.tasks import Batch, Report, Task, TaskResult
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable
from immichvr_inference.model_jobs import reporting_downloads
from immichvr_inference.splats import splat_networks
from immichvr_media import Photo, decode_photo

from immichvr_ai.photo_jobs import perform_photo_job
from immichvr_ai.settings import current_settings
from immichvr_ai.splats import Precomputed, precompute

AUTO = "auto"


def batch_key(task: Task, context: RunContext) -> str:
    """What splat jobs that can be done together have in common; empty for other jobs."""
    if task.kind != SPLAT:
        return ""
    params = _params(task)
    if not _network(params, context):
        return ""
    return ",".join((params.model or AUTO, *sorted(params.accepted)))


def perform_batch(batch: Batch, report: Report, context: RunContext) -> list[TaskResult]:
    """Does splat jobs with the same `batch_key`; each fails or succeeds for itself."""
    photos: dict[int, Photo] = {}
    limits = current_settings().photo.limits
    for index, task in enumerate(batch.tasks):
        # What stops a photo from being decoded is told when its own job is done.
        with suppress(ValueError, OSError):
            photos[index] = decode_photo(task.inputs["source"], limits)
    report(0.1, "decoded", f"{len(photos)} photos")
    made = _precomputed(batch, photos, report, context)
    return [
        result_of(partial(perform_photo_job, task, report, context, photos.get(index), made.get(index)))
        for index, task in enumerate(batch.tasks)
    ]


def _precomputed(batch: Batch, photos: dict[int, Photo], report: Report, context: RunContext) -> dict[int, Precomputed]:
    params = _params(batch.tasks[0])
    key = _network(params, context)
    seen = {index: photo for index, photo in photos.items() if params.model == key or photo.depth is None}
    if not key or len(seen) < 2:
        return {}
    try:
        with reporting_downloads(replace(context, accepted=params.accepted), report, 0.1, 0.3) as told:
            made = precompute([*seen.values()], key, told)
    except ModelUnavailable:
        return {}  # each job finds out for itself, and falls back where it may
    return dict(zip(seen, made, strict=True))


def _network(params: SplatParams, context: RunContext) -> str:
    """The network that will make these splats, if it is quicker with several photos at once; else nothing."""
    asked = params.model or AUTO
    candidates = splat_networks(replace(context, accepted=params.accepted)) if asked == AUTO else [asked]
    registry = context.cache.registry
    return next((key for key in candidates[:1] if key in registry and registry[key].batches), "")


def _params(task: Task) -> SplatParams:
    return json_format.ParseDict(task.params, SplatParams(), ignore_unknown_fields=True)
