"""Pictures of the room, taken once for all tests of a process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from immichvr_scenes import Camera, View
from immichvr_scenes.frames import Frames, frames_of_photos
from immichvr_scenes.poses import Poses, estimate_poses
from immichvr_scenes.testing import Room, room, through, write_photo

CAMERA = Camera.central(320, 240, 264)

Take = Callable[[str, Sequence[View]], list[Path]]


@pytest.fixture(scope="session")
def place() -> Room:
    return room()


@pytest.fixture(scope="session")
def camera() -> Camera:
    return CAMERA


@pytest.fixture(scope="session")
def take(place: Room, tmp_path_factory: pytest.TempPathFactory) -> Take:
    """Photos of views, by the name of their set: JPEGs with their focal length, each set taken once."""
    taken: dict[str, list[Path]] = {}

    def photos(name: str, views: Sequence[View]) -> list[Path]:
        if name not in taken:
            folder = tmp_path_factory.mktemp(name)
            taken[name] = [
                write_photo(folder / f"{view.name}.jpg", place.look(view).rgb, view.camera.fx) for view in views
            ]
        return taken[name]

    return photos


@pytest.fixture(scope="session")
def elsewhere() -> Room:
    """Another room, of the same shape and painted otherwise."""
    return room(5)


@dataclass(frozen=True)
class Walk:
    """A walk through the room: where it really went, its photos, frames of them, and what was found."""

    views: list[View]
    photos: list[Path]
    frames: Frames
    poses: Poses


@pytest.fixture(scope="session")
def walk(take: Take, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    views, folder = through(CAMERA, 8), tmp_path_factory.mktemp("walk-poses")
    photos = take("walk", views)
    frames = frames_of_photos(photos, folder / "frames", ordered=True)
    return Walk(views, photos, frames, estimate_poses(frames, folder / "work"))
