"""From frames to a cloud: where they were taken, points of what they show, training."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from immichvr_inference.context import RunContext
from immichvr_splats import SH_C0, GaussianCloud
from immichvr_splats.pointclouds import PointCloud
from immichvr_splats.turning import moved

from immichvr_scenes.cameras import View
from immichvr_scenes.frames import Dropped, Frames
from immichvr_scenes.ground import Ground
from immichvr_scenes.moving import mask_moving
from immichvr_scenes.pictures import Picture
from immichvr_scenes.points import dense_depth
from immichvr_scenes.points.making import agreed
from immichvr_scenes.poses import PoseOptions, Poses, estimate_poses
from immichvr_scenes.poses.estimating import Method
from immichvr_scenes.progress import Report, within
from immichvr_scenes.single import alone, score_of
from immichvr_scenes.training import UNWATCHED, InvalidCheckpoint, Quality, TrainingOptions, Watch, options_for, train
from immichvr_scenes.training.checkpoints import Checkpoint
from immichvr_scenes.training.evaluation import evaluate
from immichvr_scenes.training.feed import shrunk
from immichvr_scenes.training.trainer import Trained, split

_POSED, _GROUNDED, _TRAINED = 0.25, 0.4, 0.98
"""Of the whole work, what is done when the poses, and when the points are known, and when training is over."""
_FEW = 4
"""Pictures that tell whether a place is better than one photo, where none was held out."""
_DEEP, _MASKED = 0.7, 0.85
"""Of the points' part, what is done when depth is known, and when it is known what moved."""


@dataclass(frozen=True)
class ReconstructOptions:
    """How a place is made. training: None: by the quality and the device. mask_moving: people who pass are left out."""

    method: Literal["gaussian_splatting", "points"] = "gaussian_splatting"
    quality: Quality = "normal"
    poses: Method = "auto"
    mask_moving: bool = True
    device: Literal["cpu", "cuda"] = "cpu"
    training: TrainingOptions | None = None


USUAL = ReconstructOptions()


@dataclass(frozen=True)
class Metrics:
    """psnr, ssim: of `held_out` pictures that were not trained on; 0 where there is none.

    reprojection_px: of the poses. photo_psnr: of the pictures that the place was judged by, what the splat of one photo
    shows of them; None where it was not tried. They are those held out, or where there is none, some that were trained
    on.
    """

    psnr: float = 0.0
    ssim: float = 0.0
    held_out: int = 0
    steps: int = 0
    gaussians: int = 0
    seconds: float = 0.0
    registered: int = 0
    reprojection_px: float | None = None
    photo_psnr: float | None = None


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """A place.

    cloud: with the camera of the middle picture; None where points were asked for. views: where the pictures were
    taken, as they were put right. panorama: there is no place, as the camera only turned or stood: the cloud is one
    photo's. notes: sentences about what went otherwise than asked for.
    """

    cloud: GaussianCloud | None
    points: PointCloud
    views: tuple[View, ...]
    dropped: tuple[Dropped, ...]
    metrics: Metrics
    panorama: bool = False
    notes: tuple[str, ...] = ()


def reconstruct(
    source: Frames | Sequence[Picture],
    folder: Path,
    options: ReconstructOptions = USUAL,
    watch: Watch = UNWATCHED,
    context: RunContext | None = None,
    resume: bytes | None = None,
) -> Reconstruction:
    """Make a place of frames, or of pictures whose cameras are known.

    folder: for what is kept meanwhile. context: networks for depth and poses; None: without. resume: what
    `watch.checkpoint` was given by a run that ended too early; one of other work is not used, and the notes say so.
    Raises SceneError, ModelError, what reading a picture raises, and what `watch` raises, which so ends the work.
    """
    began = time.monotonic()
    plain = _plain(source)
    work = _work_of(plain, options)
    notes: tuple[str, ...] = ()
    ground, training = None, None
    if resume is not None:
        try:
            ground, training = Ground.kept_in(resume, work)
        except InvalidCheckpoint as error:
            notes = (f"the work began anew: {error}",)
    if ground is None:
        found = _ground(source, plain, folder, options, watch, context)
        if isinstance(found, Reconstruction):
            return replace(found, notes=(*notes, *found.notes))
        ground = found
    metrics = Metrics(registered=len(ground.views), reprojection_px=ground.reprojection_px)
    if options.method == "points":
        metrics = replace(metrics, seconds=time.monotonic() - began)
        return Reconstruction(None, ground.points, ground.views, ground.dropped, metrics, notes=(*notes, *ground.notes))
    made = _trained(ground, plain, options, watch, work, training)
    place = Reconstruction(
        made.cloud,
        ground.points,
        made.views,
        ground.dropped,
        replace(
            metrics,
            psnr=made.held_out.psnr,
            ssim=made.held_out.ssim,
            held_out=made.held_out.views,
            steps=made.steps,
            gaussians=made.cloud.count,
        ),
        notes=(*notes, *ground.notes, *made.notes),
    )
    report = watch.within(_TRAINED, 1).report
    place = _no_worse_than_a_photo(place, source, ground.pictures(plain), options, report, context)
    return replace(place, metrics=replace(place.metrics, seconds=time.monotonic() - began))


def _plain(source: Frames | Sequence[Picture]) -> list[Picture]:
    """The pictures by name, wherever they were taken."""
    if not isinstance(source, Frames):
        return list(source)
    return [frame.picture(View(frame.name, frame.camera, np.eye(4))) for frame in source.frames]


