"""A splat from one photo in this process: no servers, no queue."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from immichvr_ai.context import process_context
from immichvr_ai.settings import current_settings
from immichvr_ai.splats import SPLAT_MODELS, Splat
from immichvr_ai.splats import make_splat as make
from immichvr_depth import LiftError
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelError
from immichvr_media import MediaError, Photo, decode_photo
from immichvr_models import LIFT, Cache, DownloadError, Progress
from immichvr_splats import SplatError, write

from immichvr_local.console import Steps
from immichvr_local.errors import CommandError, about
from immichvr_local.targets import writable_format

STEPS = 3


@dataclass(frozen=True)
class MadeSplat:
    """What was made.

    model_key: of the network that made the Gaussians or, where `lifted`, the depth that they were lifted from.
    reason: why this model ran; notes: what was repaired or lost, in words.
    """

    path: Path
    model_key: str
    lifted: bool
    reason: str
    metric: bool
    gaussians: int
    size: int
    seconds: float
    notes: list[str]


def make_splat(photo_path: Path, target: Path, model: str, max_gaussians: int | None, steps: Steps) -> MadeSplat:
    """Decodes a photo, makes Gaussians of it and writes the cloud in the format of the target's extension.

    model: a splat model (`sharp`, `lift-da2-small`), a depth model to lift (`da2-small`), or `auto`. max_gaussians:
    at most so many; by default as many as the model makes. Raises CommandError.
    """
    started = time.perf_counter()
    format_key = writable_format(target)
    splat_model = _splat_model(model)
    with steps.step("decoding the photo"), about(photo_path.name, MediaError):
        photo = decode_photo(photo_path, current_settings().photo.limits)
    with steps.step("making Gaussians"), about(photo_path.name, ModelError, DownloadError, LiftError):
        splat = make(
            photo,
            splat_model,
            shown_context(steps),
            max_gaussians=max_gaussians,
        )
    with steps.step(f"writing {target.name}"), about(target.name, SplatError):
        losses = write(splat.cloud, target, format_key)
    return MadeSplat(
        path=target,
        model_key=splat.model_key.removeprefix(LIFT),
        lifted=splat.lifted is not None,
        reason=splat.reason or _first_choice(photo, splat, model),
        metric=splat.metric,
        gaussians=splat.cloud.count,
        size=target.stat().st_size,
        seconds=time.perf_counter() - started,
        notes=[*photo.notes, *(loss.message for loss in losses)],
    )


def _splat_model(model: str) -> str:
    for key in (model, f"{LIFT}{model}"):
        if key in ("auto", *SPLAT_MODELS):
            return key
    raise CommandError(f"there is no model {model!r}; there are: auto, {', '.join(SPLAT_MODELS)}")


def _first_choice(photo: Photo, splat: Splat, asked: str) -> str:
    if asked != "auto":
        return "it was asked for"
    carried = photo.depth is not None and splat.lifted is not None
    return "the photo carries its depth" if carried else "the best model that is here"


def shown_context(steps: Steps) -> RunContext:
    """What this process runs networks with; how far a model's download is shows within the present step."""

    def show(progress: Progress) -> None:
        steps.within(f"downloading {progress.model}", progress.fraction or 0.0)

    return RunContext(Cache.from_env(), process_context().runtime, on_download=show)
