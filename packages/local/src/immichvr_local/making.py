"""A splat from one photo in this process: no servers, no queue."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from immichvr_ai.depth import DEPTH_MODELS, estimate_depth
from immichvr_ai.depth_map import DepthMap
from immichvr_ai.errors import ModelError
from immichvr_ai.lift import LiftError, lift
from immichvr_media import MediaError, Photo, decode_photo
from immichvr_models import Cache, DownloadError, Progress
from immichvr_splats import SplatError, write

from immichvr_local.console import Steps
from immichvr_local.errors import CommandError, about
from immichvr_local.targets import writable_format

STEPS = 4
_LIFTED = "lift-"


@dataclass(frozen=True)
class MadeSplat:
    """What was made. reason: why this depth model ran; notes: what was repaired or lost, in words."""

    path: Path
    model_key: str
    reason: str
    metric: bool
    gaussians: int
    size: int
    seconds: float
    notes: list[str]


def make_splat(photo_path: Path, target: Path, model: str, max_gaussians: int, steps: Steps) -> MadeSplat:
    """Decodes a photo, estimates its depth, lifts it and writes the cloud in the format of the target's extension.

    model: a depth model, the key of its splats (`lift-da2-small`), or `auto`. Raises CommandError.
    """
    started = time.perf_counter()
    format_key = writable_format(target)
    depth_model = _depth_model(model)
    with steps.step("decoding the photo"), about(photo_path.name, MediaError):
        photo = decode_photo(photo_path)
    with steps.step("estimating depth"), about(photo_path.name, ModelError, DownloadError):
        depth = estimate_depth(photo, depth_model, cache=Cache.from_env(), progress=_download_shown(steps))
    with steps.step("lifting to Gaussians"), about(photo_path.name, LiftError):
        lifted = lift(photo.rgb, depth, photo.focal.px, max_gaussians)
    with steps.step(f"writing {target.name}"), about(target.name, SplatError):
        losses = write(lifted.cloud, target, format_key)
    return MadeSplat(
        path=target,
        model_key=depth.model_key,
        reason=depth.reason or _first_choice(photo, depth, model),
        metric=depth.metric,
        gaussians=lifted.cloud.count,
        size=target.stat().st_size,
        seconds=time.perf_counter() - started,
        notes=[*photo.notes, *(loss.message for loss in losses)],
    )


def _depth_model(model: str) -> str:
    key = model.removeprefix(_LIFTED)
    if key not in ("auto", *DEPTH_MODELS):
        raise CommandError(f"there is no model {model!r}; there are: auto, {', '.join(DEPTH_MODELS)}")
    return key


def _first_choice(photo: Photo, depth: DepthMap, asked: str) -> str:
    if asked != "auto":
        return "it was asked for"
    return "the photo carries its depth" if photo.depth is not None else "the best model that is here"


def _download_shown(steps: Steps) -> Callable[[Progress], None]:
    def show(progress: Progress) -> None:
        steps.within(f"downloading {progress.model}", progress.fraction or 0.0)

    return show
