"""Points of the room, held against its walls; nothing of the truth but photos goes in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from immichvr_scenes import Picture, View
from immichvr_scenes.errors import NoOverlap
from immichvr_scenes.points import DensePoints, DepthOptions, FusionOptions, fuse, make_points, write_points
from immichvr_scenes.points.fitting import fitted
from immichvr_scenes.points.neighbours import neighbours_of
from immichvr_scenes.points.thinning import thinned
from immichvr_scenes.poses import SparsePoints
from immichvr_scenes.testing import Room, photograph, shaking, through
from immichvr_scenes.testing.judging import onto_truth
from immichvr_splats.pointclouds import read_points

from .conftest import CAMERA, Walk


@pytest.fixture(scope="module")
def made(walk: Walk, tmp_path_factory: pytest.TempPathFactory) -> tuple[DensePoints, list[Picture]]:
    pictures = walk.poses.pictures(walk.frames.frames)
    folder = tmp_path_factory.mktemp("depth")
    return make_points(pictures, walk.poses.points, folder, DepthOptions(longest_side=200), FusionOptions(most=40_000))


def test_points_lie_on_the_walls_to_within_a_hundredth_of_their_distance(
    made: tuple[DensePoints, list[Picture]], walk: Walk, place: Room
) -> None:
    points, _ = made
    move = onto_truth(walk.poses.views, walk.views)
    where = move.applied(points.xyz)
    eyes = np.array([view.centre for view in walk.views])
    away = np.linalg.norm(where[:, None] - eyes[None], axis=2).min(axis=1)
    errors = place.distances(where) / away
    assert points.count > 20_000
    assert np.median(errors) < 0.01
    assert np.percentile(errors, 90) < 0.03


def test_depth_of_each_picture_is_right_to_a_hundredth_in_the_median(
    made: tuple[DensePoints, list[Picture]], walk: Walk, place: Room
) -> None:
    scale, errors = onto_truth(walk.poses.views, walk.views).scale, []
    for picture, true in zip(made[1], walk.views, strict=True):
        depth = picture.read_depth_as_it_is()
        assert depth is not None and depth.shape == (150, 200)
        seen = place.look(true.scaled(200, 150), samples=1).depth
        errors.append(np.abs(scale * depth / seen - 1)[depth > 0])
        assert (depth > 0).mean() > 0.5
    assert np.median(np.concatenate(errors)) < 0.01


def test_normals_face_who_saw_them_and_colours_are_those_of_the_walls(
    made: tuple[DensePoints, list[Picture]], walk: Walk
) -> None:
    points, pictures = made
    view = pictures[4].view
    towards = view.centre - points.xyz
    assert ((points.normals * towards).sum(axis=1) > 0).mean() > 0.95
    pixels, _ = view.projected(points.xyz)
    with np.errstate(invalid="ignore"):
        inside = ((pixels >= 0) & (pixels < [320, 240])).all(axis=1) & (points.agreeing >= 4)
    columns, rows = pixels[inside].astype(int).T
    seen = pictures[4].read_image()[rows, columns].astype(int)
    assert np.median(np.abs(seen - points.rgb[inside].astype(int))) < 20


def test_points_are_written_as_ply_and_glb_with_levels(made: tuple[DensePoints, list[Picture]], tmp_path: Path) -> None:
    levels = write_points(made[0], tmp_path)
    for name in ("points.ply", "points.glb"):
        read = read_points(tmp_path / name).cloud
        assert read.count == made[0].count
        assert np.abs(read.points - made[0].xyz).max() < 0.01
    assert levels[-1].name == "full" and (tmp_path / "levels/levels.json").is_file()


def test_what_no_other_view_agrees_with_is_left_out(place: Room, tmp_path: Path) -> None:
    pictures = photograph(place, through(CAMERA.scaled(80, 60), 4), tmp_path)
    wrong = np.load(tmp_path / "0001.npy")
    wrong[20:30, 30:50] *= 0.7
    np.save(tmp_path / "0001.npy", wrong)
    points = fuse(pictures)
    assert points.count > 3000
    assert np.percentile(place.distances(points.xyz), 99) < 0.03


def test_what_a_mask_does_not_know_makes_no_points(place: Room, tmp_path: Path) -> None:
    pictures = photograph(place, through(CAMERA.scaled(80, 60), 3), tmp_path)
    unknown = np.zeros((60, 80), bool)
    assert fuse([Picture(one.view, one.image, unknown, one.depth) for one in pictures]).count == 0


def test_pictures_that_agree_on_nothing_say_so(place: Room, tmp_path: Path) -> None:
    views = through(CAMERA.scaled(80, 60), 3)
    pictures = photograph(place, views, tmp_path, depth=False)
    turned = [View(one.name, one.view.camera, views[2 - number].world_to_camera) for number, one in enumerate(pictures)]
    mixed = [Picture(view, one.image) for view, one in zip(turned, pictures, strict=True)]
    with pytest.raises(NoOverlap, match="do not agree"):
        make_points(mixed, SparsePoints.none(), tmp_path / "depth", DepthOptions(likeness=0.98))


@pytest.mark.parametrize(("scale", "shift"), [(2.5, 0.0), (0.4, 0.15), (3.0, -0.05)])
def test_a_networks_depth_is_fitted_in_scale_and_shift_whatever_some_points_say(
    place: Room, scale: float, shift: float
) -> None:
    view = through(CAMERA, 3)[1]
    true = place.look(view, samples=1).depth
    guess = (1 / (scale / true + shift)).astype(np.float32)
    rng = np.random.default_rng(0)
    pixels = rng.uniform([0, 0], [320, 240], (200, 2))
    known = true[pixels[:, 1].astype(int), pixels[:, 0].astype(int)] * rng.normal(1, 0.003, 200)
    known[:20] *= 1.6
    made = fitted(guess, pixels, known)
    assert made is not None
    assert np.median(np.abs(made.depth / true - 1)) < 0.005


def test_too_few_points_fit_nothing(place: Room) -> None:
    assert fitted(np.ones((4, 4), np.float32), np.ones((5, 2)), np.ones(5)) is None


def test_neighbours_see_the_same_from_a_little_beside(place: Room) -> None:
    views = [*through(CAMERA, 10), View.looking("back", CAMERA, (0, -1.5, 3), (0, -1.5, 0))]
    chosen = neighbours_of(views, [3.0] * len(views), 4)
    assert chosen[-1] == []
    assert all(len(others) == 4 and 10 not in others for others in chosen[:-1])
    close = neighbours_of(shaking(CAMERA, 6), [3.0] * 6, 3)
    assert all(len(others) == 3 for others in close)


def test_thinning_keeps_the_surface_and_its_bounds() -> None:
    rng = np.random.default_rng(0)
    xyz = rng.uniform([-2, 0, -3], [2, 0, 3], (50_000, 3)).astype(np.float32)
    up = np.tile(np.array([0, -1, 0], np.float32), (50_000, 1))
    grey = np.full((50_000, 3), 128, np.uint8)
    made, rgb, normals, weights = thinned(xyz, grey, up, np.ones(50_000, np.float32), 0.0, 2000)
    assert 600 < len(made) <= 2000 and len(rgb) == len(normals) == len(weights) == len(made)
    assert made.min(axis=0) == pytest.approx([-2, 0, -3], abs=0.2) and np.allclose(normals, [0, -1, 0])
