"""Frames of pictures whose cameras are known already, as a dataset tells them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from immichvr_media import DecodeLimits, MediaError, decode_photo

from immichvr_scenes.cameras import Camera, View
from immichvr_scenes.errors import NothingMoved, TooManyPictures
from immichvr_scenes.frames.frame import USUAL, Dropped, Frame, FrameOptions, Frames, checked, kept, reduced
from immichvr_scenes.pictures import Picture, stored
from immichvr_scenes.progress import Report, silent

_LIMITS = DecodeLimits()
_SAME_SHAPE = 0.02
"""Proportions of a picture and of its camera that differ by a smaller share are the same."""


class _NotItsCamera(ValueError):
    """A picture of another shape than the camera that it is said to be from."""

    code = "invalid_dataset"


def frames_of_pictures(
    pictures: Sequence[Picture], folder: Path, options: FrameOptions = USUAL, report: Report = silent
) -> tuple[Frames, tuple[Picture, ...]]:
    """Each picture as a frame in `folder`, in their order, and the same frames as pictures with their cameras.

    What cannot be decoded, or is of another shape than its camera, is left out. Masks and depth stay as they are.
    Raises TooFewPictures, TooManyPictures, NothingMoved.
    """
    if len(pictures) > options.most_photos:
        raise TooManyPictures(
            f"{len(pictures)} pictures have cameras; a place is made of {options.most_photos} at most"
        )
    frames: list[Frame] = []
    posed: list[Picture] = []
    dropped: list[Dropped] = []
    folder.mkdir(parents=True, exist_ok=True)
    for index, picture in enumerate(pictures):
        report(index / len(pictures), "frames", f"picture {index + 1} of {len(pictures)}")
        try:
            small = reduced(_pixels(picture), options.longest_side)
        except (MediaError, _NotItsCamera) as error:
            dropped.append(Dropped(picture.name, error.code, str(error)))
            continue
        name = f"{index:04}"
        path = kept(small, folder, name)
        height, width = small.shape[:2]
        view = replace(picture.view, name=name).scaled(width, height)
        camera = view.camera
        frames.append(Frame(name, path, width, height, camera.fx, True, _group(camera, posed), source=picture.name))
        posed.append(replace(picture, view=view, image=path))
    checked(frames, dropped)
    _check_movement([picture.view for picture in posed])
    return Frames(tuple(frames), tuple(dropped)), tuple(posed)


def _pixels(picture: Picture) -> npt.NDArray[np.uint8]:
    """The picture as large as it is. Raises MediaError, _NotItsCamera."""
    if not isinstance(picture.image, Path):
        return picture.read_image()
    photo = decode_photo(picture.image, _LIMITS)
    rgb = photo.rgb if picture.upright else stored(photo)
    height, width = rgb.shape[:2]
    camera = picture.view.camera
    if abs(width * camera.height / (height * camera.width) - 1) > _SAME_SHAPE:
        raise _NotItsCamera(
            f"it has {width} x {height} pixels, and its camera {camera.width} x {camera.height}: it was turned or cut "
            "since its camera was found"
        )
    return rgb


def _group(camera: Camera, others: Sequence[Picture]) -> int:
    """That of the same camera, or a new one."""
    known = list(dict.fromkeys(other.view.camera for other in others))
    return known.index(camera) if camera in known else len(known)


def _check_movement(views: Sequence[View]) -> None:
    centres = np.array([view.centre for view in views])
    apart = np.linalg.norm(centres - centres[0], axis=1).max()
    if apart <= 1e-9 * max(1.0, float(np.abs(centres).max())):
        raise NothingMoved("all the cameras that are given stand in one spot, so that nothing tells how far things are")
