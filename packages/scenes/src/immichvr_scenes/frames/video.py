"""Frames of a video: it is read once to see where it moves and is sharp, and once more for those that are taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from immichvr_video import Frame as VideoFrame
from immichvr_video import VideoLimits, VideoReader, shots

from immichvr_scenes.errors import TooFewPictures
from immichvr_scenes.frames.choice import Seen, chosen
from immichvr_scenes.frames.frame import USUAL, Frame, FrameOptions, Frames, checked, kept, left_out, reduced
from immichvr_scenes.frames.motion import MotionMeter
from immichvr_scenes.frames.sharpness import blur, grey_of, sharpness
from immichvr_scenes.progress import Report, silent

_ACROSS = 480
"""Pixels of the longer side at which movement is followed."""
_GUESSED_FOCAL = 0.85
"""Of the longer side: what phones film with, about 28 mm and a margin for stabilisation."""
_SHARE_OF_LOOKING = 0.6

_LIMITS = VideoLimits(max_seconds=900, max_frames=60_000)


def frames_of_video(
    video: Path,
    folder: Path,
    options: FrameOptions = USUAL,
    report: Report = silent,
    *,
    focal: float | None = None,
    limits: VideoLimits = _LIMITS,
) -> Frames:
    """At most `options.most` frames in `folder`, evenly along the camera's way; never more than one in memory.

    focal: as a share of the longer side, where somebody knows about it. Raises VideoError, AllBlurred,
    NothingToRecognise, TooFewPictures.
    """
    found = taken_of_video(video, folder, options, report, focal=focal, limits=limits)
    if not found.dropped and len(found.frames) == 1:
        raise TooFewPictures("the video has one frame; a place wants two at least, from different spots")
    return replace(found, frames=checked(found.frames, found.dropped))


def taken_of_video(
    video: Path,
    folder: Path,
    options: FrameOptions,
    report: Report,
    *,
    focal: float | None = None,
    limits: VideoLimits = _LIMITS,
) -> Frames:
    """As `frames_of_video`, however few they are. Raises VideoError."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = chosen(list(_looked_at(video, limits, report)), options.most)
    judged = [(one, left_out(f"frame {one.index}", one.blur, options)) for one in taken]
    dropped = tuple(useless for _, useless in judged if useless is not None)
    sharp = {one.index: one for one, useless in judged if useless is None}
    frames = tuple(_written(video, sharp, folder, options, focal, limits, report)) if sharp else ()
    return Frames(frames, dropped, ordered=True)


def _looked_at(video: Path, limits: VideoLimits, report: Report) -> Iterator[Seen]:
    """What is to be remembered of every frame."""
    meter, current = MotionMeter(), 0
    with VideoReader(video, limits) as reader:
        count = reader.facts.frames or 0
        for number, (frame, shot) in enumerate(shots(reader)):
            if shot != current:
                meter.begin()
                current = shot
            grey = grey_of(frame.rgb, _ACROSS)
            if number % 10 == 0:
                done = min(1.0, number / count) if count else 0.5
                report(_SHARE_OF_LOOKING * done, "frames", f"frame {number} of {count}" if count else f"frame {number}")
            yield Seen(frame.index, shot, meter.push(grey), blur(grey))


def _written(
    video: Path,
    wanted: dict[int, Seen],
    folder: Path,
    options: FrameOptions,
    focal: float | None,
    limits: VideoLimits,
    report: Report,
) -> Iterator[Frame]:
    left = set(wanted)
    with VideoReader(video, limits) as reader:
        for frame in reader:
            if frame.index not in left:
                continue
            yield _frame(frame, wanted[frame.index], folder, options, focal)
            left.discard(frame.index)
            done = 1 - len(left) / len(wanted)
            report(_SHARE_OF_LOOKING + (1 - _SHARE_OF_LOOKING) * done, "frames", f"{len(left)} frames to take")
            if not left:
                return


def _frame(frame: VideoFrame, seen: Seen, folder: Path, options: FrameOptions, focal: float | None) -> Frame:
    small, name = reduced(frame.rgb, options.longest_side), f"v{seen.index:06}"
    height, width = small.shape[:2]
    return Frame(
        name,
        kept(small, folder, name),
        width,
        height,
        (focal or _GUESSED_FOCAL) * max(width, height),
        focal is not None,
        shot=seen.shot,
        time=float(frame.time),
        sharpness=sharpness(seen.blur),
        source=f"{float(frame.time):.2f} s",
    )
