"""Tiles hold every Gaussian once at the leaves, and stand-ins for them above."""

import json
from dataclasses import replace

import numpy as np
import pytest
from immichvr_splats import TILES_FILE, GaussianCloud, InvalidCloudError, read, write_point_tiles, write_tiles
from immichvr_splats.pointclouds import PointCloud, read_points


def leaves(tile):
    return [node for node in tile.walk() if not node.children]


def in_order(cloud: GaussianCloud) -> np.ndarray:
    rows = np.concatenate((cloud.means, cloud.log_scales, cloud.sh[:, 0]), axis=1)
    return rows[np.lexsort(rows.T)]


def test_the_leaves_together_are_the_cloud(make_cloud, tmp_path):
    cloud = make_cloud(3000)
    root = write_tiles(cloud, tmp_path, "ply", most=200)
    parts = [read(tmp_path / leaf.file).cloud for leaf in leaves(root)]
    found = replace(
        parts[0],
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("means", "log_scales", "quaternions", "opacity_logits", "sh")
        },
    )
    np.testing.assert_array_equal(in_order(found), in_order(cloud))


def test_no_tile_has_more_than_asked_for_and_few_have_little(make_cloud, tmp_path):
    root = write_tiles(make_cloud(3000), tmp_path, most=200)
    counts = [tile.count for tile in root.walk()]
    assert max(counts) <= 200
    assert root.count == 200
    assert len(leaves(root)) < 2 * 3000 / 100


def test_a_tile_above_looks_like_what_is_below(photo_cloud, render, tmp_path):
    root = write_tiles(photo_cloud, tmp_path, "ply", most=photo_cloud.count // 4)
    level = replace(read(tmp_path / root.file).cloud, camera=photo_cloud.camera)
    error = np.mean((render(level) - render(photo_cloud)) ** 2)
    assert -10 * np.log10(error) > 25


def test_bounds_and_detail_shrink_down_the_tree(make_cloud, tmp_path):
    cloud = replace(make_cloud(3000), log_scales=np.full((3000, 3), -6.0))
    root = write_tiles(cloud, tmp_path, "ply", most=100)
    for tile in root.walk():
        found = read(tmp_path / tile.file).cloud
        low, high = found.bounds()
        assert (tile.bounds.low < low).all()
        assert (tile.bounds.high > high).all()
        assert all(child.detail < tile.detail for child in tile.children)
    leaf = leaves(root)[0]
    assert np.subtract(leaf.bounds.high, leaf.bounds.low).max() < 8
    assert leaf.detail == pytest.approx(np.exp(-6), rel=1e-5)


def test_the_index_names_every_file_and_nothing_else_is_there(make_cloud, camera, tmp_path):
    root = write_tiles(make_cloud(1000, camera=camera), tmp_path, most=150)
    index = json.loads((tmp_path / TILES_FILE).read_text())
    assert (index["version"], index["format"], index["count"]) == (1, "spz", 1000)
    assert index["camera"]["width"] == camera.width
    assert [loss["code"] for loss in index["losses"]] == ["camera"]

    def files(entry):
        return [entry["file"], *(file for child in entry["children"] for file in files(child))]

    assert files(index["root"]) == [tile.file for tile in root.walk()]
    assert {path.name for path in tmp_path.iterdir()} == {TILES_FILE, *files(index["root"])}


def test_one_far_gaussian_does_not_deepen_the_tree(make_cloud, tmp_path):
    cloud = make_cloud(500)
    cloud.means[0] = 1e6
    root = write_tiles(cloud, tmp_path, most=300)
    assert len(list(root.walk())) < 12


def test_gaussians_at_one_place_share_a_tile_however_many(make_cloud, tmp_path):
    cloud = make_cloud(300)
    cloud.means[:] = 1
    root = write_tiles(cloud, tmp_path, most=100)
    assert (root.count, root.children) == (300, [])


def test_a_small_cloud_is_one_tile(make_cloud, tmp_path):
    assert [tile.count for tile in write_tiles(make_cloud(10), tmp_path).walk()] == [10]
    assert write_tiles(make_cloud(0), tmp_path).count == 0


def test_tiles_without_gaussians_are_refused(make_cloud, tmp_path):
    with pytest.raises(InvalidCloudError, match="at least 1"):
        write_tiles(make_cloud(10), tmp_path, most=0)


def test_a_point_cloud_is_tiled_as_well(tmp_path):
    random = np.random.default_rng(0)
    cloud = PointCloud(random.uniform((-2, -1, 3), (2, 1, 9), (4000, 3)), random.integers(0, 256, (4000, 3)))
    root = write_point_tiles(cloud, tmp_path, most=300)
    found = np.concatenate([read_points(tmp_path / leaf.file).cloud.points for leaf in leaves(root)])
    np.testing.assert_array_equal(found[np.lexsort(found.T)], cloud.points[np.lexsort(cloud.points.T)])
    for tile in root.walk():
        inside = read_points(tmp_path / tile.file).cloud.points
        assert inside.shape[0] == tile.count <= 300
        np.testing.assert_allclose(inside.min(axis=0), tile.bounds.low, atol=1e-5)
        np.testing.assert_allclose(inside.max(axis=0), tile.bounds.high, atol=1e-5)
    assert np.median([leaf.detail for leaf in leaves(root)]) < root.detail
    index = json.loads((tmp_path / TILES_FILE).read_text())
    assert (index["format"], index["count"], index["root"]["file"]) == ("glb", 4000, root.file)
