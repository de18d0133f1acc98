"""Where pictures were taken from, held against where they really were: nothing of the truth but the photos is told."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pycolmap
import pytest
from immichvr_scenes import Camera, View
from immichvr_scenes.errors import NoOverlap, NothingMoved, NothingToRecognise, OnlyTurned, TooFewPictures
from immichvr_scenes.frames import Frame, Frames, frames_of_photos, frames_of_video
from immichvr_scenes.poses import Poses, estimate_poses
from immichvr_scenes.poses.colmap import by_colmap
from immichvr_scenes.poses.gate import gate
from immichvr_scenes.poses.matching import Matched, Pair
from immichvr_scenes.progress import silent
from immichvr_scenes.testing import (
    Room,
    room,
    shaking,
    standing_still,
    through,
    turning,
    write_clip,
    write_photo,
)
from immichvr_scenes.testing.judging import pose_errors

from .conftest import Take, Walk


@pytest.fixture(scope="module")
def other_photos(elsewhere: Room, camera: Camera, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three photos that hang together, of another place."""
    folder = tmp_path_factory.mktemp("elsewhere")
    views = through(camera, 8)[2:5]
    return [write_photo(folder / f"other{view.name}.jpg", elsewhere.look(view).rgb, camera.fx) for view in views]


def poses_of(photos: list[Path], folder: Path, *, ordered: bool = True) -> tuple[Poses, Frames]:
    frames = frames_of_photos(photos, folder / "frames", ordered=ordered)
    return estimate_poses(frames, folder / "work"), frames


def test_a_walk_through_a_room_is_found_again(walk: Walk) -> None:
    poses, views = walk.poses, walk.views
    assert [view.name for view in poses.views] == [frame.name for frame in walk.frames.frames]
    assert (poses.dropped, poses.notes, poses.photo_only) == ((), (), None)
    errors = pose_errors(poses.views, views)
    assert errors.metres < 0.01 and errors.worst_metres < 0.03
    assert errors.degrees < 0.3 and errors.focal < 0.01
    assert poses.reprojection_px is not None and poses.reprojection_px < 0.7


def test_the_world_is_upright_and_of_a_size_to_walk_in(walk: Walk) -> None:
    poses = walk.poses
    down = np.mean([view.rotation[1] for view in poses.views], axis=0)
    assert down[1] > 0.98
    assert np.mean([view.centre for view in poses.views], axis=0) == pytest.approx(0, abs=1e-6)
    points, pixels = poses.points.of_view(0)
    shown, depth = poses.views[0].projected(points)
    assert len(points) > 100 and np.median(np.abs(shown - pixels)) < 1
    assert 1 < np.median(depth) < 6


# In short, that two centimetres are movement is held below, of points, and what moved is placed above.
@pytest.mark.long
def test_a_hand_that_shakes_by_centimetres_is_movement_enough(take: Take, camera: Camera, tmp_path: Path) -> None:
    views = shaking(camera, 6, reach=0.05)
    poses, _ = poses_of(take("shake", views), tmp_path)
    assert poses.photo_only is None and len(poses.views) == 6
    errors = pose_errors(poses.views, views)
    assert errors.metres < 0.01 and errors.degrees < 1


@pytest.mark.parametrize("count", [2, pytest.param(3, marks=pytest.mark.long)])
def test_two_or_three_photos_are_enough(walk: Walk, count: int, tmp_path: Path) -> None:
    poses, frames = poses_of(walk.photos[3 : 3 + count], tmp_path)
    assert poses.photo_only is None and len(poses.views) == count and poses.dropped == ()
    true = [
        View(frame.name, view.camera, view.world_to_camera)
        for frame, view in zip(frames.frames, walk.views[3 : 3 + count], strict=True)
    ]
    errors = pose_errors(poses.views, true)
    assert errors.worst_metres < 0.03 and errors.worst_degrees < 1.5
    points, pixels = poses.points.of_view(1)
    assert len(points) > 100 and np.median(np.abs(poses.views[1].projected(points)[0] - pixels)) < 1.5


def test_a_camera_that_turns_is_a_photo_the_sharpest_of_them(take: Take, camera: Camera, tmp_path: Path) -> None:
    poses, frames = poses_of(take("turn", turning(camera, 3, 30)), tmp_path)
    assert isinstance(poses.photo_only, OnlyTurned) and "different spots" in str(poses.photo_only)
    [view] = poses.views
    assert view.name == max(frames.frames, key=lambda frame: frame.sharpness).name
    assert len(poses.dropped) == 2 and {one.code for one in poses.dropped} == {"only_turned"}


