"""What a lifted photo is: where its Gaussians lie, how many there are, and what they hide."""

from __future__ import annotations

import time
from importlib import import_module

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from immichvr_depth.depth_map import DepthMap
from immichvr_depth.lift import Lifted, LiftError, lift, lift_pictures
from immichvr_splats import SH_C0
from immichvr_splats.rendering import render

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

WIDTH, HEIGHT, FOCAL = 240, 180, 200.0
NEAR, FAR = 2.0, 6.0


@pytest.fixture(autouse=True)
def a_cell_is_a_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    """No photo is magnified, so that what becomes of a pixel can be told."""
    monkeypatch.setattr(import_module("immichvr_depth.lift.lifting"), "MOST_MAGNIFIED", 1.0)


def as_map(depth: npt.ArrayLike) -> DepthMap:
    return DepthMap(np.asarray(depth, np.float32), True, "embedded", "1")


def noise(seed: int = 0, width: int = WIDTH, height: int = HEIGHT) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def card_before_wall() -> tuple[Bytes, Floats, npt.NDArray[np.bool_]]:
    """A red card at 2 m before a blue wall at 6 m."""
    card = np.zeros((HEIGHT, WIDTH), np.bool_)
    card[50:130, 80:160] = True
    rgb = np.where(card[..., None], [200, 30, 30], [30, 30, 200]).astype(np.uint8)
    return rgb, np.where(card, NEAR, FAR).astype(np.float32), card


def first_layer(lifted: Lifted) -> slice:
    return slice(0, int(lifted.stats["first_layer"]))


def second_layer(lifted: Lifted) -> slice:
    return slice(int(lifted.stats["first_layer"]), None)


def colours(lifted: Lifted) -> Floats:
    return np.asarray(255 * (0.5 + SH_C0 * lifted.cloud.sh[:, 0]), np.float32)


def rotations(quaternions: Floats) -> npt.NDArray[np.float64]:
    w, x, y, z = quaternions.astype(np.float64).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def test_every_gaussian_projects_to_its_pixel_at_the_depth_of_the_map() -> None:
    depth = 3 + 0.5 * np.sin(np.arange(WIDTH) / 40) * np.ones((HEIGHT, 1))
    lifted = lift(noise(), as_map(depth), FOCAL)
    cloud, camera = lifted.cloud, lifted.cloud.camera
    assert camera is not None
    assert (camera.width, camera.height, camera.fx, camera.cx) == (WIDTH, HEIGHT, FOCAL, WIDTH / 2)
    x, y, z = cloud.means[first_layer(lifted)].T
    columns, rows = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    np.testing.assert_allclose(FOCAL * x / z + WIDTH / 2, columns.ravel(), atol=1e-2)
    np.testing.assert_allclose(FOCAL * y / z + HEIGHT / 2, rows.ravel(), atol=1e-2)
    np.testing.assert_allclose(z, depth.ravel(), rtol=1e-3)


def test_arrays_are_finite_and_rotations_are_unit() -> None:
    rgb, depth, _ = card_before_wall()
    cloud = lift(rgb, as_map(depth), FOCAL).cloud
    for values in (cloud.means, cloud.log_scales, cloud.quaternions, cloud.opacity_logits, cloud.sh):
        assert np.isfinite(values).all()
    np.testing.assert_allclose(np.linalg.norm(cloud.quaternions, axis=1), 1, atol=1e-5)


def test_gaussians_lie_flat_in_a_slanted_surface_and_reach_their_neighbours() -> None:
    # The plane n·P = n·(0, 0, 4): inverse depth is linear in the picture.
    normal = np.array([0.45, -0.6, 0.66])
    normal /= np.linalg.norm(normal)
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5 - WIDTH / 2, np.arange(HEIGHT) + 0.5 - HEIGHT / 2)
    rays = np.stack([x / FOCAL, y / FOCAL, np.ones_like(x)], axis=-1)
    depth = 4 * normal[2] / (rays @ normal)
    cloud = lift(noise(), as_map(depth), FOCAL).cloud
    axes = rotations(cloud.quaternions)
    thinnest = axes[np.arange(cloud.count), :, np.argmin(cloud.log_scales, axis=1)]
    assert np.abs(thinnest @ normal).min() > 0.999
    grid = cloud.means.reshape(HEIGHT, WIDTH, 3)
    covariance = np.einsum("nij,nj,nkj->nik", axes, np.exp(2 * cloud.log_scales.astype(np.float64)), axes)
    precision = np.linalg.inv(covariance).reshape(HEIGHT, WIDTH, 3, 3)
    for step in (np.diff(grid, axis=1)[:-1], np.diff(grid, axis=0)[:, :-1]):
        sigmas = np.sqrt(np.einsum("yxi,yxij,yxj->yx", step, precision[:-1, :-1], step))
        assert sigmas.max() < 2.0, "neighbours are within two standard deviations of each other"


