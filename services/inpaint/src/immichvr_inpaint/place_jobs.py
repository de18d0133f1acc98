"""The jobs about places: `reconstruct`, `points`, `dataset` and `inpaint`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
from google.protobuf import json_format
from google.protobuf.message import Message
from immichvr.inpaint.v1.inpaint_pb2 import DatasetParams, InpaintParams, PointsParams, ReconstructParams
from immichvr_common.errors import InvalidRequest
from immichvr_common.tasks import Made, Report, Task
from immichvr_inference.context import RunContext
from immichvr_inference.model_jobs import reporting_downloads
from immichvr_scenes.completion import METHODS, CompletionOptions, CompletionProgress
from immichvr_scenes.training import Watch
from immichvr_splats import Camera
from immichvr_video import VideoLimits

from immichvr_inpaint.elsewhere import open_trainer
from immichvr_inpaint.elsewhere.training import train_elsewhere
from immichvr_inpaint.keeping import Keeper
from immichvr_inpaint.kinds import DATASET, INPAINT, POINTS, RECONSTRUCT
from immichvr_inpaint.places.completing import complete_splat
from immichvr_inpaint.places.making import Bounds, make_place
from immichvr_inpaint.places.packing import pack_dataset
from immichvr_inpaint.places.wishes import GIVEN, PlaceWish, Sources, one_of
from immichvr_inpaint.settings import current_settings

Capability = Callable[[Task, Report], list[Made]]
P = TypeVar("P", bound=Message)
_POSE = 16
"""Numbers of a matrix that brings the world to a camera."""


class FillingOff(ValueError):
    """Nothing is filled on this server; the message says which setting says so."""

    code = "filling_off"


def perform_place_job(task: Task, report: Report, context: RunContext) -> list[Made]:
    """Does one job.

    `reconstruct`, `points`: of `photo_000`, `photo_001`, …, with their cameras where they are given as `transforms`, of
    `video`, or of `photo_000` and its `clip`. `dataset`: of a scene's `splat` and `views`. `inpaint`: of a `splat`, and
    its `cameras` where it has any.
    context: what networks run with. Raises InvalidRequest, and what reading, the models and training raise, each with
    a code.
    """
    jobs: dict[str, Capability] = {
        RECONSTRUCT: partial(_reconstruct, context), POINTS: partial(_points, context), DATASET: _dataset,
        INPAINT: partial(_inpaint, context),
    }  # fmt: skip
    does = jobs.get(task.kind)
    if does is None:
        raise InvalidRequest(f"the inpaint service does no jobs of kind {task.kind!r}")
    return does(task, report)


def bounds() -> Bounds:
    """What may be taken, and made, in this process."""
    settings = current_settings()
    video = VideoLimits(
        max_bytes=int(settings.video.max_megabytes * 1e6), max_pixels=int(settings.video.max_megapixels * 1e6),
        max_seconds=settings.video.max_seconds,
    )  # fmt: skip
    return Bounds(video, settings.training.max_gaussians, settings.training.max_steps)


def _reconstruct(context: RunContext, task: Task, report: Report) -> list[Made]:
    params = _parsed(task, ReconstructParams())
    wish = PlaceWish.of(params.method, params.quality, params.poses, mask_moving=params.mask_moving)
    settings, keeper = current_settings(), Keeper(task)
    elsewhere = None
    if wish.method == "cloud":
        trainer = open_trainer(settings.cloud, params.sends_to)
        elsewhere = partial(train_elsewhere, trainer, settings.cloud, keeper.sent_before(), keeper.sent)
    with reporting_downloads(replace(context, accepted=params.accepted), report, 0, 0.05) as told:
        watch = Watch(
            report, keeper.preview, keeper.checkpoint, preview_s=settings.training.preview_s,
            checkpoint_s=settings.training.checkpoint_s,
        )  # fmt: skip
        made = make_place(
            _sources(task, wish), task.folder, wish, watch, told, bounds=bounds(), resume=keeper.earlier(),
            name=task.source_name, with_ply=params.keep_ply, elsewhere=elsewhere, stand_ins=params.stand_ins,
        )  # fmt: skip
    return [made]


def _points(context: RunContext, task: Task, report: Report) -> list[Made]:
    params = _parsed(task, PointsParams())
    wish = PlaceWish.of("points", params.quality, params.poses, mask_moving=params.mask_moving)
    with reporting_downloads(replace(context, accepted=params.accepted), report, 0, 0.05) as told:
        sources, name = _sources(task, wish), task.source_name
        return [
            make_place(
                sources, task.folder, wish, Watch(report), told, bounds=bounds(), name=name, stand_ins=params.stand_ins
            )
        ]


def _dataset(task: Task, report: Report) -> list[Made]:
    params = _parsed(task, DatasetParams())

    def tell(share: float) -> None:
        report(0.05 + 0.9 * share, "packed", f"{share:.0%} of the pictures")

    return [pack_dataset(task.inputs["splat"], task.inputs["views"], task.folder, params.model_key or "-", tell)]


def _inpaint(context: RunContext, task: Task, report: Report) -> list[Made]:
    settings = current_settings()
    if not settings.enable:
        raise FillingOff("filling is switched off here: IMMICHVR_INPAINT_ENABLE says so")
    params, keeper = _parsed(task, InpaintParams()), Keeper(task)
    options = CompletionOptions(
        method=one_of("method", ("auto", *METHODS), params.method or settings.method),
        iterations=params.iterations or settings.iterations,
        dataset_update=params.dataset_update or settings.dataset_update,
    )  # fmt: skip

    def hear(progress: CompletionProgress) -> None:
        rounds = f"round {progress.round} of {progress.rounds}" if progress.rounds > 1 and progress.round else ""
        report(0.95 * progress.fraction, progress.stage, ", ".join(filter(None, (rounds, progress.message))))
        if progress.preview is not None:
            keeper.picture(progress.preview)

    with reporting_downloads(replace(context, accepted=params.accepted), report, 0, 0.05) as told:
        made = complete_splat(
            task.inputs["splat"], task.inputs.get("cameras"), task.folder, options, params.model_key or "-", hear, told,
            camera=_camera(params), with_ply=params.keep_ply,
        )  # fmt: skip
    return [made]


def _camera(params: InpaintParams) -> Camera | None:
    """The camera that a photo's splat was made from, where that was told. Raises InvalidCloudError."""
    if not params.HasField("camera"):
        return None
    told = params.camera
    pose = np.array(told.extrinsic).reshape(4, 4) if len(told.extrinsic) == _POSE else np.eye(4)
    return Camera(told.fx, told.fy, told.cx, told.cy, told.width, told.height, pose)


def _sources(task: Task, wish: PlaceWish) -> Sources:
    """What a place is made of, by the roles of its files. Raises InvalidRequest."""
    photos = tuple(task.inputs[role] for role in sorted(task.inputs) if role.startswith("photo_"))
    video, transforms = task.inputs.get("clip" if photos else "video"), task.inputs.get("transforms")
    if not photos and video is None:
        raise InvalidRequest("the job has neither photos nor a video that a place could be made of")
    if (transforms is not None) != (wish.poses == GIVEN):
        raise InvalidRequest("given poses and transforms.json go together: the job has one without the other")
    if transforms is not None and video is not None:
        raise InvalidRequest("cameras can be given of photos, not of a video")
    return Sources(photos, video, transforms)


def _parsed(task: Task, params: P) -> P:
    try:
        return json_format.ParseDict(task.params, params, ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise InvalidRequest(f"the parameters are no {type(params).__name__}: {error}") from error
