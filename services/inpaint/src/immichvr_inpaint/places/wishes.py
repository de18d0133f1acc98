"""What is asked for of a place, and what that means here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, get_args

from immichvr_common.errors import InvalidRequest
from immichvr_scenes.frames import FrameOptions
from immichvr_scenes.training import options_for

Method = Literal["gaussian-splatting", "points", "cloud"]
Quality = Literal["draft", "normal", "high"]
PoseMethod = Literal["auto", "da3", "colmap", "given"]
GIVEN: Literal["given"] = "given"
METHODS: tuple[Method, ...] = get_args(Method)
QUALITIES: tuple[Quality, ...] = get_args(Quality)
POSES: tuple[PoseMethod, ...] = get_args(PoseMethod)
Word = TypeVar("Word", bound=str)
_FRAMES = {"draft": 40, "normal": 120, "high": 200}
"""Of a video, at most."""
_FOR_POSES = 1024
"""Pixels along the longer side that cameras are found with, however few the training looks at."""


@dataclass(frozen=True)
class PlaceWish:
    """How a place is made. Raises InvalidRequest, naming what there is, for what there is not.

    poses: `given` where the pictures come with their cameras.
    """

    method: Method = "gaussian-splatting"
    quality: Quality = "normal"
    poses: PoseMethod = "auto"
    mask_moving: bool = False

    @classmethod
    def of(cls, method: str, quality: str, poses: str, *, mask_moving: bool) -> PlaceWish:
        """As words say it; empty ones mean the usual."""
        usual = cls()
        return cls(
            one_of("method", METHODS, method or usual.method), one_of("quality", QUALITIES, quality or usual.quality),
            one_of("poses", POSES, poses or usual.poses), mask_moving,
        )  # fmt: skip

    @property
    def finding(self) -> Literal["auto", "da3", "colmap"]:
        """How cameras are found where they are not given."""
        return "auto" if self.poses == GIVEN else self.poses

    def frames(self, device: str) -> FrameOptions:
        """Which frames are taken, and how large."""
        longest = max(_FOR_POSES, options_for(self.quality, device).longest)
        return FrameOptions(most=_FRAMES[self.quality], longest_side=longest)


@dataclass(frozen=True)
class Sources:
    """What a place is made of. photos: in their order. video: alone, or the clip of the one photo.

    transforms: the cameras of the photos, as nerfstudio's transforms.json, which names them by their files' names;
    without photos, of those that it names beside it.
    """

    photos: tuple[Path, ...] = ()
    video: Path | None = None
    transforms: Path | None = None


def one_of(what: str, known: tuple[Word, ...], value: str) -> Word:
    """The word, which has to be a known one. Raises InvalidRequest, naming those."""
    found = next((one for one in known if one == value), None)
    if found is None:
        raise InvalidRequest(f"there is no {what} {value!r}; there are: {', '.join(known)}")
    return found
