"""`immichvr inpaint`: what is missing in a splat is filled in this process: no servers, no queue."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from immichvr_common.errors import InvalidRequest
from immichvr_inference.errors import ModelError
from immichvr_inpaint.places.completing import complete_splat
from immichvr_inpaint.places.files import CAMERAS
from immichvr_inpaint.places.wishes import one_of
from immichvr_models import DownloadError
from immichvr_scenes import SceneError
from immichvr_scenes.completion import METHODS, CompletionOptions, CompletionProgress
from immichvr_splats import SplatError, convert

from immichvr_local.console import Steps
from immichvr_local.errors import CommandError, about
from immichvr_local.reconstruct_command import shown_context
from immichvr_local.targets import cameras_beside, writable_format

STEPS = 2
_FILLING = "filling what is missing"


@dataclass(frozen=True)
class Filled:
    """What was made. method: that filled; reason: why it was that one. new: Gaussians that were added."""

    path: Path
    method: str
    reason: str
    new: int
    size: int
    seconds: float
    notes: list[str]


def fill_missing(
    splat: Path, target: Path, method: str, iterations: int, dataset_update: int, cameras: Path | None, steps: Steps
) -> Filled:
    """Fills a splat, and writes it in the format of the target's extension.

    cameras: the cameras.json of the scene that it is; None for the one beside it, and where there is none it is seen
    from the camera that its file tells. method: `auto` or one of METHODS. Raises CommandError.
    """
    started = time.perf_counter()
    if not splat.is_file():
        raise CommandError(f"{splat}: there is no such file")
    format_key = writable_format(target)
    if target.resolve() == splat.resolve():
        raise CommandError(f"{splat}: would be replaced by what is made of it; write to another file")
    beside = cameras_beside(splat)
    cameras = beside if cameras is None and beside.is_file() else cameras
    errors = (SceneError, SplatError, ModelError, DownloadError, InvalidRequest, ValueError)
    with about(splat.name, *errors), tempfile.TemporaryDirectory(prefix="immichvr-inpaint-") as folder:
        options = CompletionOptions(
            method=one_of("method", ("auto", *METHODS), method), iterations=iterations, dataset_update=dataset_update
        )

        def tell(progress: CompletionProgress) -> None:
            steps.within(_FILLING, progress.fraction)

        with steps.step(_FILLING):
            made = complete_splat(splat, cameras, Path(folder), options, splat.stem, tell, shown_context(steps))
        with steps.step(f"writing {target.name}"):
            losses = [loss.message for loss in convert(Path(folder, "splat.spz"), target, to=format_key).losses]
            shutil.copyfile(Path(folder, CAMERAS), cameras_beside(target))
    told = made.details["inpainted"]
    return Filled(
        target, told["method"], made.reason, told["new"], target.stat().st_size, time.perf_counter() - started,
        [*made.losses, *losses],
    )  # fmt: skip
