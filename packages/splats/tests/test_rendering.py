"""The renderer that everything is measured with must itself be right."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from immichvr_splats import SH_C0, Camera, GaussianCloud
from immichvr_splats.rendering import fit_colors, render, shifted
from immichvr_splats.rendering.blending import draw_row

CAMERA = Camera(fx=100.0, fy=100.0, cx=32.0, cy=24.0, width=64, height=48)


def make_cloud(count: int, seed: int = 0, coefficients: int = 1) -> GaussianCloud:
    rng = np.random.default_rng(seed)
    return GaussianCloud(
        means=rng.uniform([-0.6, -0.45, 1.5], [0.6, 0.45, 3.0], (count, 3)),
        log_scales=np.log(rng.uniform(0.01, 0.12, (count, 3))),
        quaternions=rng.normal(size=(count, 4)),
        opacity_logits=rng.uniform(-2, 4, count),
        sh=rng.normal(size=(count, coefficients, 3)) * 0.5,
    )


def one_gaussian(z: float = 2.0, scale: float = 0.04, logit: float = 2.0, colour: float = 0.8) -> GaussianCloud:
    return GaussianCloud(
        means=np.array([[0.01, 0.01, z]]),
        log_scales=np.full((1, 3), np.log(scale)),
        quaternions=np.array([[1.0, 0, 0, 0]]),
        opacity_logits=np.array([logit]),
        sh=np.full((1, 1, 3), (colour - 0.5) / SH_C0),
    )


def concatenate(*clouds: GaussianCloud) -> GaussianCloud:
    names = ("means", "log_scales", "quaternions", "opacity_logits", "sh")
    return GaussianCloud(**{name: np.concatenate([getattr(c, name) for c in clouds]) for name in names})


def rendered_slowly(cloud: GaussianCloud, camera: Camera) -> np.ndarray:
    """EWA splatting written down as plainly as possible: (h, w, 4)."""
    w, x, y, z = (cloud.quaternions / np.linalg.norm(cloud.quaternions, axis=1, keepdims=True)).astype(float).T
    turn = np.moveaxis(
        np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        ),
        -1,
        0,
    )
    columns, rows = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    out = np.zeros((camera.height, camera.width, 4))
    for i in np.argsort(np.linalg.norm(cloud.means.astype(float), axis=1), kind="stable"):
        px, py, pz = cloud.means[i].astype(float)
        spread = turn[i] @ np.diag(np.exp(2 * cloud.log_scales[i].astype(float))) @ turn[i].T
        jacobian = np.array(
            [[camera.fx / pz, 0, -camera.fx * px / pz**2], [0, camera.fy / pz, -camera.fy * py / pz**2]]
        )
        precision = np.linalg.inv(jacobian @ spread @ jacobian.T + 0.3 * np.eye(2))
        d = np.stack([columns - camera.fx * px / pz - camera.cx, rows - camera.fy * py / pz - camera.cy], axis=-1)
        alpha = np.exp(-0.5 * np.einsum("yxi,ij,yxj->yx", d, precision, d)) / (1 + np.exp(-cloud.opacity_logits[i]))
        alpha = np.where(alpha < 1 / 255, 0, np.minimum(alpha, 0.999))
        weight = alpha * (1 - out[..., 3])
        colour = np.maximum(0.5 + SH_C0 * cloud.sh[i, 0], 0)
        out[..., :3] += weight[..., None] * colour
        out[..., 3] += weight
    return out


def test_agrees_with_splatting_written_down_plainly() -> None:
    cloud = make_cloud(60)
    fast, slow = render(cloud, CAMERA), rendered_slowly(cloud, CAMERA)
    np.testing.assert_allclose(fast.rgb, slow[..., :3], atol=2e-3)
    np.testing.assert_allclose(fast.alpha, slow[..., 3], atol=2e-3)


def test_one_gaussian_has_its_colour_opacity_and_depth_where_it_projects_to() -> None:
    picture = render(one_gaussian(), CAMERA)
    row, column = np.unravel_index(picture.alpha.argmax(), picture.alpha.shape)
    assert (row, column) == (24, 32)
    assert picture.alpha[24, 32] == pytest.approx(1 / (1 + np.exp(-2)), abs=0.01)
    assert picture.rgb[24, 32] / picture.alpha[24, 32] == pytest.approx([0.8] * 3, abs=0.01)
    assert picture.depth[24, 32] == pytest.approx(2.0)
    assert picture.depth[0, 0] == 0


def test_what_is_nearer_covers_what_is_farther_whatever_the_order_in_memory() -> None:
    near, far = one_gaussian(z=1.5, logit=9, colour=1.0), one_gaussian(z=3.0, logit=9, colour=0.0)
    for cloud in (concatenate(near, far), concatenate(far, near)):
        assert render(cloud, CAMERA).rgb[24, 32, 0] > 0.98


def test_the_nearer_to_the_eye_covers_the_farther_whichever_is_deeper() -> None:
    deep, aside = one_gaussian(z=2.0, scale=0.3, logit=9, colour=0.0), one_gaussian(z=1.95, scale=0.3, logit=9)
    aside = replace(aside, means=np.array([[0.6, 0, 1.95]]))
    turned = np.eye(4)
    turned[:3, :3] = [[np.cos(0.1), 0, -np.sin(0.1)], [0, 1, 0], [np.sin(0.1), 0, np.cos(0.1)]]
    for pose in (np.eye(4), turned):
        between = pose[:3, :3] @ [0.3, 0, 2]
        column = int(CAMERA.fx * between[0] / between[2] + CAMERA.cx)
        assert render(concatenate(aside, deep), CAMERA, pose).rgb[24, column, 0] < 0.4


def test_a_step_to_the_right_moves_the_picture_left_by_the_parallax() -> None:
    moved = render(one_gaussian(), CAMERA, shifted(CAMERA, right=0.2))
    row, column = np.unravel_index(moved.alpha.argmax(), moved.alpha.shape)
    assert (row, column) == (24, 22)


def test_what_is_behind_the_camera_is_not_drawn() -> None:
    assert render(one_gaussian(z=-2.0), CAMERA).alpha.max() == 0


def test_an_empty_cloud_is_a_black_picture() -> None:
    picture = render(make_cloud(5).take(np.array([], np.int64)), CAMERA)
    assert picture.rgb.max() == 0
    assert picture.alpha.max() == 0


def test_the_camera_s_own_pose_is_used() -> None:
    pose = np.eye(4)
    pose[0, 3] = -0.2
    camera = Camera(100.0, 100.0, 32.0, 24.0, 64, 48, pose)
    picture = render(one_gaussian(), camera)
    assert picture.alpha.argmax() % 64 == 22


@pytest.mark.parametrize("coefficients", [4, 9, 16])
def test_view_dependent_colour_integrates_to_the_constant_term(coefficients: int) -> None:
    rng = np.random.default_rng(2)
    rays = rng.normal(size=(4000, 3))
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    harmonics = rng.normal(size=(1, coefficients, 3)) * 0.05
    harmonics[:, 0] = 0.3
    cloud = GaussianCloud(
        means=4 * rays,
        log_scales=np.full((4000, 3), -3.0),
        quaternions=np.tile([1.0, 0, 0, 0], (4000, 1)),
        opacity_logits=np.full(4000, 9.0),
        sh=np.repeat(harmonics, 4000, axis=0),
    )
    views = []
    for turn in (np.eye(3), np.diag([-1.0, 1, -1])):
        for swap in ([0, 1, 2], [1, 2, 0], [2, 0, 1]):
            pose = np.eye(4)
            pose[:3, :3] = turn[:, swap]
            wide = Camera(40.0, 40.0, 40.0, 40.0, 80, 80, pose)
            picture = render(cloud, wide)
            # Weight by the solid angle of each pixel of a face of the cube.
            x = (np.arange(80) + 0.5 - 40) / 40
            solid = (1 + x[:, None] ** 2 + x**2) ** -1.5 * (picture.alpha > 0.5)
            views.append((picture.rgb / np.maximum(picture.alpha, 1e-6)[..., None], solid))
    total = sum(float(solid.sum()) for _, solid in views)
    mean = sum((rgb * solid[..., None]).sum(axis=(0, 1)) for rgb, solid in views) / total
    np.testing.assert_allclose(mean, 0.5 + SH_C0 * 0.3, atol=0.012)


def test_first_order_harmonics_point_the_way_of_3d_gaussian_splatting() -> None:
    # There the three coefficients multiply -y, z and -x of the direction from the eye.
    cloud = one_gaussian(logit=9)
    harmonics = np.zeros((1, 4, 3))
    harmonics[0, 2] = 0.4
    lit = GaussianCloud(cloud.means, cloud.log_scales, cloud.quaternions, cloud.opacity_logits, harmonics)
    assert render(lit, CAMERA).rgb[24, 32, 0] == pytest.approx(0.5 + 0.4886025 * 0.4, abs=0.01)


def test_half_a_million_gaussians_render_within_a_second_of_processor_time() -> None:
    rng = np.random.default_rng(1)
    count = 500_000
    cloud = GaussianCloud(
        means=rng.uniform([-2, -1.5, 2], [2, 1.5, 4], (count, 3)),
        log_scales=np.full((count, 3), np.log(0.004)),
        quaternions=np.tile([1.0, 0, 0, 0], (count, 1)),
        opacity_logits=np.full(count, 3.0),
        sh=rng.normal(size=(count, 1, 3)),
    )
    camera = Camera(400.0, 400.0, 256.0, 192.0, 512, 384)
    render(make_cloud(5), camera)  # compiles
    start = time.process_time()
    assert render(cloud, camera).alpha.mean() > 0.5
    assert time.process_time() - start < 1


def test_a_picture_is_the_same_every_time_and_with_any_number_of_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = make_cloud(3000, coefficients=4)
    first = render(cloud, CAMERA)
    for cores in (1, 2, 3, 7):
        monkeypatch.setattr("immichvr_splats.rendering.rasterizer.workers", lambda cores=cores: cores)
        again = render(cloud, CAMERA)
        for name in ("rgb", "alpha", "depth"):
            np.testing.assert_array_equal(getattr(again, name), getattr(first, name))


def test_a_picture_drawn_in_bands_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = make_cloud(3000)
    whole = render(cloud, CAMERA)
    monkeypatch.setattr("immichvr_splats.rendering.rasterizer._MOST_MEMBERS", 10)
    np.testing.assert_array_equal(render(cloud, CAMERA).rgb, whole.rgb)


def test_sizes_that_are_no_multiple_of_a_tile_are_drawn_to_the_edge() -> None:
    cloud = make_cloud(300)
    wide = Camera(100.0, 100.0, 32.0, 24.0, 67, 51)
    slow = rendered_slowly(cloud, wide)
    np.testing.assert_allclose(render(cloud, wide).rgb, slow[..., :3], atol=3e-3)


def test_depth_and_colour_of_long_thin_turned_gaussians_agree_with_splatting_written_down_plainly() -> None:
    cloud = make_cloud(40, seed=3)
    cloud = replace(cloud, log_scales=np.tile(np.log([0.3, 0.02, 0.001]), (40, 1)))
    np.testing.assert_allclose(render(cloud, CAMERA).rgb, rendered_slowly(cloud, CAMERA)[..., :3], atol=3e-3)


@pytest.mark.parametrize("name", ["means", "log_scales", "quaternions", "opacity_logits", "sh"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_a_gaussian_whose_values_are_no_numbers_leaves_the_others_as_they_are(name: str, value: float) -> None:
    cloud = make_cloud(50)
    broken = concatenate(cloud, one_gaussian(z=1.0))
    getattr(broken, name)[-1] = value
    picture = render(broken, CAMERA)
    for plane in (picture.rgb, picture.alpha, picture.depth):
        assert np.isfinite(plane).all()
    if np.isnan(value):
        np.testing.assert_array_equal(picture.rgb, render(cloud, CAMERA).rgb)


@pytest.mark.parametrize("place", [(50.0, 0.0, 2.0), (-50.0, 0.0, 2.0), (0.0, 80.0, 2.0), (0.0, 0.0, 0.005)])
def test_what_is_off_the_screen_or_too_near_is_not_drawn(place: tuple[float, float, float]) -> None:
    cloud = replace(one_gaussian(), means=np.array([place]))
    assert render(cloud, CAMERA).alpha.max() == 0


@pytest.mark.parametrize("far", [1e5, 1e9, 4e18, 1e30])
def test_a_gaussian_far_off_is_drawn_into_its_tile_alone(far: float) -> None:
    # Where a float32 goes in steps of more than a tile, its near end may come to lie a step before the tile.
    step = float(np.spacing(np.float32(far)))
    ordinary = np.float32([[8, 8, 2, 0.9, 0.1, 0, 0.1, 7, 7, 1, 1, 1, 2]])
    alone = drawn_into_one_tile(ordinary)
    for middle in ([-far, 8], [far, 8], [8, -far], [8, far]):
        for steps in (-3, -2, -1, 0):
            reach = far + steps * step
            beside = np.float32([[*middle, 1, 0.9, 1, 0, 1, reach, reach, 1, 1, 1, 1]])
            np.testing.assert_array_equal(drawn_into_one_tile(np.concatenate((ordinary, beside))), alone)


def drawn_into_one_tile(spots: np.ndarray) -> np.ndarray:
    """All of `spots` as a tile shows them that is the first of four: alpha, (16, 64)."""
    rgb, alpha, depth = (np.zeros((16, 64, *more), np.float32) for more in ((3,), (), ()))
    starts = np.array([0, len(spots), len(spots), len(spots), len(spots)])
    draw_row(0, spots, starts, np.arange(len(spots), dtype=np.uint64), rgb, alpha, depth)
    return alpha


@pytest.mark.parametrize("scale", [10.0, 1e4, 1e12])
def test_a_huge_gaussian_fills_the_picture_with_its_opacity(scale: float) -> None:
    picture = render(one_gaussian(scale=scale), CAMERA)
    np.testing.assert_allclose(picture.alpha, 1 / (1 + np.exp(-2)), atol=0.01)


def test_a_gaussian_of_less_than_a_pixel_gives_all_but_nothing_of_its_colour_when_compensated() -> None:
    tiny = one_gaussian(scale=1e-4)
    assert render(tiny, CAMERA).alpha.max() > 0.5
    assert render(tiny, CAMERA, compensate=True).alpha.max() == 0


@pytest.mark.parametrize("camera", [CAMERA, replace(CAMERA, width=61, height=45)])
def test_colours_are_found_that_a_picture_was_drawn_with(camera: Camera) -> None:
    cloud = make_cloud(300)
    cloud = replace(cloud, sh=np.clip(cloud.sh, -0.45 / SH_C0, 0.45 / SH_C0))
    picture = np.rint(255 * render(cloud, camera).rgb).astype(np.uint8)
    grey = replace(cloud, sh=np.zeros_like(cloud.sh))
    free = np.ones(cloud.count, np.float32)

    def distance(rounds: int) -> float:
        fitted = replace(grey, sh=fit_colors(grey, camera, picture, free, rounds)[:, None])
        return float(np.abs(255 * render(fitted, camera).rgb - picture).mean())

    assert distance(0) > 10
    assert distance(3) < 0.5 * distance(0)
    assert distance(40) < 1


def test_colours_are_fitted_within_what_files_hold_and_only_where_they_may_change() -> None:
    cloud = make_cloud(300)
    behind = replace(cloud, means=cloud.means * np.array([1, 1, -1], np.float32))
    both = concatenate(cloud, behind)
    free = np.ones(both.count, np.float32)
    free[:100] = 0
    white = np.full((CAMERA.height, CAMERA.width, 3), 255, np.uint8)
    fitted, again = (fit_colors(both, CAMERA, white, free, 5) for _ in range(2))
    np.testing.assert_array_equal(fitted, again)
    np.testing.assert_array_equal(fitted[300:], both.sh[300:, 0])
    levels, before = 0.5 + SH_C0 * fitted[:300], np.clip(0.5 + SH_C0 * both.sh[:300, 0], 0, 1)
    assert levels.min() >= -1e-6 and levels.max() <= 1 + 1e-6
    np.testing.assert_allclose(levels[:100], before[:100], atol=1e-6)
    assert levels[100:].mean() > before[100:].mean() + 0.1


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_colours_are_fitted_alike_in_any_unit(unit: float) -> None:
    cloud = make_cloud(300)
    scaled = replace(
        cloud, means=cloud.means * np.float32(unit), log_scales=cloud.log_scales + np.float32(np.log(unit))
    )
    free = np.ones(cloud.count, np.float32)
    white = np.full((CAMERA.height, CAMERA.width, 3), 255, np.uint8)
    fitted, again = (fit_colors(each, CAMERA, white, free, 5) for each in (cloud, scaled))
    assert np.abs(fitted - cloud.sh[:, 0]).max() > 0.1
    np.testing.assert_allclose(fitted, again, atol=0.01)


def test_colours_of_hidden_needles_longer_than_any_picture_stay_as_they_are() -> None:
    count = 400
    angles = np.linspace(0, np.pi, count)
    needles = GaussianCloud(
        means=np.tile([0.0, 0, 2], (count, 1)),
        log_scales=np.tile(np.log([200.0, 1e-4, 1e-4]), (count, 1)),
        quaternions=np.stack([np.cos(angles / 2), 0 * angles, 0 * angles, np.sin(angles / 2)], axis=-1),
        opacity_logits=np.full(count, -2.0),
        sh=np.zeros((count, 1, 3)),
    )
    walls = [one_gaussian(z=1, scale=20, logit=12)] * 3
    cloud = concatenate(needles, *walls)
    white = np.full((CAMERA.height, CAMERA.width, 3), 255, np.uint8)
    fitted = fit_colors(cloud, CAMERA, white, np.ones(cloud.count, np.float32), 3)
    np.testing.assert_allclose(fitted[:count], 0, atol=1e-6)
    assert fitted[count:].mean() > cloud.sh[count:].mean()
