"""The files of points, written without a scene."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from immichvr_inpaint.places.files import write_point_files
from immichvr_splats.pointclouds import PointCloud, read_points


def sheet(count: int) -> PointCloud:
    """Points of a slope before the camera, in random places."""
    random = np.random.default_rng(3)
    places = random.uniform(-2, 2, (count, 3))
    places[:, 2] = 4 + places[:, 0]
    return PointCloud(places, random.integers(0, 256, (count, 3)))


def test_of_many_points_a_viewer_gets_tiles_and_every_point_is_in_one(tmp_path: Path) -> None:
    files, _ = write_point_files(sheet(100_001), tmp_path)
    tiles = {file.name: file for file in files if file.role == "tile"}
    [index] = [file for file in files if file.role == "tiles"]
    assert (index.name, index.format) == ("tiles.json", "json")

    def leaves(tile: dict[str, Any]) -> list[dict[str, Any]]:
        return [leaf for child in tile["children"] for leaf in leaves(child)] or [tile]

    root = json.loads((tmp_path / index.name).read_text())["root"]
    assert tiles[root["file"]].format == "glb"
    assert sum(leaf["count"] for leaf in leaves(root)) == 100_001
    one = leaves(root)[0]
    assert read_points(tmp_path / tiles[one["file"]].name).cloud.count == one["count"]
    assert len({(file.role, file.format, file.variant) for file in files}) == len(files), "one name for two files"
    assert all((tmp_path / file.name).is_file() for file in files)


@pytest.mark.parametrize("count", [500, 100_000])
def test_fewer_points_are_one_files(tmp_path: Path, count: int) -> None:
    files, _ = write_point_files(sheet(count), tmp_path)
    assert {file.role for file in files} == {"points", "level", "levels"}
