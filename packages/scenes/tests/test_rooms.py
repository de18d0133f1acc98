"""The room that everything else is measured against: what is seen in it is exact."""

from pathlib import Path

import numpy as np
import pytest
from immichvr_media import decode_photo
from immichvr_scenes import Camera, View
from immichvr_scenes.testing import Room, person, photograph, shaking, through, turning, write_photo

CAMERA = Camera.central(160, 120, 130)


def test_depth_is_that_of_the_wall_a_pixel_looks_at(place: Room) -> None:
    straight = View.looking("0", CAMERA, (-2.0, -2.2, 3.0), (-2.0, -2.2, 6.0))
    seen = place.look(straight)
    assert seen.depth.shape == (120, 160) and seen.rgb.shape == (120, 160, 3)
    assert seen.depth[50:80, 65:155] == pytest.approx(3.0, abs=1e-4)
    assert seen.depth.min() > 0


def test_what_one_camera_sees_another_sees_where_it_is_projected_to(place: Room) -> None:
    first, second = through(CAMERA, 6)[2:4]
    seen, other = place.look(first), place.look(second)
    points = first.unprojected(seen.depth).reshape(-1, 3)
    pixels, depth = second.projected(points)
    inside = ((pixels >= 1) & (pixels < [159, 119])).all(axis=1)
    columns, rows = np.floor(pixels[inside]).astype(int).T
    shown = np.abs(other.depth[rows, columns] - depth[inside]) < 0.05 * depth[inside]
    colours = seen.rgb.reshape(-1, 3)[inside][shown].astype(int)
    apart = np.abs(colours - other.rgb[rows, columns][shown].astype(int)).mean()
    assert shown.mean() > 0.85
    assert apart < 12


def test_points_scattered_over_the_room_lie_where_the_camera_sees_them(place: Room) -> None:
    points, colours, normals = place.scatter(4000)
    view = through(CAMERA, 3)[1]
    depth = place.look(view).depth
    pixels, away = view.projected(points)
    with np.errstate(invalid="ignore"):
        inside = ((pixels >= 0) & (pixels < [160, 120])).all(axis=1)
    columns, rows = np.floor(pixels[inside]).astype(int).T
    nearest = depth[rows, columns]
    assert (away[inside] > nearest * 0.9).mean() > 0.99
    assert (np.abs(away[inside] - nearest) < 0.03 * nearest).mean() > 0.4
    assert colours.shape == (4000, 3) and np.linalg.norm(normals, axis=1) == pytest.approx(1)


def test_somebody_in_the_room_hides_what_is_behind(place: Room) -> None:
    view = View.looking("0", CAMERA, (0, -1.5, 0.5), (0, -1.2, 4))
    empty, crowded = place.look(view), place.beside(person(0, 2.5)).look(view)
    covered = crowded.depth < empty.depth - 0.1
    assert 0.03 < covered.mean() < 0.3
    assert np.array_equal(crowded.rgb[~covered & (crowded.depth == empty.depth)][:50],
                          empty.rgb[~covered & (crowded.depth == empty.depth)][:50])  # fmt: skip


def test_a_hand_shakes_no_farther_than_it_reaches_and_a_tripod_not_at_all() -> None:
    apart = [np.linalg.norm(view.centre - shaking(CAMERA, 20, 0.06)[0].centre) for view in shaking(CAMERA, 20, 0.06)]
    assert max(apart) == pytest.approx(0.06)
    assert np.ptp([view.centre for view in turning(CAMERA, 9)], axis=0) == pytest.approx(0, abs=1e-9)


def test_pictures_are_read_from_their_files_at_the_size_that_is_wanted(place: Room, tmp_path: Path) -> None:
    [picture] = photograph(place, through(CAMERA, 3)[:1], tmp_path)
    seen = place.look(picture.view)
    assert np.array_equal(picture.read_image(), seen.rgb)
    assert picture.read_depth() == pytest.approx(seen.depth)
    assert picture.read_mask() is None
    small = picture.with_view(picture.view.scaled(80, 60))
    assert small.read_image().shape == (60, 80, 3) and small.read_depth().shape == (60, 80)


def test_a_photo_tells_its_focal_length(place: Room, tmp_path: Path) -> None:
    photo = decode_photo(write_photo(tmp_path / "a.jpg", place.look(through(CAMERA, 3)[0]).rgb, 130))
    assert photo.focal.source == "exif_35mm"
    assert photo.focal.px == pytest.approx(130, rel=0.03)
