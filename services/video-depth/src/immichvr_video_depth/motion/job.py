"""The job `motion`: a photo becomes a clip."""

from __future__ import annotations

import time
from pathlib import Path

from google.protobuf import json_format
from immichvr.videodepth.v1.videodepth_pb2 import MotionParams
from immichvr_catalog import MOTION
from immichvr_common.tasks import Made, MadeFile, Report, Task
from immichvr_depth import DepthMap
from immichvr_media import decode_photo

from immichvr_video_depth.motion.camera import Travel
from immichvr_video_depth.motion.clip import MotionClip, make_clip
from immichvr_video_depth.motion.depths import depth_of
from immichvr_video_depth.settings import current_settings

CLIP = "motion.mp4"


def make_motion(task: Task, report: Report) -> list[Made]:
    """A clip of the photo `source`, with the `depth.png` that is `depth` where there is one.

    Raises InvalidRequest, and what decoding and lifting raise, each with a code.
    """
    params = json_format.ParseDict(task.params, MotionParams(), ignore_unknown_fields=True)
    usual = Travel()
    travel = Travel.of(params.path or usual.path, params.seconds or usual.seconds, params.amplitude or usual.amplitude)
    began = time.perf_counter()
    photo = decode_photo(task.inputs["source"], current_settings().photo.limits)
    report(0.05, "decoded", f"{photo.width}×{photo.height} pixels")
    depth = depth_of(photo, task.inputs.get("depth"), params.depth_key)
    timings = {"decoded": round(time.perf_counter() - began, 4)}
    report(0.1, "inferred", f"depth by {depth.model_key}")
    began = time.perf_counter()

    def tell(done: float) -> None:
        report(0.1 + 0.85 * done, "rendered", f"{done:.0%} of the clip")

    focal_px = depth.focal_px or photo.focal.px
    clip = make_clip(photo.rgb, depth, focal_px, travel, task.folder / CLIP, tell)
    timings["rendered"] = round(time.perf_counter() - began, 4)
    return [_made(travel, clip, depth, list(photo.notes), timings, task.folder / CLIP)]


def _made(
    travel: Travel, clip: MotionClip, depth: DepthMap, losses: list[str], timings: dict[str, float], path: Path
) -> Made:
    return Made(
        kind=MOTION,
        model_key=travel.path,
        reason=depth.reason,
        files=[MadeFile(path.name, MOTION, "mp4", "video/mp4")],
        losses=losses,
        details={
            "motion": {
                "path": travel.path,
                "seconds": clip.seconds,
                "amplitude": travel.amplitude,
                "width": clip.width,
                "height": clip.height,
                "pictures": clip.pictures,
                "depth_model": depth.model_key,
                "depth_revision": depth.revision,
            }
        },
        timings=timings,
    )
