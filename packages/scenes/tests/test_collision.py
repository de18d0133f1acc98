"""Voxels that one cannot walk through."""

from pathlib import Path

import numpy as np
import pytest
from immichvr_scenes import Camera, View
from immichvr_scenes.collision import read_voxels, voxels, write_voxels
from immichvr_splats import GaussianCloud


def _wall(count: int = 20_000, z: float = 3.0, stray: float | None = None) -> GaussianCloud:
    rng = np.random.default_rng(0)
    means = np.stack([rng.uniform(-2, 2, count), rng.uniform(-2, 0, count), np.full(count, z)], axis=1)
    means[: count // 2, 2] = 0.0
    if stray is not None:
        means[0] = stray
    return GaussianCloud(
        means=means,
        log_scales=np.log(np.full((count, 3), 0.02)),
        quaternions=np.tile([1.0, 0, 0, 0], (count, 1)),
        opacity_logits=np.full(count, 3.0),
        sh=np.zeros((count, 1, 3)),
    )


def test_a_wall_is_in_the_way_and_the_room_before_it_is_not() -> None:
    found = voxels(_wall(), size=0.1)
    across = np.stack([np.linspace(-1.8, 1.8, 40), np.full(40, -1.0), np.full(40, 3.0)], axis=1)
    assert found.at(across).mean() > 0.95
    assert not found.at(across - [0, 0, 1.5]).any()
    assert not found.at(np.array([[99.0, 0, 0]])).any()


def test_where_somebody_stood_is_free() -> None:
    view = View.looking("one", Camera.central(8, 8, 8), (0, -1, 3.0), (0, -1, 0))
    assert voxels(_wall(), size=0.1).at(view.centre[None]).all()
    assert not voxels(_wall(), [view], size=0.1).at(view.centre[None]).any()


def test_what_is_hardly_there_is_in_nobodys_way() -> None:
    cloud = _wall()
    cloud.opacity_logits[:] = -6
    assert not voxels(cloud, size=0.1).solid.any()


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = voxels(_wall(), size=0.13)
    size = write_voxels(found, tmp_path / "collision.bin")
    data = (tmp_path / "collision.bin").read_bytes()
    assert size == len(data) == 36 + -(-found.solid.size // 8)
    again = read_voxels(data)
    np.testing.assert_array_equal(again.solid, found.solid)
    np.testing.assert_allclose(again.origin, found.origin, atol=1e-6)
    x, y, z = (int(one) for one in np.argwhere(found.solid)[0])
    index = x + found.solid.shape[0] * (y + found.solid.shape[1] * z)
    assert data[36 + (index >> 3)] >> (index & 7) & 1
    for broken in (b"", data[:-1], b"XXXX" + data[4:], data[:4] + b"\x02" + data[5:]):
        with pytest.raises(ValueError, match="voxels"):
            read_voxels(broken)


@pytest.mark.parametrize("stray", [1e6, -1e30])
def test_neither_strays_nor_tiny_voxels_take_more_memory(stray: float) -> None:
    assert voxels(_wall(stray=stray), size=1e-5).solid.size <= 1 << 24


def test_no_gaussian_is_no_wall() -> None:
    assert not voxels(_wall().take(np.arange(0))).solid.any()
