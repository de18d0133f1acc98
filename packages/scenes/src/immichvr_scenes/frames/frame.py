"""Frames: pictures of ours on disk, decoded from whatever they came from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from immichvr_scenes.cameras import Camera, View
from immichvr_scenes.errors import AllBlurred, NothingToRecognise, TooFewPictures
from immichvr_scenes.pictures import Picture

U8 = npt.NDArray[np.uint8]

_QUALITY = 95


@dataclass(frozen=True)
class FrameOptions:
    """What is taken of what is there.

    most: frames of a video. most_photos: of a set; more are refused. longest_side: pixels; larger ones are reduced.
    blurred: how blurred, 0 to 1, a frame is that is left out (see `sharpness`).
    """

    most: int = 150
    most_photos: int = 200
    longest_side: int = 1600
    blurred: float = 0.72

    def __post_init__(self) -> None:
        if not (2 <= self.most <= 1000 and 2 <= self.most_photos <= 1000 and 64 <= self.longest_side <= 8192):
            raise ValueError(f"2 to 1000 frames, of 64 to 8192 pixels along the longer side, not {self}")


USUAL = FrameOptions()


@dataclass(frozen=True)
class Frame:
    """One picture that may become part of a place.

    name: unique in its set, in the order in which they were taken where that is known. path: a JPEG of ours, upright
    sRGB, width x height pixels. focal_px: in its pixels; focal_known: it is told, not guessed. group: frames of one
    group were taken by one camera. shot: of a video. time: seconds of a video. sharpness: 0 to 1. source: what it was.
    carried: a file with the depth that came with the photo, (h, w) float32 of its own size and unit; None without any.
    """

    name: str
    path: Path
    width: int
    height: int
    focal_px: float
    focal_known: bool
    group: int = 0
    shot: int = 0
    time: float | None = None
    sharpness: float = 1.0
    source: str = ""
    carried: Path | None = None

    @property
    def camera(self) -> Camera:
        """The camera as far as it is known before anything is measured."""
        return Camera.central(self.width, self.height, self.focal_px)

    def picture(self, view: View) -> Picture:
        """The frame where `view` says it was taken from."""
        return Picture(view, self.path)

    def read_carried(self) -> npt.NDArray[np.float32] | None:
        """The depth that came with the photo."""
        return None if self.carried is None else np.asarray(np.load(self.carried), np.float32)


@dataclass(frozen=True)
class Dropped:
    """A picture that was left out. name: of the frame or its file. code, reason: why, for programs and for people."""

    name: str
    code: str
    reason: str


@dataclass(frozen=True)
class Frames:
    """What was taken. ordered: each was taken soon after the one before it."""

    frames: tuple[Frame, ...]
    dropped: tuple[Dropped, ...] = ()
    ordered: bool = False


def left_out(name: str, blurred: float, options: FrameOptions) -> Dropped | None:
    """Why a picture is left out for what it looks like; None where it is not. blurred: of `sharpness.blur`."""
    if math.isinf(blurred):
        return Dropped(name, NothingToRecognise.code, "it shows nothing but plain surfaces")
    if blurred > options.blurred:
        return Dropped(name, AllBlurred.code, "it is blurred")
    return None


def checked(frames: Sequence[Frame], dropped: Sequence[Dropped]) -> tuple[Frame, ...]:
    """The frames, if they are enough. Raises AllBlurred, NothingToRecognise or TooFewPictures: why they are not."""
    if len(frames) >= 2:
        return tuple(frames)
    total = len(frames) + len(dropped)
    blurred, plain = (sum(one.code == kind.code for one in dropped) for kind in (AllBlurred, NothingToRecognise))
    if len(frames) + plain >= 2 and plain >= blurred:
        raise NothingToRecognise(
            f"{plain} of {total} pictures show nothing but plain surfaces: take in more of what has a pattern or edges"
        )
    if len(frames) + blurred + plain >= 2:
        raise AllBlurred(
            f"{blurred} of {total} pictures are blurred: take them again with more light, and hold still for each"
        )
    left = f"; {len(dropped)} could not be used: {dropped[0].reason}" if dropped else ""
    there = f"there is {len(frames)}" if frames else "there is none"
    raise TooFewPictures(f"a place wants two pictures at least, from different spots; {there}{left}")


def reduced(rgb: U8, longest_side: int) -> U8:
    """The picture with at most so many pixels along its longer side."""
    height, width = rgb.shape[:2]
    scale = longest_side / max(height, width)
    if scale >= 1:
        return rgb
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))


def kept(rgb: U8, folder: Path, name: str) -> Path:
    """The picture as a file of ours."""
    path = folder / f"{name}.jpg"
    Image.fromarray(rgb).save(path, quality=_QUALITY, subsampling=0)
    return path
