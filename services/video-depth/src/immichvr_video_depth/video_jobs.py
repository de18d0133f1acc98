"""The jobs about videos: `video-depth`, `stereo` and `motion`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message
from immichvr.videodepth.v1.videodepth_pb2 import Range, StereoParams, VideoDepthParams
from immichvr_catalog import DEPTH_VIDEO
from immichvr_catalog.video_keys import codec_key, part_key
from immichvr_common.errors import InvalidRequest
from immichvr_common.keeping import begin_anew, keep
from immichvr_common.tasks import Made, Report, Task
from immichvr_inference.context import RunContext
from immichvr_inference.model_jobs import reporting_downloads
from immichvr_video import Span, VideoLimits, inspect

from immichvr_video_depth.estimators import estimator_for
from immichvr_video_depth.kinds import MOTION, STEREO, VIDEO_DEPTH
from immichvr_video_depth.making import DepthWish, Earlier, depth_video, seconds_of, stereo_video, told_by
from immichvr_video_depth.motion.job import make_motion
from immichvr_video_depth.settings import current_settings
from immichvr_video_depth.stereo import StereoWish

Capability = Callable[[Task, Report], list[Made]]
_DOWNLOADED = 0.01
P = TypeVar("P", bound=Message)


def perform_video_job(task: Task, report: Report, context: RunContext) -> list[Made]:
    """Does one job.

    `video-depth`: the video `source` becomes a depth video. `stereo`: from `source`, and of its depth video `depth` and
    `frames`, come files for that. `motion`: the photo `source` becomes a clip, with its `depth` where it has one.
    context: what networks run with. Raises InvalidRequest, and what reading, the models and writing raise, each with a
    code.
    """
    jobs: dict[str, Capability] = {VIDEO_DEPTH: partial(_depth, context), STEREO: _stereo, MOTION: make_motion}
    does = jobs.get(task.kind)
    if does is None:
        raise InvalidRequest(f"the video depth service does no jobs of kind {task.kind!r}")
    return does(task, report)


def video_limits() -> VideoLimits:
    """What a video may be in this process."""
    settings = current_settings().video
    return VideoLimits(
        max_bytes=int(settings.max_megabytes * 1e6), max_pixels=int(settings.max_megapixels * 1e6),
        max_seconds=settings.max_seconds,
    )  # fmt: skip


def tries_devices(context: RunContext) -> bool:
    """Whether NVIDIA's decoder and encoders are tried in this process."""
    return current_settings().video.hardware == "auto" and not context.runs_on_cpu


def _depth(context: RunContext, task: Task, report: Report) -> list[Made]:
    params = _parsed(task, VideoDepthParams())
    outputs, codec = tuple(params.outputs) or DepthWish.outputs, params.codec or DepthWish.codec
    wish = DepthWish(outputs, _span(params.range), codec)
    with reporting_downloads(replace(context, accepted=params.accepted), report, 0, _DOWNLOADED) as told:
        estimator = estimator_for(params.model or "auto", told)
    every_s = current_settings().video.checkpoint_s
    earlier = Earlier(partial(keep, resumes=True), task.kept, every_s, estimator.through, begin_anew)
    source, limits = task.inputs["source"], video_limits()
    tried = tries_devices(context)
    made = depth_video(source, task.folder, wish, estimator, limits, report, earlier, on_device=tried)
    key = codec_key(made.model_key, wish.codec)
    if wish.span is not None:
        key = part_key(key, params.range.from_s, params.range.to_s or None)
    return [replace(made, model_key=key)]


def _stereo(task: Task, report: Report) -> list[Made]:
    params, source, limits = _parsed(task, StereoParams()), task.inputs["source"], video_limits()
    span = _span(params.range)
    given = {name: getattr(params, name) for name in ("baseline", "convergence", "comfort") if params.HasField(name)}
    wish = StereoWish(params.layout, label=params.label, **given)
    progress = told_by(report, "stereo", seconds_of(inspect(source, limits), span), 0, 1)
    files = stereo_video(source, task.inputs["depth"], task.inputs["frames"], task.folder, wish, span, limits, progress)
    return [Made(DEPTH_VIDEO, params.model_key or "-", files, extends=True)]


def _parsed(task: Task, params: P) -> P:
    try:
        return json_format.ParseDict(task.params, params, ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise InvalidRequest(f"the parameters are no {type(params).__name__}: {error}") from error


def _span(asked: Range) -> Span | None:
    if not (asked.from_s or asked.to_s):
        return None
    return asked.from_s, asked.to_s or None
