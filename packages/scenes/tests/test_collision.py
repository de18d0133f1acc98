"""Voxels that one cannot walk through."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from immichvr_scenes import Camera, View
from immichvr_scenes.collision import MOST_VOXELS, VOXELS_FILE, read_voxels, voxels, write_voxels
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


def _disc(scale: float) -> GaussianCloud:
    """One Gaussian without thickness, turned by 45° about y."""
    return GaussianCloud(
        means=np.array([[0.0, 0, 2]]),
        log_scales=np.log([[scale, scale, 1e-300]]),
        quaternions=np.array([[np.cos(np.pi / 8), 0, np.sin(np.pi / 8), 0]]),
        opacity_logits=np.array([5.0]),
        sh=np.zeros((1, 1, 3)),
    )


def _corners() -> list[View]:
    return [View.looking("", Camera.central(8, 8, 8), eye, (0, 0, 2)) for eye in ((-1, -1, 1), (1, 1, 3))]


def test_a_large_flat_gaussian_is_a_thin_wall_without_gaps_and_a_speck_is_none() -> None:
    found = voxels(_disc(0.3), _corners(), size=0.1)
    across, steps = np.array([1.0, 0, 1]) / np.sqrt(2), np.linspace(-0.4, 0.4, 161)[:, None]
    for along in np.linspace(-0.3, 0.3, 51)[:, None] * [1.0, 0, -1] / np.sqrt(2):
        hit = found.at(along + [0, 0, 2] + steps * across)
        assert hit.any()
        assert not hit[np.abs(steps[:, 0]) > 0.15].any()
    assert not voxels(_disc(0.01), _corners(), size=0.1).solid.any()


def test_a_file_is_small_and_read_as_it_was_written(tmp_path: Path) -> None:
    found = voxels(_wall(), size=0.13)
    size = write_voxels(found, tmp_path / VOXELS_FILE)
    data = (tmp_path / VOXELS_FILE).read_bytes()
    assert size == len(data) < found.solid.size // 8
    again = read_voxels(data)
    np.testing.assert_array_equal(again.solid, found.solid)
    np.testing.assert_array_equal(again.origin, found.origin)
    assert again.size == found.size


def test_a_browser_finds_a_line_of_json_and_bits_along_x(tmp_path: Path) -> None:
    found = voxels(_wall(), size=0.13)
    write_voxels(found, tmp_path / VOXELS_FILE)
    line, bits = gzip.decompress((tmp_path / VOXELS_FILE).read_bytes()).split(b"\n", 1)
    told = json.loads(line)
    assert told["shape"] == list(found.solid.shape) and told["size"] == 0.13
    for x, y, z in np.argwhere(found.solid)[::50].tolist():
        index = x + told["shape"][0] * (y + told["shape"][1] * z)
        assert bits[index >> 3] >> (index & 7) & 1
    assert sum(byte.bit_count() for byte in bits) == found.solid.sum()


def test_what_is_no_file_of_voxels_is_told_and_never_unpacked_whole(tmp_path: Path) -> None:
    write_voxels(voxels(_wall(), size=0.13), tmp_path / VOXELS_FILE)
    data = (tmp_path / VOXELS_FILE).read_bytes()
    plain = gzip.decompress(data)

    def told(**changed: object) -> bytes:
        line, bits = plain.split(b"\n", 1)
        return gzip.compress(json.dumps(json.loads(line) | changed).encode() + b"\n" + bits)

    broken = [b"", data[:-9], b"XX" + data[2:], plain, gzip.compress(plain[:-1]), gzip.compress(plain + b"\0")]
    broken += [told(version=2), told(form="other"), told(size=0), told(size="nan"), told(origin=[1, 2])]
    broken += [told(shape=[0, 1, 1]), told(shape=[1 << 20, 1 << 20, 1]), told(shape="abc"), gzip.compress(b"[]\n")]
    broken += [told(shape=[float("inf"), 1, 1]), told(size=10**400), told(more="a" * 5000)]
    broken += [gzip.compress(b'{"form": ' + b"[" * depth + b"\n") for depth in (2_000, 100_000)]
    broken += [gzip.compress(bytes(50_000_000))]
    for one in broken:
        with pytest.raises(ValueError, match="voxels"):
            read_voxels(one)


@pytest.mark.parametrize("stray", [1e6, -1e30])
def test_neither_strays_nor_tiny_voxels_take_more_memory(stray: float) -> None:
    assert voxels(_wall(stray=stray), size=1e-5).solid.size <= MOST_VOXELS


@pytest.mark.parametrize("sides", [(1e6, 0, 0), (1e6, 1e6, 0), (1e30, 1e-30, 1), (0, 0, 0)])
def test_a_line_a_plane_and_a_point_have_no_more_voxels_than_a_room(sides: tuple[float, ...]) -> None:
    cloud = _wall(2_000)
    cloud.means[:] = np.random.default_rng(1).uniform(0, 1, (2_000, 3)) * sides
    assert voxels(cloud, size=1e-5).solid.size <= MOST_VOXELS
    assert voxels(cloud).solid.size <= MOST_VOXELS


def test_gaussians_that_are_no_numbers_are_in_nobodys_way() -> None:
    cloud = _wall()
    cloud.means[::3] = np.nan
    cloud.log_scales[1::3] = np.inf
    cloud.quaternions[2::3] = np.nan
    assert not voxels(cloud, size=0.1).solid.any()


def test_one_camera_far_away_makes_no_wall_coarser() -> None:
    near = [View.looking(str(x), Camera.central(8, 8, 8), (x, -1, 1.5), (0, -1, 3)) for x in (-1, 0, 1)]
    far = View.looking("far", Camera.central(8, 8, 8), (1e5, 0, 0), (0, 0, 3))
    assert voxels(_wall(), [*near, far]).size == voxels(_wall(), near).size


def test_cameras_that_overflow_are_told() -> None:
    ends = [View.turned("far", Camera.central(8, 8, 8), (x, 0, 0), np.eye(3)) for x in (-1.7e308, 1.7e308)]
    with pytest.raises(ValueError, match="finite sides"), np.errstate(over="ignore"):
        voxels(_wall(), ends)


def test_no_gaussian_is_no_wall() -> None:
    assert not voxels(_wall().take(np.arange(0))).solid.any()
