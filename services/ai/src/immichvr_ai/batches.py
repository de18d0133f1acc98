"""Splat jobs that wait go at once through a network that is quicker with several photos."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial

from immichvr_common.processes.failures import result_of
from immichvr_common.tasks import Batch, Report, TaskResult
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable
from immichvr_inference.model_jobs import reporting_downloads
from immichvr_media import Photo, decode_photo

from immichvr_ai.batch_keys import batching_network, params_of
from immichvr_ai.photo_jobs import perform_photo_job
from immichvr_ai.settings import current_settings
from immichvr_ai.splats import Precomputed, precompute


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
    params = params_of(batch.tasks[0])
    key = batching_network(params, context.cache)
    seen = {index: photo for index, photo in photos.items() if params.model == key or photo.depth is None}
    if not key or len(seen) < 2:
        return {}
    try:
        with reporting_downloads(replace(context, accepted=params.accepted), report, 0.1, 0.3) as told:
            made = precompute([*seen.values()], key, told)
    except ModelUnavailable:
        return {}  # each job finds out for itself, and falls back where it may
    return dict(zip(seen, made, strict=True))
