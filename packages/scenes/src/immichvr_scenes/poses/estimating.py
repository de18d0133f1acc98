"""From frames to poses: what they have in common, whether the camera moved at all, then how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable
from immichvr_splats.threads import workers

from immichvr_scenes.cameras import View
from immichvr_scenes.errors import NoOverlap, NothingMoved, OnlyTurned, SceneError, TooFewPictures
from immichvr_scenes.frames import Dropped, Frame, Frames
from immichvr_scenes.poses.colmap import by_colmap, dropped, split_note
from immichvr_scenes.poses.da3 import by_network, network_here
from immichvr_scenes.poses.gate import PARALLAX, gate
from immichvr_scenes.poses.matching import Matched, largest_part, matched
from immichvr_scenes.poses.result import Poses
from immichvr_scenes.progress import Report, silent, within

Method = Literal["auto", "colmap", "da3"]


@dataclass(frozen=True)
class PoseOptions:
    """How poses are found. method: "auto" takes Depth Anything 3 where its weights are. threads: None: every core,
    eight at most."""

    method: Method = "auto"
    threads: int | None = None


USUAL = PoseOptions()


def estimate_poses(
    frames: Frames,
    folder: Path,
    options: PoseOptions = USUAL,
    report: Report = silent,
    context: RunContext | None = None,
) -> Poses:
    """Where the frames were taken. folder: for what is kept meanwhile. context: networks, for Depth Anything 3.

    Frames from one spot, and a frame alone, come back as one photo (`Poses.photo_only`). Raises NothingToRecognise,
    NoOverlap, and for the method "da3" what a network raises.
    """
    if len(frames.frames) == 1:
        return _photo(frames.frames, TooFewPictures(
            "one picture alone can be used, of which no place can be made: take more, from different spots"
        ))  # fmt: skip
    threads = options.threads or workers()
    common = matched(frames.frames, frames.ordered, folder, threads, within(report, 0, 0.6))
    seen = gate(common)
    if seen.movement == "stands":
        return _photo(
            common.frames, NothingMoved("all pictures are the same: take them from different spots, a step apart")
        )
    if seen.movement == "turns":
        return _photo(common.frames, _only_turned())
    key = "" if options.method == "colmap" else network_here(context)
    if key and context is not None:
        return _by_network(common, key, context, within(report, 0.6, 1))
    if options.method == "da3":
        raise ModelUnavailable("da3-base", "not_downloaded", "no network that sees many views is here")
    try:
        return by_colmap(common, seen.degrees, folder, threads, within(report, 0.6, 1))
    except NoOverlap:
        if seen.parallax >= PARALLAX:
            raise
        # So little movement may be none after all.
        return _photo(common.frames, _only_turned())


def _only_turned() -> OnlyTurned:
    return OnlyTurned(
        "the camera turned in one spot, so that nothing tells how far things are: take pictures from different spots, "
        "a step apart"
    )


def _by_network(common: Matched, key: str, context: RunContext, report: Report) -> Poses:
    """A network places whatever it is given: what has nothing in common with the rest is not given to it."""
    part, parts = largest_part(common)
    poses = by_network([common.frames[number] for number in part], key, context, report)
    names = {common.frames[number].name for number in part}
    others = {common.frames[number].name for one in parts if len(one) > 1 for number in one} - names
    notes = (split_note(len(part), len(common.frames), len([one for one in parts if len(one) > 1])),) if others else ()
    return replace(poses, dropped=dropped(common, names, others), notes=notes)


def _photo(frames: Sequence[Frame], why: SceneError) -> Poses:
    best = max(frames, key=lambda frame: (frame.sharpness, frame.width * frame.height))
    others = [Dropped(frame.source or frame.name, why.code, str(why)) for frame in frames if frame is not best]
    return Poses((_at_origin(best),), tuple(others), method="photo", photo_only=why)


def _at_origin(frame: Frame) -> View:
    return View.looking(frame.name, frame.camera, (0, 0, 0), (0, 0, 1))