def test_no_gaussian_hangs_between_foreground_and_background() -> None:
    rgb, depth, card = card_before_wall()
    lifted = lift(rgb, as_map(depth), FOCAL)
    z = lifted.cloud.means[:, 2]
    assert (np.minimum(np.abs(z / NEAR - 1), np.abs(z / FAR - 1)) < 0.03).all()
    on_card = card.ravel()
    longest = np.exp(lifted.cloud.log_scales[first_layer(lifted)]).max(axis=1)
    assert longest[on_card].max() < NEAR / FOCAL
    assert longest[~on_card].max() < FAR / FOCAL


def test_blurred_depth_edges_are_resolved_to_one_side() -> None:
    rgb, depth, card = card_before_wall()
    kernel = np.array([1, 4, 6, 4, 1]) / 16
    blurred = 1 / depth.astype(np.float64)
    for axis in (0, 1):
        blurred = np.apply_along_axis(lambda line: np.convolve(np.pad(line, 2, "edge"), kernel, "valid"), axis, blurred)
    lifted = lift(rgb, as_map(1 / blurred), FOCAL)
    z = lifted.foreground_depth
    assert (np.abs(z[card] / NEAR - 1) < 0.1).mean() > 0.995
    assert (np.abs(z[~card] / FAR - 1) < 0.1).mean() > 0.995


def test_coarse_depth_is_moved_onto_the_colour_edges() -> None:
    rgb, depth, card = card_before_wall()
    lifted = lift(rgb, as_map(depth[3::7, 3::7]), FOCAL)
    on_wrong_side = (lifted.foreground_depth < 4) != card
    nearest = np.asarray(depth[3::7, 3::7]).repeat(7, axis=0).repeat(7, axis=1)
    unaided = (np.pad(nearest, ((0, 7), (0, 7)), "edge")[:HEIGHT, :WIDTH] < 4) != card
    assert on_wrong_side.mean() < 0.2 * unaided.mean()


