"""`immichvr scene`: several photos of one place become one cloud, in this process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from immichvr_ai.scene_points import scene_points
from immichvr_ai.scenes import SCENE_MODELS, make_scene
from immichvr_inference import Scene
from immichvr_inference.errors import ModelError
from immichvr_media import MediaError, Photo, decode_photo
from immichvr_models import DownloadError, registry
from immichvr_splats import LEAST_CONFIDENCE, Loss, SplatError, confident, write
from immichvr_splats.pointclouds import write_points

from immichvr_local.console import Steps
from immichvr_local.errors import CommandError, about
from immichvr_local.making import shown_context
from immichvr_local.targets import point_format, writable_format

MOST_PHOTOS = 64
STEPS = 3


@dataclass(frozen=True)
class MadeScene:
    """What was made. count: Gaussians, or points where the model makes none; notes: what was lost, in words."""

    path: Path
    model_key: str
    metric: bool
    gaussians: bool
    count: int
    size: int
    seconds: float
    notes: list[str]


def scene_from(photo_paths: Sequence[Path], target: Path, model: str, steps: Steps) -> MadeScene:
    """Sees the photos together and writes Gaussians, or coloured points, in the format of the target's extension.

    model: one of SCENE_MODELS. Raises CommandError.
    """
    started = time.perf_counter()
    if model not in SCENE_MODELS:
        raise CommandError(f"{model!r} does not see several photos together; these do: {', '.join(SCENE_MODELS)}")
    if len(photo_paths) > MOST_PHOTOS:
        raise CommandError(f"{len(photo_paths)} photos: at most {MOST_PHOTOS} are seen together")
    splat = "splat" in registry[model].makes
    format_key = writable_format(target) if splat else point_format(target, model)
    with steps.step("decoding the photos"):
        photos = [_decoded(path) for path in photo_paths]
    with steps.step("making the scene"), about(model, ModelError, DownloadError):
        scene = make_scene(photos, model, shown_context(steps), splat=splat)
    with steps.step(f"writing {target.name}"), about(target.name, SplatError, ValueError):
        count, losses = _written(photos, scene, target, format_key)
    return MadeScene(
        path=target,
        model_key=model,
        metric=scene.views[0].metric,
        gaussians=scene.cloud is not None,
        count=count,
        size=target.stat().st_size,
        seconds=time.perf_counter() - started,
        notes=[*(note for photo in photos for note in photo.notes), *(loss.message for loss in losses)],
    )


def _written(photos: Sequence[Photo], scene: Scene, target: Path, format_key: str) -> tuple[int, list[Loss]]:
    if scene.cloud is not None:
        return scene.cloud.count, write(scene.cloud, target, format_key)
    points = scene_points(photos, scene)
    points = confident(points, LEAST_CONFIDENCE["full"])
    return points.count, write_points(points, target, format_key)


def _decoded(path: Path) -> Photo:
    with about(path.name, MediaError):
        return decode_photo(path)
