"""`immichvr reconstruct`: photos or a video become a place in this process: no servers, no queue."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from immichvr_catalog import SCENE
from immichvr_common.errors import InvalidRequest
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelError
from immichvr_inpaint.context import process_context
from immichvr_inpaint.place_jobs import bounds
from immichvr_inpaint.places.files import CAMERAS
from immichvr_inpaint.places.making import make_place
from immichvr_inpaint.places.wishes import GIVEN, METHODS, PlaceWish, Sources
from immichvr_media import MediaError, can_decode
from immichvr_models import Cache, DownloadError, Progress
from immichvr_scenes import SceneError
from immichvr_scenes.datasets.writing import TRANSFORMS
from immichvr_scenes.training import Watch
from immichvr_splats import SplatError, convert
from immichvr_splats.pointclouds import read_points, write_points
from immichvr_video import VideoError

from immichvr_local.console import Steps
from immichvr_local.errors import CommandError, about
from immichvr_local.targets import cameras_beside, point_format, writable_format

STEPS = 2
_FILMS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")
_POINTS = "points"
_MAKING = "making the place"


@dataclass(frozen=True)
class MadePlace:
    """What was made. pictures: that it was made of; dropped: that were left out, and why. notes: in words."""

    path: Path
    pictures: int
    dropped: list[str]
    psnr: float
    size: int
    seconds: float
    notes: list[str]


def reconstruct_place(
    inputs: Sequence[Path], target: Path, method: str, quality: str, poses: str, steps: Steps, *, mask_moving: bool
) -> MadePlace:
    """Makes a place of photos, of one video, or of a live photo and its clip, in the format of the target's extension.

    A folder stands for the photos in it; one with transforms.json for those that it names, and their cameras, unless
    `poses` says how to find others. method: `gaussian-splatting` or `points`. Where each picture was taken from is
    written beside the target, for `fill_missing`. Raises CommandError.
    """
    started = time.perf_counter()
    given = _given(inputs, poses)
    sources = _sources(inputs) if given is None else Sources(transforms=given)
    if method not in METHODS or method == "cloud":
        raise CommandError(f"there is no method {method!r} here; there are: gaussian-splatting, points")
    format_key = point_format(target, "this method") if method == _POINTS else writable_format(target)
    errors = (SceneError, VideoError, MediaError, ModelError, DownloadError, InvalidRequest, SplatError)
    name = inputs[0].name
    with about(name, *errors), tempfile.TemporaryDirectory(prefix="immichvr-place-") as folder:
        wish = PlaceWish.of(method, quality, poses if given is None else GIVEN, mask_moving=mask_moving)

        def tell(fraction: float, stage: str, message: str) -> None:
            steps.within(_MAKING, fraction)

        with steps.step(_MAKING):
            made = make_place(
                sources, Path(folder), wish, Watch(tell), shown_context(steps), bounds=bounds(), name=name
            )
        with steps.step(f"writing {target.name}"):
            losses = _written(Path(folder), target, format_key, points=method == _POINTS)
            shutil.copyfile(Path(folder, CAMERAS), cameras_beside(target))
    scene: dict[str, Any] = made.details[SCENE]
    dropped = [f"{one['name']}: {one['reason']}" for one in scene["dropped"]]
    return MadePlace(
        target, scene["pictures"], dropped, float(scene["metrics"]["psnr"] or 0), target.stat().st_size,
        time.perf_counter() - started, [*made.losses, *losses],
    )  # fmt: skip


def shown_context(steps: Steps) -> RunContext:
    """What this process runs networks with; how far a model's download is shows within the present step."""

    def show(progress: Progress) -> None:
        steps.within(f"downloading {progress.model}", progress.fraction or 0.0)

    return RunContext(Cache.from_env(), process_context().runtime, on_download=show)


def _written(folder: Path, target: Path, format_key: str, *, points: bool) -> list[str]:
    if points:
        cloud = read_points(folder / "points.ply").cloud
        return [loss.message for loss in write_points(cloud, target, format_key)]
    return [loss.message for loss in convert(folder / "splat.spz", target, to=format_key).losses]


def _given(inputs: Sequence[Path], poses: str) -> Path | None:
    """The cameras that pictures in a folder have already, where those are wanted. Raises CommandError."""
    beside = inputs[0] / TRANSFORMS if len(inputs) == 1 else None
    if poses in ("auto", GIVEN) and beside is not None and beside.is_file():
        return beside
    if poses == GIVEN:
        raise CommandError(f"given poses are those of one folder with {TRANSFORMS} in it, as nerfstudio writes it")
    return None


def _sources(inputs: Sequence[Path]) -> Sources:
    """What the files are, by their names; of a folder its photos and videos. Raises CommandError."""
    files = [file for one in inputs for file in (_pictures_in(one) if one.is_dir() else [one])]
    missing = next((one for one in files if not one.is_file()), None)
    if missing is not None:
        raise CommandError(f"{missing}: there is no such file")
    films = [one for one in files if one.suffix.lower() in _FILMS]
    photos = [one for one in files if one not in films]
    if len(films) > 1 or (films and len(photos) > 1):
        raise CommandError("name photos, or one video, or one photo and its clip")
    if not files:
        raise CommandError("there are neither photos nor videos in this folder")
    return Sources(tuple(photos), films[0] if films else None)


def _pictures_in(folder: Path) -> list[Path]:
    """Photos and videos, by name, without what is hidden, lies deeper, or is kept beside them by other programs."""
    shown = (one for one in sorted(folder.iterdir()) if one.is_file() and not one.name.startswith("."))
    return [one for one in shown if can_decode(one.name) or one.suffix.lower() in _FILMS]
