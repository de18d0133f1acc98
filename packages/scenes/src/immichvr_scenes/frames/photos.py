"""Frames of photos: a set as it is given, or a Live Photo's still and its film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from immichvr_depth.embedded import embedded_depth
from immichvr_media import DecodeLimits, MediaError, Photo, decode_photo
from immichvr_video import VideoError

from immichvr_scenes.arrays import write_array
from immichvr_scenes.errors import TooManyPictures
from immichvr_scenes.frames.frame import USUAL, Dropped, Frame, FrameOptions, Frames, checked, kept, left_out, reduced
from immichvr_scenes.frames.sharpness import blur, sharpness
from immichvr_scenes.frames.video import taken_of_video
from immichvr_scenes.progress import Report, silent, within

_LIMITS = DecodeLimits()
_SAME_LENS = 0.02
"""Focal lengths that differ by a smaller share are one."""


def frames_of_photos(
    photos: Sequence[Path],
    folder: Path,
    options: FrameOptions = USUAL,
    report: Report = silent,
    *,
    ordered: bool = False,
) -> Frames:
    """Each photo as a frame in `folder`, one at a time, in their order; what is damaged or blurred is left out.

    ordered: each was taken soon after the one before it, as in a burst. Photos of one size and focal length are taken
    to be of one camera. Raises TooFewPictures, TooManyPictures, AllBlurred, NothingToRecognise.
    """
    if len(photos) > options.most_photos:
        raise TooManyPictures(
            f"{len(photos)} photos were chosen; a place is made of {options.most_photos} at most: choose those that "
            "show it from the most spots, or take a video"
        )
    frames: list[Frame] = []
    dropped: list[Dropped] = []
    folder.mkdir(parents=True, exist_ok=True)
    for index, photo in enumerate(photos):
        report(index / len(photos), "frames", f"photo {index + 1} of {len(photos)}")
        taken = _frame(photo, f"{index:04}", folder, options)
        if isinstance(taken, Frame):
            frames.append(replace(taken, group=_group(taken, frames)))
        else:
            dropped.append(taken)
    return Frames(checked(frames, dropped), tuple(dropped), ordered)


def frames_of_live_photo(
    still: Path, film: Path, folder: Path, options: FrameOptions = USUAL, report: Report = silent
) -> Frames:
    """The still of a Live Photo first, then frames of its film, which is of another size and a part of what it shows.

    One frame alone, where no more of it can be used: it is a photo then. Raises AllBlurred, NothingToRecognise or
    TooFewPictures where nothing can: why most of it cannot; and MediaError where the still cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    photo = decode_photo(still, _LIMITS)
    first = _of_photo(photo, "still", folder, options, still.name)
    rest = _of_film(film, folder, options, within(report, 0.1, 1), _share(photo))
    if isinstance(first, Dropped):
        rest = replace(rest, dropped=(first, *rest.dropped))
    else:
        # Films are stabilised, for which a margin is cut off: how much nobody tells.
        moved = [replace(frame, group=first.group + 1, focal_known=False) for frame in rest.frames]
        rest = replace(rest, frames=(first, *moved))
    return rest if rest.frames else replace(rest, frames=checked((), rest.dropped))


def _of_film(film: Path, folder: Path, options: FrameOptions, report: Report, focal: float | None) -> Frames:
    """What can be used of a film; nothing of one that cannot be read."""
    try:
        return taken_of_video(film, folder, options, report, focal=focal)
    except VideoError as error:
        return Frames((), (Dropped(film.name, error.code, str(error)),), ordered=True)


def _share(photo: Photo) -> float | None:
    """The focal length as a share of the longer side, where it is known."""
    return None if photo.focal.source == "default" else photo.focal.px / max(photo.width, photo.height)


def _frame(photo: Path, name: str, folder: Path, options: FrameOptions) -> Frame | Dropped:
    try:
        decoded = decode_photo(photo, _LIMITS)
    except MediaError as error:
        return Dropped(photo.name, error.code, str(error))
    except FileNotFoundError:
        return Dropped(photo.name, "not_found", "the photo is not there any more")
    return _of_photo(decoded, name, folder, options, photo.name)


def _of_photo(photo: Photo, name: str, folder: Path, options: FrameOptions, source: str) -> Frame | Dropped:
    small = reduced(photo.rgb, options.longest_side)
    blurred = blur(small)
    useless = left_out(source, blurred, options)
    if useless is not None:
        return useless
    height, width = small.shape[:2]
    focal, known = photo.focal.px * width / photo.width, photo.focal.source != "default"
    path = kept(small, folder, name)
    carried = _carried(photo, folder / f"{name}.carried.npy")
    return Frame(name, path, width, height, focal, known, sharpness=sharpness(blurred), source=source, carried=carried)


def _carried(photo: Photo, path: Path) -> Path | None:
    """The depth that the photo carries, as a file of ours."""
    if photo.depth is None:
        return None
    write_array(path, embedded_depth(photo.depth, "1").depth)
    return path


def _group(frame: Frame, others: Sequence[Frame]) -> int:
    """That of the same camera, or a new one."""
    for other in others:
        same_size = (frame.width, frame.height, frame.focal_known) == (other.width, other.height, other.focal_known)
        if same_size and abs(frame.focal_px / other.focal_px - 1) < _SAME_LENS:
            return other.group
    return max((other.group for other in others), default=-1) + 1
