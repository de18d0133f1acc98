"""Splat jobs that wait go through SHARP at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

from google.protobuf import json_format
from immichvr.ai.v1.ai_pb2 import SplatParams
from immichvr_common.batches import Outcome, Together, outcome_of
from immichvr_common.tasks import Made, Report, Task
from immichvr_media import Photo
from immichvr_models import Cache

from immichvr_ai.depth.choice import is_here
from immichvr_ai.errors import ModelUnavailable
from immichvr_ai.model_jobs import told_downloads
from immichvr_ai.splats import Foreseen, foresee

MODEL = "sharp"
"""The network that is quicker with several photos at once, and what `auto` takes where it is here."""


class OfPhoto(Protocol):
    """Does the job of one photo, which may be decoded, and seen by the network, already."""

    def __call__(
        self, task: Task, report: Report, photo: Photo | None = None, foreseen: Foreseen | None = None
    ) -> list[Made]: ...


def batch_key(task: Task) -> str:
    """What splat jobs that can be done together have in common; empty for other jobs."""
    if task.kind != "splat":
        return ""
    params = _params(task)
    model = params.model or "auto"
    if model != MODEL and not (model == "auto" and is_here(MODEL, Cache.from_env(), params.accepted)):
        return ""
    return ",".join((model, *sorted(params.accepted)))


def perform_together(
    batch: Together, report: Report, cache: Cache, decoded: Callable[[Task], Photo], of_photo: OfPhoto
) -> list[Outcome]:
    """Does splat jobs with the same `batch_key`; each fails or succeeds for itself."""
    photos: dict[int, Photo] = {}
    for index, task in enumerate(batch.tasks):
        # What stops a photo from being decoded is told when its own job is done.
        with suppress(ValueError, OSError):
            photos[index] = decoded(task)
    report(0.1, "decoded", f"{len(photos)} photos")
    foreseen = _foreseen(batch, photos, cache, report)
    return [
        outcome_of(partial(of_photo, task, report, photos.get(index), foreseen.get(index)))
        for index, task in enumerate(batch.tasks)
    ]


def _foreseen(batch: Together, photos: dict[int, Photo], cache: Cache, report: Report) -> dict[int, Foreseen]:
    params = _params(batch.tasks[0])
    seen = {index: photo for index, photo in photos.items() if params.model == MODEL or photo.depth is None}
    if len(seen) < 2:
        return {}
    try:
        with told_downloads(cache, report, 0.1, 0.3) as on_download:
            made = foresee([*seen.values()], MODEL, cache=cache, progress=on_download, accepted=params.accepted)
    except ModelUnavailable:
        return {}  # each job finds out for itself, and falls back where it may
    return dict(zip(seen, made, strict=True))


def _params(task: Task) -> SplatParams:
    return json_format.ParseDict(task.params, SplatParams(), ignore_unknown_fields=True)
