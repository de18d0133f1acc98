"""`immichvr motion`: a photo becomes a clip in this process: no servers, no queue."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from immichvr_ai.depth import estimate_depth
from immichvr_ai.settings import current_settings
from immichvr_common.errors import InvalidRequest
from immichvr_depth import EMBEDDED, LiftError
from immichvr_inference.errors import ModelError
from immichvr_media import MediaError, decode_photo
from immichvr_models import DownloadError
from immichvr_video import VideoError
from immichvr_video_depth.motion.camera import Travel
from immichvr_video_depth.motion.clip import MotionClip, make_clip

from immichvr_local.console import Steps
from immichvr_local.errors import CommandError, about
from immichvr_local.making import shown_context

STEPS = 3
_FORMAT = ".mp4"


@dataclass(frozen=True)
class MadeMotion:
    """What was made. model_key: of the depth; reason: why it was that one; notes: what was lost, in words."""

    path: Path
    clip: MotionClip
    model_key: str
    reason: str
    size: int
    seconds: float
    notes: list[str]


def make_motion(
    photo_path: Path, target: Path, path: str, seconds: float, amplitude: float, model: str, steps: Steps
) -> MadeMotion:
    """Makes the motion clip of a photo, with the depth that a model gives it.

    target: an MP4, or a folder, which is made. path, seconds, amplitude: see Travel. model: of depth, or `auto`: what
    the photo carries, else the best one that can run. Raises CommandError.
    """
    started = time.perf_counter()
    with about("the clip", InvalidRequest):
        travel = Travel.of(path, seconds, amplitude)
    place = _place(photo_path, target, travel)
    with steps.step("decoding the photo"), about(photo_path.name, MediaError):
        photo = decode_photo(photo_path, current_settings().photo.limits)
    with steps.step("making depth"), about(photo_path.name, ModelError, DownloadError):
        depth = estimate_depth(photo, model, shown_context(steps))
    with steps.step("making the clip"), about(photo_path.name, LiftError, VideoError):
        place.parent.mkdir(exist_ok=True)
        focal_px = depth.focal_px or photo.focal.px
        clip = make_clip(
            photo.rgb, depth, focal_px, travel, place, lambda share: steps.within("making the clip", share)
        )
    return MadeMotion(
        path=place,
        clip=clip,
        model_key=depth.model_key,
        reason=depth.reason or _first_choice(depth.model_key, model),
        size=place.stat().st_size,
        seconds=time.perf_counter() - started,
        notes=list(photo.notes),
    )


def _place(photo: Path, target: Path, travel: Travel) -> Path:
    """Where the clip goes; in a folder it is called as its download is. Raises CommandError."""
    is_folder = target.is_dir() or not target.suffix
    if not is_folder and target.suffix.lower() != _FORMAT:
        raise CommandError(f"{target.name}: motion clips are {_FORMAT} files; or name a folder")
    place = target / f"{photo.stem}_{travel.path}{_FORMAT}" if is_folder else target
    within = target.absolute().parent
    if not within.is_dir():
        raise CommandError(f"{within}: there is no such directory")
    return place


def _first_choice(key: str, asked: str) -> str:
    if asked != "auto":
        return "it was asked for"
    return "the photo carries its depth" if key == EMBEDDED else "the best model that is here"
