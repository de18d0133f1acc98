"""A place whose cameras are found here, and whose Gaussians are trained elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from immichvr_inference.context import RunContext
from immichvr_scenes.datasets import write_dataset, zip_dataset
from immichvr_scenes.frames import Frames
from immichvr_scenes.poses import PoseOptions, Poses, estimate_poses
from immichvr_scenes.progress import Report, within
from immichvr_scenes.reconstruct import Metrics, Reconstruction
from immichvr_splats import SplatError, read
from immichvr_splats.pointclouds import PointCloud

from immichvr_inpaint.elsewhere.adapter import CloudFailed, CloudTrainer, RemoteState
from immichvr_inpaint.elsewhere.sent import OVER, Sent
from immichvr_inpaint.places.taking import Taken
from immichvr_inpaint.places.wishes import PlaceWish
from immichvr_inpaint.settings import CloudSettings

_POSED, _SENT, _MADE = 0.3, 0.4, 0.95


def train_elsewhere(
    trainer: CloudTrainer, settings: CloudSettings, sent_before: bytes | None, sent: Callable[[bytes], None],
    taken: Taken, scratch: Path, wish: PlaceWish, report: Report, context: RunContext,
) -> Reconstruction:  # fmt: skip
    """Sends pictures with their cameras, waits, and fetches what was made of them.

    sent_before: what an earlier try told `sent`: its job is not paid for twice, and the cameras are those it was sent.
    sent: told what to keep once there is a job, and once that has failed for good. Raises SceneError, CloudFailed, and
    what `report` raises.
    """
    began = time.perf_counter()
    frames, before = taken.frames, Sent.decode(sent_before)
    if before is not None and before.poses is not None and _is_of(before.poses, frames):
        poses = before.poses
    else:
        options = PoseOptions(method=wish.finding)
        poses = taken.poses or estimate_poses(frames, scratch, options, within(report, 0, _POSED), context)
    if poses.photo_only is not None:
        raise poses.photo_only
    job = before.job if before is not None and _is_wanted(trainer, before.job) else ""
    job = job or _send(trainer, poses, frames, scratch, wish)
    sent(Sent(job, poses).encode())
    report(_SENT, "elsewhere", f"sent {len(poses.views)} pictures")
    try:
        _wait(trainer, job, settings, within(report, _SENT, _MADE))
    except CloudFailed as error:
        if error.is_over:
            sent(OVER.encode())  # or the next try would ask about the same job for ever
        raise
    splat = scratch / "elsewhere"  # no extension: its first bytes tell the format
    trainer.download(job, splat)
    try:
        cloud = read(splat).cloud
    except SplatError as error:
        raise CloudFailed(f"what the service elsewhere made is no splat: {error}") from error
    metrics = Metrics(
        psnr=0, ssim=0, held_out=0, steps=0, gaussians=cloud.count, seconds=time.perf_counter() - began,
        registered=len(poses.views), reprojection_px=poses.reprojection_px,
    )  # fmt: skip
    points = PointCloud(cloud.means[:0], (cloud.means[:0] * 0).astype("uint8"))
    return Reconstruction(
        cloud=cloud, points=points, views=poses.views, dropped=poses.dropped, metrics=metrics, panorama=False,
        notes=poses.notes,
    )  # fmt: skip


def _is_of(poses: Poses, frames: Frames) -> bool:
    return {view.name for view in poses.views} <= {frame.name for frame in frames.frames}


def _is_wanted(trainer: CloudTrainer, job: str) -> bool:
    """Whether something may still come of a job; one that was cancelled is unknown there, or has failed."""
    try:
        return trainer.poll(job).state != "failed"
    except CloudFailed as error:
        if error.is_over:
            return False
        raise


def _send(trainer: CloudTrainer, poses: Poses, frames: Frames, scratch: Path, wish: PlaceWish) -> str:
    write_dataset(scratch / "sent", poses.pictures(frames.frames))
    zip_dataset(scratch / "sent", scratch / "sent.zip")
    return trainer.upload(scratch / "sent.zip", wish.quality)


def _wait(trainer: CloudTrainer, job: str, settings: CloudSettings, report: Report) -> RemoteState:
    ends = time.monotonic() + settings.longest_s
    while (state := trainer.poll(job)).state != "done":
        if state.state == "failed":
            why = state.message or "it does not say why"
            raise CloudFailed(f"the service elsewhere failed: {why}", is_over=True)
        if time.monotonic() > ends:
            left = _given_up(trainer, job)
            raise CloudFailed(
                f"the service elsewhere was not done within {settings.longest_s:.0f} s{left}", is_over=True
            )
        report(state.fraction, "elsewhere", state.message or state.state)
        time.sleep(settings.poll_s)
    return state


def _given_up(trainer: CloudTrainer, job: str) -> str:
    """Ends a job elsewhere that takes too long; what there is to tell of it where that fails."""
    try:
        trainer.cancel(job)
    except Exception as error:  # noqa: BLE001  # an adapter of another distribution; one of an earlier release has no cancel
        return f"; its job {job} may go on and has to be ended there: {error}"
    return ""