def test_the_background_goes_on_behind_the_foreground() -> None:
    rgb, depth, _ = card_before_wall()
    lifted = lift(rgb, as_map(depth), FOCAL)
    hidden = lifted.cloud.means[second_layer(lifted)]
    np.testing.assert_allclose(hidden[:, 2], FAR, rtol=0.03)
    blue = colours(lifted)[second_layer(lifted)]
    assert np.abs(blue - [30, 30, 200]).max() < 12
    # The sidestep of a tenth of the median depth opens 0.1·6·(1/2 − 1/6)·200 = 40 pixels: all of the card.
    u = FOCAL * hidden[:, 0] / hidden[:, 2] + WIDTH / 2
    v = FOCAL * hidden[:, 1] / hidden[:, 2] + HEIGHT / 2
    covered = np.zeros((HEIGHT // 4 + 1, WIDTH // 4 + 1), np.bool_)
    covered[(v / 4).astype(int), (u / 4).astype(int)] = True
    assert covered[13:32, 21:39].all()


def test_the_background_pictures_show_the_wall_without_the_card() -> None:
    rgb, depth, _ = card_before_wall()
    lifted = lift(rgb, as_map(depth), FOCAL)
    assert lifted.background_rgb.shape == (HEIGHT, WIDTH, 3)
    assert lifted.background_depth.shape == (HEIGHT, WIDTH)
    assert np.abs(lifted.background_rgb.astype(int) - [30, 30, 200]).max() < 12
    np.testing.assert_allclose(lifted.background_depth, FAR, rtol=0.03)
    np.testing.assert_allclose(lifted.foreground_depth, depth, rtol=1e-3)


def test_colours_at_an_edge_do_not_carry_the_other_side_along() -> None:
    rgb, depth, _ = card_before_wall()
    soft = rgb.copy()
    soft[50:130, 79] = soft[50:130, 160] = (115, 30, 115)  # half covered, and the wall's by the map
    lifted = lift(soft, as_map(depth), FOCAL)
    wall = colours(lifted)[first_layer(lifted)].reshape(HEIGHT, WIDTH, 3)[50:130, [79, 160]]
    assert wall[..., 0].mean() < 60
    assert wall[..., 2].mean() > 170


def test_a_floor_seen_at_a_grazing_angle_is_one_surface() -> None:
    rows = np.arange(HEIGHT) + 0.5
    depth = np.where(rows > 100, 1.5 * FOCAL / np.maximum(rows - 90, 1), 1.5 * FOCAL / 10)
    lifted = lift(noise(), as_map(np.repeat(depth[:, None], WIDTH, axis=1)), FOCAL)
    assert lifted.stats["second_layer"] == 0


def test_few_levels_of_depth_make_slopes_not_stairs() -> None:
    rows = np.arange(HEIGHT) + 0.5
    inverse = np.repeat((0.1 + 0.4 * rows / HEIGHT)[:, None], WIDTH, axis=1)
    quantised = np.round(inverse * 60) / 60
    lifted = lift(noise(), as_map(1 / quantised), FOCAL)
    assert lifted.stats["second_layer"] == 0
    error = np.abs(1 / lifted.foreground_depth - inverse)[15:-15]
    assert error.mean() < 0.6 * np.abs(quantised - inverse)[15:-15].mean()


@pytest.mark.parametrize("sky", [np.inf, np.nan, 0.0, 1e12])
def test_a_sky_of_any_value_is_far_and_finite(sky: float) -> None:
    depth = np.full((HEIGHT, WIDTH), 5.0, np.float32)
    depth[:60] = sky
    z = lift(noise(), as_map(depth), FOCAL).cloud.means[:, 2]
    assert np.isfinite(z).all()
    assert z.max() <= 2000


@given(
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    budget=st.integers(16, 3000),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_the_budget_is_never_exceeded(width: int, height: int, budget: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    depth = rng.choice([1.0, 2.0, 5.0, 30.0], (height, width))
    cloud = lift(noise(seed, width, height), as_map(depth), 0.9 * max(width, height), budget).cloud
    assert 0 < cloud.count <= budget
    assert np.isfinite(cloud.means).all() and np.isfinite(cloud.sh).all()


def test_most_of_the_budget_is_used_where_the_photo_has_the_pixels() -> None:
    rgb, depth, _ = card_before_wall()
    assert lift(rgb, as_map(depth), FOCAL, 20_000).cloud.count > 18_000


def test_pictures_alone_are_those_of_the_lift_and_no_colour_is_fitted_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rgb, depth, _ = card_before_wall()
    lifted = lift(rgb, as_map(depth), FOCAL, 10_000)
    monkeypatch.delattr(import_module("immichvr_depth.lift.lifting"), "fit_to_photo")
    pictures = lift_pictures(rgb, as_map(depth), FOCAL, 10_000)
    for name, values in vars(pictures).items():
        np.testing.assert_array_equal(values, getattr(lifted, name))


@pytest.mark.parametrize("width", [61, 64])
def test_a_grey_photo_is_grey_up_to_its_last_column(width: int) -> None:
    grey = np.full((45, width, 3), 128, np.uint8)
    lifted = lift(grey, as_map(np.full((45, width), 3.0)), 55.0)
    assert np.abs(colours(lifted) - 128).max() < 8
    assert lifted.cloud.camera is not None
    assert np.abs(255 * render(lifted.cloud, lifted.cloud.camera).rgb - 128).max() < 5


def test_colours_do_not_depend_on_the_unit_of_depth() -> None:
    rgb, depth, _ = card_before_wall()
    metres, kilometres = (lift(rgb, as_map(depth / unit), FOCAL, 10_000) for unit in (1, 1000))
    assert metres.cloud.count == kilometres.cloud.count
    np.testing.assert_allclose(colours(metres), colours(kilometres), atol=1)


def test_the_same_photo_is_lifted_to_the_same_cloud() -> None:
    rgb, depth, _ = card_before_wall()
    one, two = (lift(rgb, as_map(depth), FOCAL, 10_000).cloud for _ in range(2))
    np.testing.assert_array_equal(one.means, two.means)
    np.testing.assert_array_equal(one.sh, two.sh)


@pytest.mark.parametrize(
    ("rgb", "depth", "focal", "budget", "message"),
    [
        (noise()[..., 0], np.ones((HEIGHT, WIDTH)), FOCAL, 1000, "uint8 is needed"),
        (noise().astype(np.float32), np.ones((HEIGHT, WIDTH)), FOCAL, 1000, "uint8 is needed"),
        (noise(), np.ones((HEIGHT, WIDTH, 1)), FOCAL, 1000, "depth map has shape"),
        (noise(), np.ones((WIDTH, HEIGHT)), FOCAL, 1000, "same view"),
        (noise(), np.full((HEIGHT, WIDTH), np.nan), FOCAL, 1000, "no finite, positive value"),
        (noise(), np.ones((HEIGHT, WIDTH)), 0.0, 1000, "focal length"),
        (noise(), np.ones((HEIGHT, WIDTH)), np.nan, 1000, "focal length"),
        (noise(), np.ones((HEIGHT, WIDTH)), FOCAL, 3, "at least 16"),
    ],
)
def test_what_cannot_be_lifted_is_refused_in_words(
    rgb: Bytes, depth: Floats, focal: float, budget: int, message: str
) -> None:
    with pytest.raises(LiftError, match=message):
        lift(rgb, as_map(depth), focal, budget)


def test_twelve_megapixels_take_at_most_a_second_and_a_half_of_cpu() -> None:
    rgb, depth, _ = card_before_wall()
    photo = np.ascontiguousarray(np.kron(rgb, np.ones((17, 17, 1), np.uint8))[:3000, :4000])
    clutter = depth + np.random.default_rng(1).choice([0, 0, 0, 1], depth.shape)
    lift(photo, as_map(clutter), 3400.0)
    spent = []
    for _ in range(2):
        start = time.process_time()
        lifted = lift(photo, as_map(clutter), 3400.0)
        spent.append(time.process_time() - start)
    assert lifted.cloud.count > 450_000
    assert min(spent) <= 1.5
