"""Cameras that somebody has already: transforms.json as nerfstudio and Instant NGP write it, of the photos of a set."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictBool, field_validator

from immichvr_gateway.http.numbers import NUMBER
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.requests.spec import SourceVersion

MOST_CAMERAS = 1000
_FEWEST = 2
_SIDE, _LENGTH, _ANGLE = 0.01, 1e-6, 0.001
"""Of a pose: how much longer one axis may be than another, how short it may be, how far from a right angle."""
_SHOWN = 5
_FARTHEST = 1e6
"""Units by which a camera may be away from the middle, and pixels by which its axis may be beside the picture."""

Focal = Annotated[FiniteFloat, Field(ge=1, le=1e6), NUMBER]
Centre = Annotated[FiniteFloat, Field(ge=-_FARTHEST, le=_FARTHEST), NUMBER]
Coefficient = Annotated[FiniteFloat, Field(ge=-100, le=100), NUMBER]
Side = Annotated[FiniteFloat, Field(ge=1, le=65_535), NUMBER]
Angle = Annotated[FiniteFloat, Field(gt=0, lt=3.2), NUMBER]
Row = Annotated[list[Annotated[FiniteFloat, NUMBER]], Field(min_length=4, max_length=4)]
Matrix = Annotated[list[Row], Field(min_length=4, max_length=4)]


class _Lens(BaseModel):
    """What may be said of one camera, or of all of them at once."""

    model_config = ConfigDict(extra="ignore")
    camera_model: str | None = Field(None, max_length=40)
    w: Side | None = None
    h: Side | None = None
    fl_x: Focal | None = None
    fl_y: Focal | None = None
    cx: Centre | None = None
    cy: Centre | None = None
    camera_angle_x: Angle | None = None
    k1: Coefficient | None = None
    k2: Coefficient | None = None
    k3: Coefficient | None = None
    p1: Coefficient | None = None
    p2: Coefficient | None = None
    is_fisheye: StrictBool | None = None


class GivenCamera(_Lens):
    """Where one photo was taken from. transform_matrix: camera to world, in OpenGL's axes.

    file_path: the photo is the one of that name, in whatever folder, or else the only one whose name but for its ending
    is that; or photo_id: the one of that id.
    """

    file_path: str = Field("", max_length=1000)
    photo_id: str | None = Field(None, max_length=200)
    transform_matrix: Matrix

    @field_validator("transform_matrix")
    @classmethod
    def _is_a_pose(cls, matrix: Matrix) -> Matrix:
        if not _is_pose(matrix):
            raise ValueError(
                "this matrix turns and moves no camera: its axes have to be as long as each other, and square, and it "
                f"no more than {_FARTHEST:.0f} away"
            )
        return matrix

    @property
    def name(self) -> str:
        """The file's name alone."""
        return PurePosixPath(self.file_path.replace("\\", "/")).name


class GivenCameras(_Lens):
    """The contents of a transforms.json; what else it says is passed over."""

    frames: list[GivenCamera] = Field(min_length=_FEWEST, max_length=MOST_CAMERAS)

    def of(self, photos: Sequence[SourceVersion]) -> bytes:
        """The file for a worker, which calls the photos photo_000, photo_001, …; the same cameras are the same bytes.

        Photos without a camera are not in it, nor cameras without a photo. Raises Problem.
        """
        names = _places(photos)
        found: dict[int, GivenCamera] = {}
        others: dict[int, GivenCamera] = {}
        for camera in self.frames:
            named = camera.photo_id or camera.name
            place, into = names.get(named), found
            if place is None and camera.photo_id is None:  # of a picture that was saved in another format
                place, into = names.get(PurePosixPath(named).stem), others
            if place in into:
                raise _refused(f"{named} has two cameras in it")
            if place is not None:
                into[place] = camera
        found = {**others, **found}
        if len(found) < _FEWEST:
            told = ", ".join(camera.photo_id or camera.name for camera in self.frames[:_SHOWN])
            raise _refused(f"{len(found)} of these photos have a camera in it, which is of {told}, …")
        shared = self.model_dump(exclude={"frames"}, exclude_none=True)
        frames = [
            {**camera.model_dump(exclude={"photo_id"}, exclude_none=True), "file_path": f"photo_{place:03}"}
            for place, camera in sorted(found.items())
        ]
        return json.dumps({**shared, "frames": frames}, sort_keys=True).encode()


def _places(photos: Sequence[SourceVersion]) -> Mapping[str, int]:
    """Where each photo stands, by its id, and by its name where no other has that."""
    named: dict[str, list[int]] = {}
    for place, photo in enumerate(photos):
        for name in {photo.name, PurePosixPath(photo.name).stem}:
            named.setdefault(name, []).append(place)
    ids = {photo.source.id: place for place, photo in enumerate(photos)}
    return {**{name: places[0] for name, places in named.items() if len(places) == 1}, **ids}


def _is_pose(matrix: Matrix) -> bool:
    """Whether it is a rotation, of one scale, and a movement."""
    axes = [[matrix[row][column] for row in range(3)] for column in range(3)]
    lengths = [sum(value * value for value in axis) ** 0.5 for axis in axes]
    if min(lengths) < _LENGTH or max(lengths) > (1 + _SIDE) * min(lengths):
        return False
    x, y, z = ([value / length for value in axis] for axis, length in zip(axes, lengths, strict=True))
    across = [sum(a * b for a, b in zip(one, other, strict=True)) for one, other in ((x, y), (y, z), (z, x))]
    handed = sum(
        x[i] * (y[(i + 1) % 3] * z[(i + 2) % 3] - y[(i + 2) % 3] * z[(i + 1) % 3]) for i in range(3)
    )  # fmt: skip
    return max(map(abs, across)) < _ANGLE and handed > 0 and matrix[3] == [0, 0, 0, 1] and _is_near(matrix)


def _is_near(matrix: Matrix) -> bool:
    return all(abs(row[3]) <= _FARTHEST for row in matrix)


def _refused(why: str) -> Problem:
    return Problem(
        422, "invalid_dataset", f"the cameras cannot be used: {why}; name the photos as they are called here, or by "
        "`photo_id`",
    )  # fmt: skip
