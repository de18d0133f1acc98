"""Frames of pictures whose cameras are known already, as a dataset tells them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from immichvr_media import MediaError

from immichvr_scenes.cameras import Camera, View
from immichvr_scenes.errors import NothingMoved, TooManyPictures
from immichvr_scenes.frames.frame import USUAL, Dropped, Frame, FrameOptions, Frames, checked, kept, reduced
from immichvr_scenes.pictures import NotItsCamera, Picture
from immichvr_scenes.progress import Report, silent


def frames_of_pictures(
    pictures: Sequence[Picture], folder: Path, options: FrameOptions = USUAL, report: Report = silent
) -> tuple[Frames, tuple[Picture, ...]]:
    """Each picture as a frame in `folder`, in their order, and the same frames as pictures with their cameras.

    What cannot be decoded, or is of another shape than its camera, is left out, and so is a picture of whose mask or
    depth that is so: without them it would show what it is not to be believed in. They stay as they are.
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
            small = reduced(picture.read_image_as_it_is(), options.longest_side)
            picture.read_mask()
            picture.read_depth()
        except (MediaError, ValueError) as error:
            dropped.append(Dropped(picture.name, getattr(error, "code", NotItsCamera.code), str(error)))
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


def _group(camera: Camera, others: Sequence[Picture]) -> int:
    """That of the same camera, or a new one."""
    known = list(dict.fromkeys(other.view.camera for other in others))
    return known.index(camera) if camera in known else len(known)


def _check_movement(views: Sequence[View]) -> None:
    centres = np.array([view.centre for view in views])
    apart = np.linalg.norm(centres - centres[0], axis=1).max()
    if apart <= 1e-9 * max(1.0, float(np.abs(centres).max())):
        raise NothingMoved("all the cameras that are given stand in one spot, so that nothing tells how far things are")
