"""Photos of a room whose every pixel is known, taken once for all tests of a process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from immichvr_common.tasks import Made, Task
from immichvr_inpaint.jobs import perform
from immichvr_inpaint.places.files import write_cameras
from immichvr_inpaint.settings import current_settings
from immichvr_scenes import Camera
from immichvr_scenes.completion.seeding import joined, seed
from immichvr_scenes.datasets.axes import theirs
from immichvr_scenes.testing import room, through, write_photo
from immichvr_splats import GaussianCloud, write

CAMERA = Camera.central(320, 240, 264)
PHOTOS = 6


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A walk through the room, as JPEGs with their focal length."""
    return a_walk(tmp_path_factory.mktemp("walk"), CAMERA)


@pytest.fixture(scope="session", autouse=True)
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Scenes of a few steps, without the network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMMICHVR_MODELS_OFFLINE", "1")
        patch.setenv("IMMICHVR_MODELS_DIR", str(tmp_path_factory.mktemp("models")))
        patch.setenv("IMMICHVR_INPAINT_TRAINING__MAX_GAUSSIANS", "1500")
        patch.setenv("IMMICHVR_INPAINT_TRAINING__MAX_STEPS", "30")
        patch.setenv("IMMICHVR_INPAINT_ITERATIONS", "5")
        current_settings.cache_clear()
        yield
    current_settings.cache_clear()


def a_walk(folder: Path, camera: Camera) -> list[Path]:
    """Photos that were taken through the room."""
    place, views = room(), through(camera, PHOTOS)
    return [write_photo(folder / f"{view.name}.jpg", place.look(view).rgb, camera.fx) for view in views]


def inputs_of(photos: list[Path]) -> dict[str, Path]:
    """The photos by their roles, as a job has them."""
    return {f"photo_{place:03}": path for place, path in enumerate(photos)}


def with_cameras(photos: list[Path], folder: Path, camera: Camera = CAMERA, **change: Any) -> dict[str, Path]:
    """The same with their true cameras, as nerfstudio writes them. change: to what is said of the first."""
    lens = {"fl_x": camera.fx, "cx": camera.cx, "cy": camera.cy, "w": camera.width, "h": camera.height}
    frames = [
        {"file_path": photo.name, "transform_matrix": theirs(view.camera_to_world).tolist()}
        for photo, view in zip(photos, through(camera, PHOTOS), strict=False)
    ]
    frames[0] |= change
    transforms = folder / "cameras"
    transforms.write_text(json.dumps({**lens, "frames": frames}))
    return {**inputs_of(photos), "transforms": transforms}


def a_room_with_a_hole(folder: Path, seen_from: int = 4) -> dict[str, Path]:
    """What some of four cameras see of a room, but for what is near one point, as a splat with its cameras."""
    place, views = room(0, "soft"), through(Camera.central(96, 72, 75), 4)
    seeds = []
    for view in views[:seen_from]:
        look = place.look(view)
        everything, rgb = np.ones(look.depth.shape, bool), look.rgb.astype(np.float32) / 255
        seeds.append(seed(view, rgb, look.depth, everything, GaussianCloud.empty(0, 0)))
    whole = joined(seeds)
    last = views[:seen_from][-2:][0]
    middle = last.unprojected(place.look(last).depth)[36, 56]
    write(whole.take(np.flatnonzero(np.linalg.norm(whole.means - middle, axis=1) > 0.4)), folder / "holed.spz")
    write_cameras(views, folder)
    return {"splat": folder / "holed.spz", "cameras": folder / "cameras.json"}


class Done:
    """A job that was done in this process: what it made, where its files lie, and what it told."""

    def __init__(self, kind: str, inputs: dict[str, Path], folder: Path, **params: Any) -> None:
        self.folder, self.told = folder, []
        folder.mkdir()
        task = Task(kind, params, inputs, folder, source_name="walk and 5 more")
        [self.made] = perform(task, lambda fraction, stage, message: self.told.append((fraction, stage)))
        self.stages = [stage for _, stage in self.told]

    made: Made
    told: list[tuple[float, str]]

    def file(self, role: str) -> Path:
        """The first file of a role."""
        return self.folder / next(file.name for file in self.made.files if file.role == role)


@pytest.fixture(scope="session")
def scene(photos: list[Path], small: None, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A draft of the room, whose cameras need not be searched for."""
    folder = tmp_path_factory.mktemp("scene")
    return Done("reconstruct", with_cameras(photos, folder), folder / "out", quality="draft", poses="given")
