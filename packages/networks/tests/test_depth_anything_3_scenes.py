"""Depth Anything 3 with several views of one place, and its Gaussians: one world, one scale, every photo whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from immichvr_inference.network import Compute, View
from immichvr_networks import NETWORKS
from immichvr_networks.depth_anything_3 import poses
from immichvr_networks.depth_anything_3.inputs import canvas_of
from immichvr_splats import Camera, GaussianCloud
from immichvr_splats.turning import moved
from PIL import Image

pytest.importorskip("depth_anything_3", reason="depth-anything-3 is not installed: make setup")

EFFORT = 1 / 9
HEIGHT, WIDTH = 42, 56
"""Of a photo as large as the network's input at this effort."""
GIANT, NESTED, SMALL = "da3-giant", "da3nested-giant-large", "da3-small"
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


def network(key: str) -> Any:
    return NETWORKS[key]


@pytest.fixture(scope="module")
def compute() -> Iterator[Compute]:
    """One thread: networks this small gain nothing from a second core, and lose much where others use it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Compute(torch.device("cpu"), torch.float32, EFFORT)
    torch.set_num_threads(before)


def view(height: int = 90, width: int = 120, seed: int = 0) -> View:
    noise = np.random.default_rng(seed).integers(0, 255, (9, 12, 3), np.uint8)
    rgb = np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))
    return View(rgb, 1.1 * width)


def views(count: int) -> list[View]:
    return [view(seed=seed) for seed in range(count)]


def shapes(cloud: GaussianCloud) -> F64:
    """Covariances, (N, 3, 3)."""
    w, x, y, z = cloud.quaternions.T.astype(np.float64)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    axes = np.moveaxis(np.array(rows), -1, 0) * np.exp(cloud.log_scales.astype(np.float64))[:, None]
    return np.asarray(axes @ axes.transpose(0, 2, 1))


@contextmanager
def head_that_says(module: Any, **channels: float) -> Iterator[None]:
    """Let the Gaussian head say the same of every pixel: the rotation that is none, and these raw values."""
    import torch

    last = getattr(module, "da3", module).gs_head.scratch.output_conv2[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.zero_()
        last.bias[8] = 1.0
        for name, value in channels.items():
            last.bias[int(name.removeprefix("c"))] = value
    yield


def test_the_first_view_is_the_world_and_the_others_are_rigid(compute: Compute) -> None:
    scene = network(SMALL).scene(network(SMALL).tiny(), views(3), compute, splat=True)
    assert scene.cloud is None  # it has no Gaussian head
    assert np.median(scene.views[0].depth) == pytest.approx(2.0, rel=1e-5)
    first, *others = [seen.camera.extrinsic for seen in scene.views]
    assert np.array_equal(first, np.eye(4))
    for extrinsic in others:
        assert np.allclose(extrinsic[:3, :3] @ extrinsic[:3, :3].T, np.eye(3), atol=1e-5)
        assert np.abs(extrinsic[:3, 3]).max() > 1e-3


def test_a_portrait_beside_a_landscape_is_seen_whole() -> None:
    portrait, landscape = view(160, 120), view(90, 160)
    canvas = canvas_of([portrait, landscape], EFFORT)
    assert canvas.pixels.shape == (2, 3, WIDTH, WIDTH)
    for photo, pixels, window in zip((portrait, landscape), canvas.pixels, canvas.windows, strict=True):
        alone = canvas_of([photo], EFFORT).pixels[0]
        assert np.array_equal(window.of(pixels.transpose(1, 2, 0)), alone.transpose(1, 2, 0))
        assert (window.top * 2 + window.height, window.left * 2 + window.width) == (WIDTH, WIDTH)
        assert np.count_nonzero(pixels) <= alone.size


def test_every_view_has_depth_in_its_own_shape(compute: Compute) -> None:
    photos = [view(160, 120), view(90, 160, seed=1), view(100, 100, seed=2)]
    scene = network(GIANT).scene(network(GIANT).tiny(), photos, compute, splat=True)
    for photo, seen in zip(photos, scene.views, strict=True):
        height, width = seen.depth.shape
        assert max(height, width) == WIDTH or (height, width) == photo.rgb.shape[:2]
        assert width / height == pytest.approx(photo.rgb.shape[1] / photo.rgb.shape[0], rel=0.02)
        assert seen.confidence.shape == seen.depth.shape
        assert (seen.camera.width, seen.camera.height) == (width, height)


def test_padding_makes_no_gaussians(compute: Compute) -> None:
    photos = [view(160, 120), view(90, 160, seed=1)]
    module, windows = network(GIANT).tiny(), canvas_of(photos, EFFORT).windows
    with head_that_says(module):
        cloud = network(GIANT).scene(module, photos, compute, splat=True).cloud
    pixels = sum(window.height * window.width for window in windows)
    assert pixels < WIDTH * WIDTH * 1.5
    assert 0.8 * pixels < cloud.count <= 0.9 * pixels + 2


def test_a_network_sees_one_scene_at_a_time_however_many_views(compute: Compute) -> None:
    module, inputs = network(NESTED).tiny(), []
    module.register_forward_pre_hook(lambda _module, _args, named: inputs.append(named["x"].shape), with_kwargs=True)
    scene = network(NESTED).scene(module, views(9), compute, splat=True)
    network(NESTED).depth(module, views(2), compute)
    assert [tuple(shape[:2]) for shape in inputs] == [(1, 9), (1, 1), (1, 1)]
    assert len(scene.views) == 9
    assert all(seen.metric for seen in scene.views)


def test_gaussians_of_a_nested_network_are_in_metres_like_its_depth(compute: Compute) -> None:
    module, photo = network(NESTED).tiny(), view()
    nested = network(NESTED).scene(module, [photo], compute, splat=True)
    relative = network(GIANT).scene(module.da3, [photo], compute, splat=True)
    metres = float(np.median(nested.views[0].depth / relative.views[0].depth))
    assert nested.views[0].metric and abs(metres - 1) > 0.1
    assert nested.cloud.means == pytest.approx(metres * relative.cloud.means, rel=1e-3, abs=1e-5)
    assert nested.cloud.log_scales == pytest.approx(relative.cloud.log_scales + np.log(metres), abs=1e-3)


def test_cameras_of_a_nested_network_are_in_metres_too(compute: Compute) -> None:
    module = network(NESTED).tiny()
    nested = network(NESTED).scene(module, views(2), compute, splat=False)
    relative = network(GIANT).scene(module.da3, views(2), compute, splat=False)
    metres = float(np.median(nested.views[1].depth / relative.views[1].depth))
    theirs = relative.views[1].camera.extrinsic[:3, 3]
    assert nested.views[1].camera.extrinsic[:3, 3] == pytest.approx(metres * theirs, rel=1e-3)


def test_each_pixel_of_a_photo_has_its_gaussian_on_its_ray(compute: Compute) -> None:
    module, photo = network(GIANT).tiny(), view(HEIGHT, WIDTH)  # as large as the input
    with head_that_says(module):
        scene = network(GIANT).scene(module, [photo], compute, splat=True)
    [seen], cloud = scene.views, scene.cloud
    camera = seen.camera
    assert cloud.count == HEIGHT * WIDTH
    projected = cloud.means[:, :2] / cloud.means[:, 2:] * [camera.fx, camera.fy] + [camera.cx, camera.cy]
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    assert np.abs(projected - np.stack([columns, rows], -1).reshape(-1, 2) - 0.5).max() < 1e-3
    assert np.linalg.norm(cloud.means, axis=1) == pytest.approx(seen.depth.ravel(), rel=1e-4)
    size = (1e-5 + (30 - 1e-5) / 2) * 0.1 * (1 / camera.fx + 1 / camera.fy)
    assert np.exp(cloud.log_scales[:, 0]) == pytest.approx(seen.depth.ravel() * size, rel=1e-4)
    assert np.allclose(cloud.opacity_logits, 0, atol=1e-6)
    assert cloud.camera.fx == pytest.approx(camera.fx)


def test_offsets_move_a_gaussian_in_the_picture_and_in_depth(compute: Compute) -> None:
    module, photo = network(GIANT).tiny(), view(HEIGHT, WIDTH)
    with head_that_says(module, c0=2.0, c1=-3.0, c36=0.5):
        scene = network(GIANT).scene(module, [photo], compute, splat=True)
    with head_that_says(module):
        still = network(GIANT).scene(module, [photo], compute, splat=True)
    camera, ours, theirs = scene.views[0].camera, scene.cloud.means, still.cloud.means
    step = (ours[:, :2] / ours[:, 2:] - theirs[:, :2] / theirs[:, 2:]) * [camera.fx, camera.fy]
    assert np.abs(step - [2, -3]).max() < 1e-3
    farther = np.linalg.norm(ours, axis=1) - np.linalg.norm(theirs, axis=1)
    assert farther.min() > 0 and np.ptp(farther) < 1e-4


def test_harmonics_are_of_degree_2_one_channel_after_the_other(compute: Compute) -> None:
    module = network(GIANT).tiny()
    with head_that_says(module, c9=0.7, c18=0.4, c28=10.0, c32=20.0):
        cloud = network(GIANT).scene(module, [view()], compute, splat=True).cloud
    expected: F32 = np.zeros((9, 3), np.float32)
    expected[0, 0], expected[0, 1], expected[1, 2], expected[5, 2] = 0.7, 0.4, 10 * 0.025, 20 * 0.00625
    assert cloud.sh.shape == (cloud.count, 9, 3)
    assert np.abs(cloud.sh - expected).max() < 1e-5


def test_gaussians_are_turned_as_upstream_renders_them(compute: Compute) -> None:
    import torch
    from depth_anything_3.model.utils.transform import cam_quat_xyzw_to_world_quat_wxyz

    module, raw = network(GIANT).tiny(), (0.3, -0.4, 0.5, 0.7)
    channels = {f"c{5 + index}": value for index, value in enumerate(raw)}
    output: dict[str, Any] = {}
    module.register_forward_hook(lambda _module, _inputs, result: output.update(result))
    with head_that_says(module, c2=2.0, c3=-1.0, **channels):
        scene = network(GIANT).scene(module, views(2), compute, splat=True)
    extrinsics = np.tile(np.eye(4), (2, 1, 1))
    extrinsics[:, :3] = output["extrinsics"][0].numpy()
    quaternion = torch.nn.functional.normalize(torch.tensor(raw), dim=0).expand(1, 2, 4)
    worlds = torch.from_numpy(np.linalg.inv(extrinsics)).float()[None]
    turned = cam_quat_xyzw_to_world_quat_wxyz(quaternion, worlds)[0].numpy()
    for index, point in enumerate((0, scene.cloud.count - 1)):
        one = scene.cloud.take(np.array([point]))
        theirs = GaussianCloud(one.means, one.log_scales, turned[index : index + 1], one.opacity_logits, one.sh)
        expected = shapes(moved(theirs, np.block([[extrinsics[0, :3, :3], np.zeros((3, 1))], [0, 0, 0, 1]])))
        assert shapes(one) == pytest.approx(expected, rel=1e-3, abs=1e-3 * expected.max())


def test_several_views_of_the_same_thing_put_their_gaussians_in_one_world(compute: Compute) -> None:
    module, photos = network(GIANT).tiny(), views(2)
    with head_that_says(module):
        scene = network(GIANT).scene(module, photos, compute, splat=True)
    half = scene.cloud.count // 2
    seen = scene.views[1]
    matrix = seen.camera.extrinsic
    local = scene.cloud.means[half:] @ matrix[:3, :3].T + matrix[:3, 3]
    distances = np.linalg.norm(local, axis=1)
    assert distances.min() >= 0.9 * seen.depth.min() and distances.max() <= 1.1 * seen.depth.max()
    assert (local[:, 2] > 0).all()


def test_scenes_leave_out_borders_and_the_farthest_tenth_and_single_photos_do_not(compute: Compute) -> None:
    module, photo = network(GIANT).tiny(), view(HEIGHT, WIDTH)
    with head_that_says(module):
        [alone] = network(GIANT).splats(module, [photo], compute)
        scene = network(GIANT).scene(module, [photo, photo], compute, splat=True)
    inside = (HEIGHT - 2) * (WIDTH - 2)
    assert alone.count == HEIGHT * WIDTH
    assert 2 * (inside - HEIGHT * WIDTH // 10) - 2 <= scene.cloud.count <= 2 * inside


def test_gaussians_that_show_nowhere_or_lie_behind_the_camera_are_left_out(compute: Compute) -> None:
    module = network(GIANT).tiny()
    with head_that_says(module, c37=-8.0):  # an opacity of 1 / 3000
        assert network(GIANT).splats(module, [view()], compute)[0].count == 0
    with head_that_says(module, c36=-1000.0):
        assert network(GIANT).splats(module, [view()], compute)[0].count == 0


def test_results_can_be_optimised_further(compute: Compute) -> None:
    import torch

    cloud = network(GIANT).splats(network(GIANT).tiny(), [view()], compute)[0]
    means = torch.from_numpy(cloud.means).requires_grad_()
    (means * torch.from_numpy(cloud.log_scales)).sum().backward()
    means.data.add_(1)
    assert means.grad is not None and not means.is_inference()


def camera_at(x: float, y: float = 0.0, z: float = 0.0) -> Camera:
    extrinsic = np.eye(4)
    extrinsic[:3, 3] = -x, -y, -z
    return Camera(130.0, 130.0, 60.0, 45.0, 120, 90, extrinsic)


def baselines(cameras: list[Camera]) -> F64:
    centres = np.array([np.linalg.inv(camera.extrinsic)[:3, 3] for camera in cameras])
    return np.linalg.norm(centres - centres[0], axis=1)[1:]


@pytest.mark.parametrize("key", [SMALL, NESTED])
def test_two_known_cameras_give_a_scene_its_scale(key: str, compute: Compute) -> None:
    known = [camera_at(0), camera_at(0.8)]
    scene = network(key).scene(network(key).tiny(), views(2), compute, splat=True, known=known)
    assert all(seen.metric for seen in scene.views)
    assert baselines([seen.camera for seen in scene.views]) == pytest.approx([0.8])
    if scene.cloud is not None:
        near = np.linalg.norm(scene.cloud.means, axis=1)
        assert np.median(near) == pytest.approx(np.median(scene.views[0].depth), rel=0.5)


def test_known_cameras_in_one_line_give_a_scale_too(compute: Compute) -> None:
    known = [camera_at(0), camera_at(1), camera_at(2)]
    scene = network(SMALL).scene(network(SMALL).tiny(), views(3), compute, splat=False, known=known)
    found = np.array([camera.extrinsic for camera in (seen.camera for seen in scene.views)])
    assert poses.scale_to(poses.extrinsics_of(known), found) == pytest.approx(1)


def test_known_cameras_in_one_place_leave_the_scale_open(compute: Compute) -> None:
    known = [camera_at(3), camera_at(3)]
    scene = network(SMALL).scene(network(SMALL).tiny(), views(2), compute, splat=False, known=known)
    assert not scene.views[0].metric
    assert np.median(scene.views[0].depth) == pytest.approx(2.0, rel=1e-5)


def test_known_cameras_reach_the_network(compute: Compute) -> None:
    module, told = network(SMALL).tiny(), {}
    module.register_forward_pre_hook(lambda _module, _args, named: told.update(named), with_kwargs=True)
    network(SMALL).scene(module, views(2), compute, splat=False, known=[camera_at(1), camera_at(1, 5)])
    assert told["extrinsics"][0, 0].numpy() == pytest.approx(np.eye(4))
    assert told["extrinsics"][0, 1, :3, 3].numpy() == pytest.approx([0, -1, 0])  # the distance is the unit
    height, width = told["x"].shape[-2:]
    assert told["intrinsics"][0, 0, 0, 0] == pytest.approx(130 * width / 120)
    assert told["intrinsics"][0, 0, :2, 2].numpy() == pytest.approx([width / 2, height / 2])


def test_the_scale_of_cameras_does_not_depend_on_how_their_worlds_lie() -> None:
    turn = np.array([[0, -1, 0, 5], [1, 0, 0, -2], [0, 0, 1, 1], [0, 0, 0, 1]], np.float64)
    known = poses.extrinsics_of([camera_at(0), camera_at(2, 1), camera_at(-1, 0, 3)])
    assert poses.scale_to(poses.scaled(known, 2.5), poses.in_first(known @ turn)) == pytest.approx(2.5)


def test_more_than_two_known_cameras_are_normalised_by_the_median_distance_as_upstream_does_it() -> None:
    known = poses.extrinsics_of([camera_at(1), camera_at(3), camera_at(5), camera_at(9)])
    centres = -poses.normalised(known)[:, :3, 3]
    assert centres[:, 0] == pytest.approx([0, 1, 2, 4])
