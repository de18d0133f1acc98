"""Levels of point clouds keep the surest points, at exactly the size asked for."""

import json

import numpy as np
import pytest
from immichvr_splats import LEVELS_FILE, InvalidCloudError, UnknownFormatError, lod_points, write_point_levels
from immichvr_splats.lod import LEVEL_COUNTS
from immichvr_splats.pointclouds import PointCloud, read_points


@pytest.fixture
def points():
    random = np.random.default_rng(0)
    places = random.uniform((-2, -1, 3), (2, 1, 3.01), (1000, 3))
    return PointCloud(places, random.integers(0, 256, (1000, 3)), np.linspace(0, 1, 1000))


@pytest.fixture
def small_levels(monkeypatch):
    for name, count in (("preview", 50), ("medium", 200), ("full", 900)):
        monkeypatch.setitem(LEVEL_COUNTS, name, count)


@pytest.mark.parametrize("count", [1, 7, 500, 999])
def test_a_level_has_exactly_the_count_and_stays_where_the_cloud_is(points, count):
    level = lod_points(points, count)
    assert level.count == count
    assert (level.points >= points.points.min(axis=0)).all()
    assert (level.points <= points.points.max(axis=0)).all()


def test_one_point_is_the_mean_of_all(points):
    level = lod_points(points, 1)
    np.testing.assert_allclose(level.points[0], points.points.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(level.colors[0], points.colors.mean(axis=0), atol=0.51)
    np.testing.assert_allclose(level.confidence[0], points.confidence.mean(), atol=1e-6)


def test_what_fits_is_left_as_it_is(points):
    np.testing.assert_array_equal(lod_points(points, 1000).points, points.points)
    with pytest.raises(InvalidCloudError, match="at least 1"):
        lod_points(points, 0)


def test_levels_leave_out_the_least_sure_points(points, tmp_path, small_levels):
    written = write_point_levels(points, tmp_path)
    assert [(level.name, level.count) for level in written] == [("preview", 50), ("medium", 200), ("full", 900)]
    index = json.loads((tmp_path / LEVELS_FILE).read_text())
    assert [entry["least_confidence_percentile"] for entry in index["levels"]] == [20, 10, 3]
    for entry in index["levels"]:
        found = read_points(tmp_path / entry["file"]).cloud
        assert found.count == entry["count"]
        np.testing.assert_allclose(found.points.min(axis=0), entry["bounds"]["low"], atol=1e-3)


def test_full_holds_all_that_are_sure_enough(points, tmp_path):
    assert [(level.name, level.count) for level in write_point_levels(points, tmp_path)] == [("full", 970)]


def test_points_without_confidence_all_count(points, tmp_path):
    assert write_point_levels(PointCloud(points.points, points.colors), tmp_path)[0].count == 1000


def test_points_that_are_no_numbers_are_counted(points, tmp_path):
    points.points[5] = np.nan
    write_point_levels(points, tmp_path)
    index = json.loads((tmp_path / LEVELS_FILE).read_text())
    assert [(loss["code"], loss["count"]) for loss in index["losses"]] == [("dropped", 1)]


def test_a_format_that_is_none_of_points_is_refused(points, tmp_path):
    with pytest.raises(UnknownFormatError, match="wants one of"):
        write_point_levels(points, tmp_path, "spz")
