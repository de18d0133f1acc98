"""The jobs, done in this process on photos of a room."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from immichvr_catalog import UNDECODED
from immichvr_common.errors import InvalidRequest, TaskFailed
from immichvr_common.tasks import Task
from immichvr_inference.testing.contexts import context_of
from immichvr_inference.testing.tiny import with_tiny_weights
from immichvr_inpaint.jobs import perform
from immichvr_inpaint.place_jobs import FillingOff
from immichvr_inpaint.places.files import read_cameras
from immichvr_inpaint.places.taking import take
from immichvr_inpaint.places.wishes import PlaceWish, Sources
from immichvr_inpaint.settings import current_settings
from immichvr_networks import NETWORKS
from immichvr_scenes import Camera
from immichvr_scenes.collision import read_voxels
from immichvr_scenes.datasets import read_dataset, unzip_dataset
from immichvr_scenes.errors import SceneError
from immichvr_scenes.progress import silent
from immichvr_scenes.testing import room, through, turning, write_photo
from immichvr_splats import read
from immichvr_splats.pointclouds import read_points
from immichvr_video import VideoLimits
from PIL import Image

from .conftest import CAMERA, PHOTOS, Done, a_room_with_a_hole, inputs_of, with_cameras


def test_photos_become_a_scene_with_its_cameras_and_pictures(scene: Done) -> None:
    made = scene.made
    assert (made.kind, made.model_key) == ("splat", "gaussians")
    assert [file.role for file in made.files] == ["splat", "cameras", "views", "collision"]
    cloud = read(scene.file("splat")).cloud
    assert 0 < cloud.count <= 1500
    walls = read_voxels(scene.file("collision").read_bytes())
    assert walls.solid.any()
    assert not walls.at(np.array([view.centre for view in read_cameras(scene.file("cameras"))])).any()
    about = made.details["scene"]
    assert (about["name"], about["pictures"], about["dropped"]) == ("walk and 5 more", PHOTOS, [])
    assert made.details["gaussians"] == cloud.count
    fractions = [fraction for fraction, _ in scene.told]
    assert fractions == sorted(fractions)
    cameras = json.loads(scene.file("cameras").read_text())["cameras"]
    assert {one["source"] for one in cameras} <= {f"{place:04}.jpg" for place in range(PHOTOS)}
    assert len(read_cameras(scene.file("cameras"))) == len(cameras) >= PHOTOS - 1, "all but those that are held out"


def test_photos_from_one_spot_are_what_the_best_network_makes_of_the_sharpest_of_them(tmp_path: Path) -> None:
    pytest.importorskip("depth_anything_3", reason="depth-anything-3 is not installed: make setup")
    place, views = room(), turning(CAMERA, 3)
    photos = [write_photo(tmp_path / f"{view.name}.jpg", place.look(view).rgb, CAMERA.fx) for view in views]
    context = context_of(with_tiny_weights(NETWORKS["da3-giant"]), tmp_path, "da3-giant")
    wish = {"quality": "draft", "poses": "colmap", "accepted": ["da3-giant"]}
    task = Task("reconstruct", wish, inputs_of(photos), tmp_path / "out")
    task.folder.mkdir()
    [made] = perform(task, lambda *_: None, context)
    assert (made.model_key, made.details["scene"]["panorama"]) == ("gaussians", True)
    assert any("Depth Anything 3 Giant" in loss and "licence: CC-BY-NC" in loss for loss in made.losses), made.losses
    assert read(task.folder / "splat.spz").cloud.count == made.details["gaussians"] > 0


def test_a_dataset_holds_pictures_depth_and_masks_that_are_read_again(scene: Done, tmp_path: Path) -> None:
    inputs = {"splat": scene.file("splat"), "views": scene.file("views")}
    packed = Done("dataset", inputs, tmp_path / "out", modelKey="gaussians")
    assert packed.made.extends
    assert (packed.made.kind, packed.made.model_key) == ("splat", "gaussians")
    pictures = read_dataset(unzip_dataset(packed.file("dataset"), tmp_path / "read"))
    assert len(pictures) >= PHOTOS - 1
    depth, known = pictures[0].read_depth(), pictures[0].read_mask()
    assert depth is not None and known is not None
    assert np.count_nonzero(depth[known]) > 0.9 * known.sum() > 0
    cameras = read_cameras(scene.file("cameras"))
    assert pictures[0].view.centre == pytest.approx(cameras[0].centre, abs=1e-5)


def test_what_is_missing_is_filled_beside_the_scene_and_shown(tmp_path: Path) -> None:
    inputs = a_room_with_a_hole(tmp_path)
    filled = Done("inpaint", inputs, tmp_path / "out", method="fill", modelKey="gaussians")
    assert filled.made.model_key == "gaussians-inpainted-fill"
    about = filled.made.details["inpainted"]
    assert about["of"] == "gaussians" and about["new"] > 0
    roles = [file.role for file in filled.made.files]
    assert roles.count("mask") == roles.count("before") == roles.count("after") == about["views"] > 0
    assert set(np.unique(np.asarray(Image.open(filled.file("mask"))))) <= {0, 255}
    assert read(filled.file("splat")).cloud.count >= about["new"]
    assert read_voxels(filled.file("collision").read_bytes()).solid.any()


def test_a_photos_splat_is_filled_from_its_spz_alone_with_the_camera_that_is_told(tmp_path: Path) -> None:
    splat = {"splat": a_room_with_a_hole(tmp_path, seen_from=1)["splat"]}
    with pytest.raises(SceneError, match="where the scene was seen from"):
        Done("inpaint", splat, tmp_path / "blind", method="fill")
    camera = Camera.central(96, 72, 75)
    told = {"fx": 75, "fy": 75, "cx": 48, "cy": 36, "width": 96, "height": 72}
    view = through(camera, 4)[0]
    pose = {"extrinsic": [float(one) for one in view.world_to_camera.ravel()]}
    filled = Done("inpaint", splat, tmp_path / "out", method="fill", modelKey="lift", camera={**told, **pose})
    assert filled.made.details["inpainted"]["new"] > 0


def test_of_photos_with_their_cameras_points_alone_are_made_where_those_say(photos: list[Path], tmp_path: Path) -> None:
    inputs = {**with_cameras(photos[:3], tmp_path), "photo_003": photos[3]}
    points = Done("points", inputs, tmp_path / "out", quality="draft", poses="given")
    assert (points.made.kind, points.made.model_key) == ("points", "points")
    assert {"points", "level", "levels", "cameras"} == {file.role for file in points.made.files}
    found = read_cameras(points.file("cameras"))
    for one, true in zip(found, through(CAMERA, PHOTOS), strict=False):
        np.testing.assert_allclose(one.camera_to_world, true.camera_to_world, atol=1e-6)
    [left_out] = points.made.details["scene"]["dropped"]
    assert (left_out["name"], left_out["reason"]) == (photos[3].name, "transforms.json has no camera for it")
    cloud = read_points(points.file("points")).cloud
    assert cloud.count > 100
    assert np.median(room().distances(cloud.points)) < 0.05, "in the world of the cameras they lie on what is there"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"transform_matrix": [[1, 0], [0, 1]]}, "no pose of a camera"),
        ({"file_path": "../../etc/passwd"}, "leads out of the dataset"),
        ({"fl_x": 0}, "the camera of 0000.jpg is none"),
    ],
)
def test_cameras_that_are_none_are_told_before_any_work(
    change: dict[str, Any], words: str, photos: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(SceneError, match=words):
        Done("reconstruct", with_cameras(photos, tmp_path, **change), tmp_path / "out", quality="draft", poses="given")


def test_given_cameras_in_one_spot_and_pictures_that_were_turned_since_are_told(
    photos: list[Path], tmp_path: Path
) -> None:
    turned = tmp_path / photos[0].name
    Image.open(photos[0]).transpose(Image.Transpose.ROTATE_90).save(turned)
    told = with_cameras([turned, *photos[1:3]], tmp_path)["transforms"]
    wish = PlaceWish(poses="given")
    taken = take(Sources((turned, *photos[1:3]), None, told), tmp_path / "a/frames", wish, "cpu", VideoLimits(), silent)
    [left_out] = taken.frames.dropped
    assert left_out.name == turned.name
    assert "240 x 320 pixels, and its camera 320 x 240" in left_out.reason
    cameras = json.loads(told.read_bytes())
    for frame in cameras["frames"]:
        frame["transform_matrix"] = cameras["frames"][0]["transform_matrix"]
    told.write_text(json.dumps(cameras))
    with pytest.raises(SceneError, match="stand in one spot"):
        take(Sources(tuple(photos[:3]), None, told), tmp_path / "b/frames", wish, "cpu", VideoLimits(), silent)


def test_given_poses_and_cameras_go_together(photos: list[Path], tmp_path: Path) -> None:
    for inputs, poses in ((inputs_of(photos), "given"), (with_cameras(photos, tmp_path), "auto")):
        with pytest.raises(InvalidRequest, match="go together"):
            perform(Task("points", {"poses": poses}, inputs, tmp_path), lambda *_: None)


def test_photos_that_cannot_be_decoded_are_told_of_where_others_may_stand_in_for_them_and_left_out_where_not(
    photos: list[Path], tmp_path: Path
) -> None:
    staged = [tmp_path / f"photo_{place:03}" for place in range(4)]
    for path, photo in zip(staged, photos, strict=False):
        path.write_bytes(photo.read_bytes())
    staged[1].write_bytes(b"a camera's own format")
    staged[3].write_bytes(photos[3].read_bytes()[:200])
    sources, wish = Sources(tuple(staged)), PlaceWish(quality="draft")
    with pytest.raises(TaskFailed) as told:
        take(sources, tmp_path / "first", wish, "cpu", VideoLimits(), silent, stand_ins=True)
    assert told.value.inputs == ("photo_001", "photo_003")
    assert told.value.code in UNDECODED
    left = take(sources, tmp_path / "second", wish, "cpu", VideoLimits(), silent).frames
    assert [one.name for one in left.dropped] == ["photo_001", "photo_003"]
    alone = Sources((staged[1], staged[3]))
    with pytest.raises(TaskFailed) as told:
        take(alone, tmp_path / "third", wish, "cpu", VideoLimits(), silent, stand_ins=True)
    assert told.value.inputs == ("photo_001", "photo_003"), "though nothing would be left without them"


@pytest.mark.parametrize(
    ("params", "words"),
    [({"quality": "best"}, "draft, normal, high"), ({"poses": "stars"}, "colmap"), ({"method": "magic"}, "cloud")],
)
def test_what_there_is_not_is_refused_with_what_there_is(
    params: dict[str, str], words: str, photos: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        perform(Task("reconstruct", params, {"photo_000": photos[0]}, tmp_path), lambda *_: None)


def test_one_photo_and_no_photo_are_refused_in_words(photos: list[Path], tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="two pictures"):
        perform(Task("reconstruct", {"quality": "draft"}, {"photo_000": photos[0]}, tmp_path), lambda *_: None)
    with pytest.raises(InvalidRequest, match="neither photos nor a video"):
        perform(Task("reconstruct", {}, {}, tmp_path), lambda *_: None)


def test_a_damaged_archive_of_views_is_refused_in_words(scene: Done, tmp_path: Path) -> None:
    (tmp_path / "views.zip").write_bytes(b"no archive")
    inputs = {"splat": scene.file("splat"), "views": tmp_path / "views.zip"}
    with pytest.raises(SceneError, match="no zip archive"):
        Done("dataset", inputs, tmp_path / "out", modelKey="gaussians")


def test_filling_can_be_switched_off_for_the_whole_server(
    scene: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMMICHVR_INPAINT_ENABLE", "0")
    current_settings.cache_clear()
    try:
        with pytest.raises(FillingOff, match="IMMICHVR_INPAINT_ENABLE"):
            perform(Task("inpaint", {}, {"splat": scene.file("splat")}, tmp_path), lambda *_: None)
    finally:
        current_settings.cache_clear()
