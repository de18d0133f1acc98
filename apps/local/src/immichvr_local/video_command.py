"""`immichvr video`: depth of a video, or stereo made of it, in this process: no servers, no queue."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from immichvr_common.errors import InvalidRequest
from immichvr_common.tasks import Made, MadeFile
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelError
from immichvr_models import Cache, DownloadError, Progress
from immichvr_video import Span, VideoError
from immichvr_video_depth.context import process_context
from immichvr_video_depth.estimators import VIDEO_MODELS, estimator_for
from immichvr_video_depth.making import CODECS, DepthWish, depth_video
from immichvr_video_depth.outputs import WANTED_BY_VIEWER
from immichvr_video_depth.stereo import LAYOUTS
from immichvr_video_depth.video_jobs import tries_devices, video_limits

from immichvr_local.console import Steps
from immichvr_local.errors import CommandError, about

STEPS = 2
SHORT = {"sbs": "full-sbs"}
"""Outputs that have another name too."""
OUTPUTS = (*WANTED_BY_VIEWER, *SHORT, *LAYOUTS)
_STEREO = "stereo"


@dataclass(frozen=True)
class MadeVideo:
    """What was made. reason: why this model ran; notes: what was lost, in words."""

    paths: list[Path]
    model_key: str
    reason: str
    frames: int
    seconds: float
    notes: list[str]


def make_video(
    clip: Path, target: Path, outputs: Sequence[str], model: str, span: Span | None, codec: str, steps: Steps
) -> MadeVideo:
    """Makes the outputs of a clip. target: a file, where one is asked for; else a folder. Raises CommandError."""
    started = time.perf_counter()
    wish = _wish(outputs, span, codec)
    if model not in VIDEO_MODELS:
        raise CommandError(f"there is no model {model!r}; there are: {', '.join(VIDEO_MODELS)}")
    is_file = target.suffix != "" and not target.is_dir()
    if is_file and len(wish.outputs) > 1:
        raise CommandError(f"{target.name} is one file, and {len(wish.outputs)} outputs are asked for: name a folder")
    folder = target.absolute().parent if is_file else target
    if not folder.absolute().parent.is_dir():
        raise CommandError(f"{folder.parent}: there is no such directory")
    errors = (VideoError, ModelError, DownloadError, InvalidRequest)
    with about(clip.name, *errors):
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".immichvr-", dir=folder) as work:
            with steps.step("looking for the model"):
                context = _shown_context(steps)
                estimator = estimator_for(model, context)
            with steps.step("making depth"):
                made = depth_video(
                    clip, Path(work), wish, estimator, video_limits(),
                    lambda share, stage, message: steps.within(f"making {_what(stage)}", share),
                    on_device=tries_devices(context),
                )  # fmt: skip
            paths = [_put(Path(work, file.name), _place(file, clip, target, is_file)) for file in made.files]
    frames = int(made.details["video"]["frames"])
    return MadeVideo(paths, made.model_key, _reason(made, model), frames, time.perf_counter() - started, made.losses)


def _wish(outputs: Sequence[str], span: Span | None, codec: str) -> DepthWish:
    strange = next((one for one in outputs if one not in OUTPUTS), None)
    if strange is not None:
        raise CommandError(f"there is no output {strange!r}; there are: {', '.join(OUTPUTS)}")
    found = next((one for one in CODECS if one == codec), None)
    if found is None:
        raise CommandError(f"there is no codec {codec!r}; there are: {', '.join(CODECS)}")
    return DepthWish(tuple(dict.fromkeys(SHORT.get(one, one) for one in outputs)), span, found)


def _place(file: MadeFile, clip: Path, target: Path, is_file: bool) -> Path:
    """Where a file goes: players tell the layout of stereo by how the name ends."""
    if is_file:
        return target.with_suffix(f".{file.format}")
    name = file.name.removeprefix(_STEREO) if file.role == _STEREO else f"_{file.name}"
    return target / f"{clip.stem}{name}"


def _put(made: Path, place: Path) -> Path:
    made.replace(place)
    return place


def _what(stage: str) -> str:
    return _STEREO if stage == _STEREO else "depth"


def _reason(made: Made, asked: str) -> str:
    return made.reason or ("the best model that is here" if asked == "auto" else "it was asked for")


def _shown_context(steps: Steps) -> RunContext:
    """What this process runs networks with; how far a model's download is shows within the present step."""

    def show(progress: Progress) -> None:
        steps.within(f"downloading {progress.model}", progress.fraction or 0.0)

    return RunContext(Cache.from_env(), process_context().runtime, on_download=show)
