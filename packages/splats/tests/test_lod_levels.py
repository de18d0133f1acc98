"""Levels are files of at most their counts, and an index that says what is in them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from immichvr_splats import (
    LEVEL_COUNTS,
    LEVELS_FILE,
    Marks,
    UnknownFormatError,
    levels,
    read,
    write_levels,
)


@pytest.fixture
def small_levels(monkeypatch):
    for name, count in (("preview", 50), ("medium", 200), ("full", 1000)):
        monkeypatch.setitem(LEVEL_COUNTS, name, count)


def test_the_levels_are_those_that_viewers_are_promised():
    assert LEVEL_COUNTS == {"preview": 100_000, "medium": 1_000_000, "full": 10_000_000}


@pytest.mark.parametrize(
    ("count", "wanted"),
    [
        (30, {"full": 30}),
        (50, {"full": 50}),
        (120, {"preview": 50, "full": 120}),
        (700, {"preview": 50, "medium": 200, "full": 700}),
        (1500, {"preview": 50, "medium": 200, "full": 1000}),
    ],
)
def test_a_cloud_has_the_levels_below_its_size_and_full(make_cloud, small_levels, count, wanted):
    assert {name: level.count for name, level in levels(make_cloud(count))} == wanted


def test_levels_come_coarsest_first(make_cloud, small_levels):
    counts = [level.count for _, level in levels(make_cloud(700))]
    assert counts == sorted(counts)


@pytest.mark.parametrize("format", ["spz", "ply"])
def test_the_index_tells_what_the_files_hold(make_cloud, camera, tmp_path, small_levels, format):
    marks = Marks(antialiased=True, origin=(500_000.0, 4_600_000.0, 0.0), georeference=("EPSG:32632",))
    cloud = replace(make_cloud(700, camera=camera), marks=marks)
    written = write_levels(cloud, tmp_path / "levels", format)
    index = json.loads((tmp_path / "levels" / LEVELS_FILE).read_text())
    assert (index["version"], index["format"], index["count"]) == (1, format, 700)
    assert index["camera"]["fx"] == camera.fx
    assert (index["antialiased"], index["origin"]) == (True, list(marks.origin))
    assert index["georeference"] == ["EPSG:32632"]
    assert [entry["name"] for entry in index["levels"]] == ["preview", "medium", "full"]
    assert [entry["file"] for entry in index["levels"]] == [level.file for level in written]
    for entry in index["levels"]:
        path = tmp_path / "levels" / entry["file"]
        found = read(path).cloud
        assert (entry["count"], entry["bytes"]) == (found.count, path.stat().st_size)
        low, high = found.bounds()
        assert (np.array(entry["bounds"]["low"]) < low).all()
        assert (np.array(entry["bounds"]["high"]) > high).all()
        assert [loss["code"] for loss in entry["losses"]] == (["camera", "georeference"] if format == "spz" else [])


def test_bounds_hold_three_standard_deviations_of_every_gaussian(make_cloud, tmp_path):
    cloud = replace(make_cloud(1), means=[[1.0, 2.0, 3.0]], log_scales=np.log([[0.1, 0.5, 0.2]]))
    bounds = write_levels(cloud, tmp_path)[0].bounds
    np.testing.assert_allclose(bounds.low, [-0.5, 0.5, 1.5], atol=1e-6)
    np.testing.assert_allclose(bounds.high, [2.5, 3.5, 4.5], atol=1e-6)


def test_gaussians_that_are_no_numbers_are_counted_as_dropped(make_cloud, tmp_path):
    cloud = make_cloud(20)
    cloud.means[3] = np.nan
    assert write_levels(cloud, tmp_path)[0].count == 19
    index = json.loads((tmp_path / LEVELS_FILE).read_text())
    assert [(loss["code"], loss["count"]) for loss in index["losses"]] == [("dropped", 1)]


def test_an_empty_cloud_has_a_full_level(make_cloud, tmp_path):
    assert [(level.name, level.count) for level in write_levels(make_cloud(0), tmp_path)] == [("full", 0)]


def test_a_format_that_is_not_written_is_refused_before_anything_is(make_cloud, tmp_path):
    with pytest.raises(UnknownFormatError, match="'obj', wants one of ply"):
        write_levels(make_cloud(5), tmp_path / "levels", "obj")
    assert not (tmp_path / "levels").exists()


def test_without_an_index_nothing_is_complete(make_cloud, tmp_path, small_levels):
    with pytest.raises(ValueError, match="no option 'wrong'"):
        write_levels(make_cloud(700), tmp_path, wrong=1)
    assert list(tmp_path.iterdir()) == []