def _ground(
    source: Frames | Sequence[Picture],
    plain: Sequence[Picture],
    folder: Path,
    options: ReconstructOptions,
    watch: Watch,
    context: RunContext | None,
) -> Ground | Reconstruction:
    """What training stands on; a place that is one photo, where there is nothing to train on."""
    poses, pictures = Poses(tuple(picture.view for picture in plain), method="imported"), list(plain)
    if isinstance(source, Frames):
        poses = estimate_poses(
            source, folder / "poses", PoseOptions(options.poses), watch.within(0, _POSED).report, context
        )
        pictures = poses.pictures(source.frames)
        if poses.photo_only is not None:
            if options.method == "points":
                raise poses.photo_only
            notes = (*poses.notes, str(poses.photo_only))
            report = watch.within(_POSED, 1).report
            return _photo(pictures[0], poses.dropped, notes, _carried(source, pictures[0]), report, context)
    report = watch.within(_POSED, _GROUNDED).report
    deep = dense_depth(pictures, poses.points, folder / "depth", report=within(report, 0, _DEEP), context=context)
    if options.mask_moving:
        # Before there are points: whoever walks through is to be none of them.
        deep = mask_moving(deep, folder / "moving", report=within(report, _DEEP, _MASKED))
    points = agreed(deep, report=within(report, _MASKED, 1))
    longest = _training(options).longest
    return Ground.of(deep, points.cloud, poses.dropped, poses.notes, poses.reprojection_px, longest)


def _training(options: ReconstructOptions) -> TrainingOptions:
    return options.training or options_for(options.quality, options.device)


def _trained(
    ground: Ground,
    plain: Sequence[Picture],
    options: ReconstructOptions,
    watch: Watch,
    work: str,
    training: Checkpoint | None,
) -> Trained:
    if watch.checkpoint is not None:
        watch = replace(watch, packed=lambda state: ground.with_training(work, state))
    pictures, wanted = ground.pictures(plain), _training(options)
    return train(pictures, ground.points, wanted, watch.within(_GROUNDED, _TRAINED), training, options.device)


def _no_worse_than_a_photo(
    place: Reconstruction,
    source: Frames | Sequence[Picture],
    pictures: Sequence[Picture],
    options: ReconstructOptions,
    report: Report,
    context: RunContext | None,
) -> Reconstruction:
    """The place, or the splat of its middle photo where that shows the pictures that were held out better.

    Of so few pictures that none is held out, those beside the middle one tell, though the place has seen them.
    """
    wanted = _training(options)
    trained, held_out = split(len(pictures), wanted.held_out)
    at = trained[len(trained) // 2]
    judged = [pictures[one] for one in held_out or _others(trained, at)]
    if not judged or place.cloud is None:
        report(1, "training", "done")
        return place
    report(0, "training", "what one photo alone would show")
    middle, seen = pictures[at], place.metrics.psnr
    if not held_out:
        stands = {view.name: shrunk(view, wanted.longest) for view in place.views}
        seen = evaluate(place.cloud, judged, [stands[picture.name] for picture in judged]).psnr
    lone = alone(middle, context, middle.read_depth(), _carried(source, middle))
    photo, told = lone.cloud, within(report, 0.5, 1)
    score = score_of(photo, middle.view, judged, wanted.longest, told)
    place = replace(place, metrics=replace(place.metrics, photo_psnr=score.psnr))
    if score.psnr <= seen:
        return place
    metrics = replace(place.metrics, psnr=score.psnr, ssim=score.ssim, gaussians=photo.count)
    note = "one photo alone shows the place better than all of them together, so this is that photo's splat"
    # In the world of the place, which is upright: a photo's own axes lie as its camera was held.
    cloud = replace(moved(photo, middle.view.camera_to_world), camera=middle.view.for_splats)
    notes = (*place.notes, note, *lone.notes(context))
    return replace(place, cloud=cloud, metrics=metrics, notes=notes)


def _others(trained: Sequence[int], middle: int) -> list[int]:
    """A few of those that were trained on, evenly, but for the middle one."""
    rest = [one for one in trained if one != middle]
    return rest[:: max(1, len(rest) // _FEW)][:_FEW]


def _carried(source: Frames | Sequence[Picture], picture: Picture) -> npt.NDArray[np.float32] | None:
    """The depth that a photo came with."""
    frames = source.frames if isinstance(source, Frames) else ()
    return next((frame.read_carried() for frame in frames if frame.name == picture.name), None)


def _photo(
    picture: Picture,
    dropped: tuple[Dropped, ...],
    notes: tuple[str, ...],
    carried: npt.NDArray[np.float32] | None,
    report: Report,
    context: RunContext | None,
) -> Reconstruction:
    report(0, "points", "one photo becomes 3D")
    lone = alone(picture, context, carried=carried)
    cloud, notes = lone.cloud, (*notes, *lone.notes(context))
    colours = np.clip(np.rint((0.5 + SH_C0 * cloud.sh[:, 0]) * 255), 0, 255).astype(np.uint8)
    report(1, "points", "one photo becomes 3D")
    metrics = Metrics(gaussians=cloud.count, registered=1)
    return Reconstruction(
        cloud, PointCloud(cloud.means, colours), (picture.view,), dropped, metrics, panorama=True, notes=notes
    )


def _work_of(pictures: Sequence[Picture], options: ReconstructOptions) -> str:
    """The same for pictures of the same names and sizes, and the same options."""
    told = [asdict(options), [[one.name, asdict(one.view.camera)] for one in pictures]]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