def test_pictures_of_different_places_have_nothing_in_common(
    walk: Walk, other_photos: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(NoOverlap, match="no two of the 2 pictures show the same things"):
        poses_of([walk.photos[1], other_photos[0]], tmp_path, ordered=False)


# In short, that a stray is left out is held by test_da3.py, and that places have nothing in common above.
@pytest.mark.long
def test_a_picture_of_another_place_is_left_out_and_said_so(
    walk: Walk, other_photos: list[Path], tmp_path: Path
) -> None:
    poses, _ = poses_of([*walk.photos[:4], other_photos[0]], tmp_path, ordered=False)
    assert len(poses.views) == 4
    [left] = poses.dropped
    assert (left.name, left.code) == (other_photos[0].name, "no_overlap")
    assert "nothing in common" in left.reason


# Nothing holds it in short: it takes two places that can each be found again.
@pytest.mark.long
def test_a_set_of_two_places_gives_the_larger_and_says_so(walk: Walk, other_photos: list[Path], tmp_path: Path) -> None:
    poses, _ = poses_of([*other_photos, *walk.photos[:5]], tmp_path, ordered=False)
    assert [view.name for view in poses.views] == [f"{number:04}" for number in range(3, 8)]
    assert "fall into 2 parts" in poses.notes[0] and "5 of 8" in poses.notes[0]
    assert {one.name for one in poses.dropped} == {path.name for path in other_photos}
    assert all("a part of the pictures" in one.reason for one in poses.dropped)


def test_pictures_of_bare_walls_show_nothing_to_recognise(camera: Camera, tmp_path: Path) -> None:
    bare = room(0, "plain")
    noise = np.random.default_rng(0)
    photos = []
    for view in through(camera, 3):
        seen = bare.look(view).rgb.astype(float) + noise.normal(0, 1.5, (camera.height, camera.width, 1))
        photos.append(write_photo(tmp_path / f"{view.name}.jpg", np.clip(seen, 0, 255).astype(np.uint8), 264))
    with pytest.raises(NothingToRecognise):
        poses_of(photos, tmp_path)


def test_portraits_and_landscapes_of_one_walk_are_placed_together(place: Room, camera: Camera, tmp_path: Path) -> None:
    upright = Camera.central(240, 320, 264)
    views = [
        View(view.name, upright if number % 2 else camera, view.world_to_camera)
        for number, view in enumerate(through(camera, 8)[2:6])
    ]
    photos = [write_photo(tmp_path / f"{view.name}.jpg", place.look(view).rgb, 264) for view in views]
    poses, frames = poses_of(photos, tmp_path)
    assert {frame.group for frame in frames.frames} == {0, 1}
    assert [(view.camera.width, view.camera.height) for view in poses.views] == [(320, 240), (240, 320)] * 2
    true = [
        View(frame.name, view.camera, view.world_to_camera) for frame, view in zip(frames.frames, views, strict=True)
    ]
    assert pose_errors(poses.views, true).metres < 0.015


def test_a_video_of_one_still_picture_is_a_photo(place: Room, camera: Camera, tmp_path: Path) -> None:
    still = place.look(through(camera, 3)[1]).rgb
    frames = frames_of_video(write_clip(tmp_path / "still.mp4", [still] * 12), tmp_path / "frames")
    poses = estimate_poses(frames, tmp_path / "work")
    assert isinstance(poses.photo_only, NothingMoved) and len(poses.views) == 1


def test_one_picture_that_is_left_is_a_photo(walk: Walk, tmp_path: Path) -> None:
    poses = estimate_poses(Frames(walk.frames.frames[:1]), tmp_path)
    assert isinstance(poses.photo_only, TooFewPictures) and "take more" in str(poses.photo_only)
    assert len(poses.views) == 1 and poses.dropped == ()


def matched_by(views: list[View], noise: float, focal_off: float = 1.0) -> Matched:
    """Views of a cloud of points, matched as features are: off by `noise` pixels. focal_off: of what is believed."""
    rng = np.random.default_rng(0)
    points = rng.uniform([-4, -3, 1.5], [4, 1, 7], (400, 3))
    frames, shown = [], []
    for view in views:
        camera = view.camera
        focal = focal_off * camera.fx
        frames.append(Frame(view.name, Path(view.name), camera.width, camera.height, focal, focal_known=False))
        pixels, depth = view.projected(points)
        inside = (depth > 0.2) & (pixels > 0).all(axis=1) & (pixels < [camera.width, camera.height]).all(axis=1)
        shown.append((pixels + rng.normal(0, noise, pixels.shape), inside))
    pairs = [
        Pair(i, j, shown[i][0][both], shown[j][0][both])
        for i in range(len(views))
        for j in range(i + 1, len(views))
        if (both := shown[i][1] & shown[j][1]).sum() >= 15
    ]
    return Matched(tuple(frames), tuple(pairs), Path())


@pytest.mark.parametrize(
    ("width", "focal_off"),
    [
        (400, 0.85),
        (1200, 1.2),
        *(pytest.param(*one, marks=pytest.mark.long) for one in ((400, 1.0), (400, 1.2), (1200, 0.85), (1200, 1.0))),
    ],
)
def test_two_centimetres_of_a_hand_are_movement_and_a_camera_that_turns_goes_nowhere(
    width: int, focal_off: float
) -> None:
    camera = Camera.central(width, 3 * width // 4, 0.85 * width)
    for seed in range(3):
        assert gate(matched_by(shaking(camera, 6, 0.02, seed), 0.1, focal_off)).movement == "moves", seed
    for degrees in (1, 4, 16, 40):
        for noise in (0.1, 0.25 * width / 400 if degrees <= 4 else 0.1):
            found = gate(matched_by(turning(camera, 6, degrees), noise, focal_off))
            assert found.movement == "turns", (degrees, noise)
    assert gate(matched_by(standing_still(camera, 4), 0.1, focal_off)).movement == "stands"


def test_room_on_the_disk_is_looked_for_whenever_pictures_are_mapped_anew(
    camera: Camera, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [10**12, 0]
    monkeypatch.setattr(pycolmap, "incremental_mapping", lambda *_, **__: {})
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=left.pop(0), f_frsize=1))
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        by_colmap(matched_by(through(camera, 3), 0.1, 1.0), 8.0, tmp_path, 1, silent)
    assert left == []
