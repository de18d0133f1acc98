"""Where nothing sound is left of what is to be written, nothing is written, and what was there stays."""

from dataclasses import replace

import numpy as np
import pytest
from immichvr_splats import (
    FORMATS,
    EmptyCloudError,
    convert,
    open_cloud,
    write,
    write_levels,
    write_point_levels,
    write_sog_folder,
    write_tiles,
)
from immichvr_splats.pointclouds import POINT_FORMATS, PointCloud, write_points


@pytest.fixture
def damaged(make_cloud):
    return replace(make_cloud(9), means=np.full((9, 3), np.nan))


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good"
    path.write_bytes(b"made with care")
    yield path
    assert path.read_bytes() == b"made with care"
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


@pytest.mark.parametrize("key", FORMATS)
def test_a_cloud_without_a_sound_gaussian_replaces_no_file(damaged, good, key):
    with pytest.raises(EmptyCloudError, match="9 with non-finite means"):
        write(damaged, good, key)


@pytest.mark.parametrize("key", FORMATS)
def test_a_file_without_a_gaussian_is_not_converted(make_cloud, good, tmp_path, key):
    write(make_cloud(0), tmp_path / "none.ply")
    with pytest.raises(EmptyCloudError, match="the file gives no Gaussians: it is empty"):
        convert(tmp_path / "none.ply", good, to=key)
    assert open_cloud(tmp_path / "none.ply").count == 0


@pytest.mark.parametrize("key", POINT_FORMATS)
def test_points_of_which_none_is_finite_replace_no_file(good, key):
    points = PointCloud(np.full((4, 3), np.inf), np.zeros((4, 3), np.uint8))
    with pytest.raises(EmptyCloudError, match="4 points dropped"):
        write_points(points, good, key)


@pytest.mark.parametrize("write_folder", [write_levels, write_tiles, write_sog_folder])
def test_levels_tiles_and_folders_of_nothing_are_not_made(damaged, tmp_path, write_folder):
    with pytest.raises(EmptyCloudError):
        write_folder(damaged, tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_levels_of_no_point_are_not_made(tmp_path):
    with pytest.raises(EmptyCloudError):
        write_point_levels(PointCloud(np.full((4, 3), np.inf), np.zeros((4, 3), np.uint8)), tmp_path / "made")
    assert not (tmp_path / "made").exists()
