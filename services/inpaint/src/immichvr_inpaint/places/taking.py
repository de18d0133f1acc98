"""The frames of a place: of photos, of a video, of a live photo, or of pictures whose cameras are given."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from immichvr_catalog import UNDECODED
from immichvr_common.errors import TaskFailed
from immichvr_media import DecodeLimits, MediaError, decode_photo
from immichvr_scenes import Picture
from immichvr_scenes.datasets import read_dataset
from immichvr_scenes.datasets.writing import TRANSFORMS
from immichvr_scenes.errors import SceneError, TooManyPictures
from immichvr_scenes.frames import (
    Dropped,
    Frames,
    frames_of_live_photo,
    frames_of_photos,
    frames_of_pictures,
    frames_of_video,
)
from immichvr_scenes.poses import Poses
from immichvr_scenes.progress import Report
from immichvr_video import VideoLimits

from immichvr_inpaint.places.wishes import PlaceWish, Sources

_NO_CAMERA = f"{TRANSFORMS} has no camera for it"
_LIMITS = DecodeLimits()


@dataclass(frozen=True)
class Taken:
    """Frames, and with their cameras where those are given."""

    frames: Frames
    pictures: tuple[Picture, ...] | None = None

    @property
    def source(self) -> Frames | tuple[Picture, ...]:
        """What a place is made of."""
        return self.frames if self.pictures is None else self.pictures

    @property
    def poses(self) -> Poses | None:
        """The cameras, where they are given."""
        if self.pictures is None:
            return None
        return Poses(tuple(picture.view for picture in self.pictures), method="imported")


def take(
    sources: Sources, folder: Path, wish: PlaceWish, device: str, limits: VideoLimits, report: Report,
    *, stand_ins: bool = False,
) -> Taken:  # fmt: skip
    """The frames, as files in `folder`.

    stand_ins: photos that cannot be decoded are told of by a TaskFailed with their roles, as others may stand in for
    them; else they are left out, and always where cameras are given: those are of pixels as they are stored, and what
    stands in has been turned. Raises SceneError, VideoError, MediaError.
    """
    stand_ins = stand_ins and sources.transforms is None
    with _told(sources.photos if stand_ins else ()):
        taken = _taken(sources, folder, wish, device, limits, report)
        if stand_ins and any(one.code in UNDECODED for one in taken.frames.dropped):
            _tell_undecoded(sources.photos)
        return taken


def _taken(sources: Sources, folder: Path, wish: PlaceWish, device: str, limits: VideoLimits, report: Report) -> Taken:
    options = wish.frames(device)
    if sources.transforms is not None:
        root, without = _dataset(sources.photos, sources.transforms, folder.with_name("given"))
        chosen, left = _evenly(read_dataset(root), options.most_photos)
        frames, pictures = frames_of_pictures(chosen, folder, options, report)
        return Taken(replace(frames, dropped=(*without, *left, *frames.dropped)), pictures)
    if sources.video is None:
        return Taken(frames_of_photos(sources.photos, folder, options, report))
    if sources.photos:
        return Taken(frames_of_live_photo(sources.photos[0], sources.video, folder, options, report))
    return Taken(frames_of_video(sources.video, folder, options, report, limits=limits))


def _dataset(photos: Sequence[Path], transforms: Path, folder: Path) -> tuple[Path, list[Dropped]]:
    """The folder that a dataset lies in; and those of the photos that have no camera.

    Photos that were brought one by one are laid beside the cameras, which name them by their files' names.
    """
    if not photos:
        return transforms.parent, []
    folder.mkdir(parents=True)
    for path in photos:
        _lay(path, folder / path.name)
    _lay(transforms, folder / TRANSFORMS)
    named = _named_in(transforms)
    return folder, [Dropped(one.name, "no_camera", _NO_CAMERA) for one in photos if one.name not in named]


def _lay(path: Path, at: Path) -> None:
    try:
        os.link(path, at)
    except OSError:  # of another file system, or of one without links
        shutil.copyfile(path, at)


def _evenly(pictures: Sequence[Picture], most: int) -> tuple[Sequence[Picture], list[Dropped]]:
    """At most so many, evenly chosen in their order, as of a video; and what is to be said of the others."""
    if len(pictures) <= most:
        return pictures, []
    places = np.linspace(0, len(pictures) - 1, most).round().astype(int)
    why = f"it names {len(pictures)} pictures; {most} of them were taken, evenly chosen, as a place is made of no more"
    return [pictures[place] for place in places], [Dropped(TRANSFORMS, TooManyPictures.code, why)]


def _named_in(transforms: Path) -> set[str]:
    """The pictures that have a camera; reading the dataset tells what is wrong where that cannot be read."""
    try:
        return {str(frame["file_path"]) for frame in json.loads(transforms.read_bytes())["frames"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return set()


@contextmanager
def _told(photos: Sequence[Path]) -> Iterator[None]:
    """Where too few pictures are left, tells of those of `photos` that cannot be decoded first."""
    try:
        yield
    except (SceneError, MediaError):
        if photos:
            _tell_undecoded(photos)
        raise


def _tell_undecoded(photos: Sequence[Path]) -> None:
    """Raises TaskFailed where some cannot be decoded."""
    found: dict[str, MediaError] = {}
    for path in photos:
        try:
            decode_photo(path, _LIMITS)
        except MediaError as error:
            if error.code in UNDECODED:
                found[path.name] = error
    if found:
        first = next(iter(found.values()))
        raise TaskFailed(first.code, str(first), inputs=tuple(found))
