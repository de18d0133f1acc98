"""`immichvr reconstruct` and `immichvr inpaint`: a place from photos, and what is missing in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from immichvr_inference.testing.contexts import context_of
from immichvr_inference.testing.tiny import with_tiny_weights
from immichvr_inpaint.places.files import read_cameras, write_cameras
from immichvr_inpaint.settings import current_settings
from immichvr_local import reconstruct_command
from immichvr_networks import NETWORKS
from immichvr_scenes import Camera
from immichvr_scenes.completion.seeding import joined, seed
from immichvr_scenes.datasets import write_dataset
from immichvr_scenes.testing import photograph, room, through, turning, write_photo
from immichvr_splats import GaussianCloud, read, write
from immichvr_splats.pointclouds import read_points

CAMERA = Camera.central(320, 240, 264)
PHOTOS = 6


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> object:
    """Places of few Gaussians."""
    monkeypatch.setenv("IMMICHVR_INPAINT_TRAINING__MAX_GAUSSIANS", "1500")
    monkeypatch.setenv("IMMICHVR_INPAINT_TRAINING__MAX_STEPS", "20")
    current_settings.cache_clear()
    yield
    current_settings.cache_clear()


# In short, that cameras are found is held by the points of it, and what Gaussians become of photos by test_jobs.py of
# services/inpaint, where the cameras are given.
@pytest.mark.parametrize("method", ["points", pytest.param("gaussian-splatting", marks=pytest.mark.long)])
def test_photos_of_a_folder_become_a_place_with_its_cameras_beside_it(
    run, few_steps, method: str, tmp_path: Path
) -> None:
    photos, place = tmp_path / "walk", room()
    photos.mkdir()
    for view in through(CAMERA, PHOTOS)[: 3 if method == "points" else PHOTOS]:
        write_photo(photos / f"{view.name}.jpg", place.look(view).rgb, CAMERA.fx)
    for name in (".hidden.jpg", "0001.xmp", "Thumbs.db"):
        (photos / name).write_bytes(b"no photo")
    (photos / "older").mkdir()
    target = tmp_path / ("hut.ply" if method == "points" else "hut.spz")
    made = run("reconstruct", photos, "-o", target, "--poses", "colmap", "--method", method)
    assert made.exit_code == 0, made.output
    assert (read_points(target) if method == "points" else read(target)).cloud.count > 0
    assert 2 <= len(read_cameras(tmp_path / "hut.cameras.json")) <= PHOTOS


# In short, that is held by the test of the same of services/inpaint.
@pytest.mark.long
def test_photos_from_one_spot_become_the_splat_of_one_by_the_best_network(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("depth_anything_3", reason="depth-anything-3 is not installed: make setup")
    photos, place = tmp_path / "spot", room()
    photos.mkdir()
    for view in turning(CAMERA, 3):
        write_photo(photos / f"{view.name}.jpg", place.look(view).rgb, CAMERA.fx)
    context = context_of(with_tiny_weights(NETWORKS["da3-giant"]), tmp_path, "da3-giant")
    monkeypatch.setattr(reconstruct_command, "shown_context", lambda _: context)
    made = run("reconstruct", photos, "-o", tmp_path / "spot.spz", "--poses", "colmap")
    assert made.exit_code == 0, made.output
    told = " ".join(made.output.split())
    assert "turned in one spot" in told and "made the splat of that photo" in told
    assert read(tmp_path / "spot.spz").cloud.count > 0


def test_a_folder_with_transforms_json_becomes_a_place_where_its_cameras_say(run, few_steps, tmp_path: Path) -> None:
    views = through(CAMERA, 3)
    write_dataset(tmp_path / "set", photograph(room(), views, tmp_path / "photos", depth=False))
    made = run("reconstruct", tmp_path / "set", "-o", tmp_path / "points.ply", "--method", "points")
    assert made.exit_code == 0, made.output
    found = read_cameras(tmp_path / "points.cameras.json")
    for one, true in zip(found, views, strict=True):
        np.testing.assert_allclose(one.camera_to_world, true.camera_to_world, atol=1e-6)
    refused = run(
        "reconstruct", tmp_path / "photos", "-o", tmp_path / "b.ply", "--method", "points", "--poses", "given"
    )
    assert refused.exit_code == 2
    assert "transforms.json" in refused.stderr


def test_what_is_missing_is_filled_as_the_cameras_beside_a_scene_see_it(run, tmp_path: Path) -> None:
    place, views = room(0, "soft"), through(Camera.central(96, 72, 75), 2)
    seeds = []
    for view in views:
        look = place.look(view)
        everything, rgb = np.ones(look.depth.shape, bool), look.rgb.astype(np.float32) / 255
        seeds.append(seed(view, rgb, look.depth, everything, GaussianCloud.empty(0, 0)))
    whole = joined(seeds)
    middle = views[0].unprojected(place.look(views[0]).depth)[36, 56]
    write(whole.take(np.flatnonzero(np.linalg.norm(whole.means - middle, axis=1) > 0.4)), tmp_path / "hut.spz")
    write_cameras(views, tmp_path)
    (tmp_path / "cameras.json").rename(tmp_path / "hut.cameras.json")
    result = run("inpaint", tmp_path / "hut.spz", "-o", tmp_path / "filled.ply", "--method", "fill", "--iterations", 0)
    assert result.exit_code == 0, result.output
    assert "filled by fill" in result.stdout
    assert read(tmp_path / "filled.ply").cloud.count > 0
    assert [one.name for one in read_cameras(tmp_path / "filled.cameras.json")] == [view.name for view in views]


def test_a_splat_is_never_replaced_by_what_is_made_of_it(run, tmp_path: Path) -> None:
    splat = tmp_path / "hut.ply"
    splat.write_bytes(b"precious")
    refused = run("inpaint", splat, "-o", tmp_path / "." / "hut.ply")
    assert refused.exit_code == 2
    assert "would be replaced" in refused.stderr
    assert splat.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("target", "method", "words"),
    [("nowhere/points.glb", "points", "no such directory"), ("points.spz", "points", ".ply, .glb")],
)
def test_where_nothing_can_be_written_is_said_before_the_work(
    run, photo: Path, tmp_path: Path, target: str, method: str, words: str
) -> None:
    refused = run("reconstruct", photo, photo, "-o", tmp_path / target, "--method", method)
    assert refused.exit_code == 2
    assert words in refused.stderr


def test_a_folder_without_pictures_is_told_of(run, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/readme.txt").write_text("no photo")
    refused = run("reconstruct", tmp_path / "notes", "-o", tmp_path / "hut.spz")
    assert refused.exit_code == 2
    assert "neither photos nor videos" in refused.stderr
