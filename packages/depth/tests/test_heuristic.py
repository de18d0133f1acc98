"""The estimator without weights gives a plausible depth for any picture."""

import time

import numpy as np
import pytest
import skimage
from immichvr_depth.heuristic import (
    NEAR_TO_FAR,
    OUTPUT_SIZE,
    SUREST,
    UNSURE_NEAR_TO_FAR,
    guess,
    heuristic_depth,
)

HORIZON, HEIGHT, WIDTH = 200, 480, 640


def landscape(tree: bool = False) -> np.ndarray:
    """A blue sky over a textured meadow, optionally with a dark tree whose foot stands at row 400."""
    noise = np.random.default_rng(7).normal(0.0, 1.0, (HEIGHT, WIDTH, 1))
    down = np.linspace(0.0, 1.0, HEIGHT)[:, None, None]
    picture = np.broadcast_to(np.array([0.5, 0.68, 0.95]) + 0.2 * down, (HEIGHT, WIDTH, 3)).copy()
    meadow = np.array([0.36, 0.5, 0.22]) + 0.06 * noise * down
    picture[HORIZON:] = meadow[HORIZON:]
    if tree:
        picture[250:400, 310:330] = [0.25, 0.15, 0.08]
        picture[120:260, 260:380] = [0.1, 0.25, 0.08]
    return (picture.clip(0, 1) * 255).astype(np.uint8)


def at_photo_rows(depth: np.ndarray, rows: slice, columns: slice) -> np.ndarray:
    """The part of the depth map that covers these rows and columns of a landscape."""
    y, x = depth.shape[0] / HEIGHT, depth.shape[1] / WIDTH
    return depth[int(rows.start * y) : int(rows.stop * y), int(columns.start * x) : int(columns.stop * x)]


def sample(name: str) -> np.ndarray:
    picture = skimage.io.imread(skimage.data.__path__[0] + "/" + name)
    return np.ascontiguousarray(picture[..., :3]) if picture.ndim == 3 else np.dstack([picture] * 3)


def test_sky_is_farther_than_the_ground() -> None:
    depth = heuristic_depth(landscape())
    sky = at_photo_rows(depth, slice(0, 180), slice(0, 640))
    ground = at_photo_rows(depth, slice(220, 480), slice(0, 640))
    assert sky.min() > np.percentile(ground, 99)


def test_ground_comes_nearer_from_the_horizon_to_the_feet() -> None:
    depth = heuristic_depth(landscape())
    ground = at_photo_rows(depth, slice(230, 480), slice(0, 640)).mean(axis=1)
    assert np.all(np.diff(ground) < 0.01)
    assert ground[0] > 2.5 * ground[-1]


def test_a_tree_stands_upright_at_the_distance_of_its_foot() -> None:
    depth = heuristic_depth(landscape(tree=True))
    crown = np.median(at_photo_rows(depth, slice(140, 240), slice(280, 360)))
    foot = np.median(at_photo_rows(depth, slice(380, 395), slice(100, 200)))
    meadow_behind = np.median(at_photo_rows(depth, slice(225, 245), slice(20, 150)))
    assert crown == pytest.approx(foot, rel=0.35)
    assert crown < 0.6 * meadow_behind


def corridor() -> np.ndarray:
    """A square corridor with panelled walls that runs to the middle of the photo."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    nearness = np.maximum(np.maximum(np.abs(x), np.abs(y)), 0.02)
    board = np.floor(6 * np.minimum(np.abs(x), np.abs(y)) / nearness) + np.floor(3 / nearness)
    shade = np.where(board % 2, 0.65, 0.35) * np.where(np.abs(x) > np.abs(y), 1.0, 0.85)
    return (np.dstack([shade, 0.9 * shade, 0.7 * shade]) * 255).astype(np.uint8)


def test_a_corridor_recedes_to_its_vanishing_point() -> None:
    depth = heuristic_depth(corridor())
    end = np.median(at_photo_rows(depth, slice(220, 260), slice(300, 340)))
    walls = [
        at_photo_rows(depth, rows, columns)
        for rows, columns in (
            (slice(200, 280), slice(0, 60)),
            (slice(200, 280), slice(580, 640)),
            (slice(430, 480), slice(250, 390)),
        )
    ]
    assert all(np.median(wall) < 0.6 * end for wall in walls)


def test_the_subject_is_nearer_than_its_background() -> None:
    depth = heuristic_depth(sample("astronaut.png"))
    person, backdrop = depth[280:420, 200:300], depth[20:150, 340:380]
    assert np.median(person) < 0.5 * np.median(backdrop)


def test_ranks_the_depth_of_a_real_room_as_stereo_does() -> None:
    disparity = np.load(skimage.data.__path__[0] + "/motorcycle_disp.npz")["arr_0"]
    depth = heuristic_depth(sample("motorcycle_left.png"))
    assert depth.shape == disparity.shape
    known = np.isfinite(disparity) & (disparity > 0)
    ranks = [np.argsort(np.argsort(v[known][::97])) for v in (1.0 / depth, disparity)]
    assert np.corrcoef(*ranks)[0, 1] > 0.6


@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg", "camera.png"])
def test_depth_of_a_photo_is_finite_with_median_two_and_a_sane_range(name: str) -> None:
    depth = heuristic_depth(sample(name))
    assert depth.dtype == np.float32
    assert np.isfinite(depth).all()
    assert np.median(depth) == pytest.approx(2.0, rel=1e-3)
    assert 2.0 < depth.max() / depth.min() <= NEAR_TO_FAR * 1.001


def test_the_same_photo_gives_the_same_depth_wherever_in_memory_it_is_worked_on() -> None:
    picture = np.ascontiguousarray(sample("coffee.png")[:288:3, :384:3])
    depths, between = [], []
    for size in np.random.default_rng(0).integers(1, 60_000, 30):
        depths.append(heuristic_depth(picture))
        between.append(bytearray(int(size)))
    assert all(np.array_equal(depth, depths[0]) for depth in depths)


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (1, 2), (2, 1), (3, 3), (1, 4000), (4000, 1), (5, 3000), (17, 13), (900, 40)]
)
@pytest.mark.parametrize("fill", ["noise", "black", "white"])
def test_any_size_gives_a_depth_of_the_same_aspect(height: int, width: int, fill: str) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (height, width, 3))
    picture = {"noise": noise, "black": noise * 0, "white": noise * 0 + 255}[fill].astype(np.uint8)
    depth = heuristic_depth(picture)
    assert np.isfinite(depth).all()
    assert (depth > 0).all()
    scale = min(1.0, OUTPUT_SIZE / max(height, width))
    assert depth.shape == (max(1, round(height * scale)), max(1, round(width * scale)))


def test_a_grey_photo_has_depth_too() -> None:
    grey = np.repeat(landscape().mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    depth = heuristic_depth(grey)
    assert np.median(at_photo_rows(depth, slice(0, 150), slice(0, 640))) > 1.5 * np.median(
        at_photo_rows(depth, slice(400, 480), slice(0, 640))
    )


def test_twelve_megapixels_take_a_fraction_of_a_second() -> None:
    picture = np.tile(landscape(tree=True), (7, 7, 1))[:3000, :4000]
    heuristic_depth(picture)
    spent = []
    for _ in range(5):
        start = time.process_time()
        heuristic_depth(picture)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.5


def test_a_guess_is_surer_of_a_landscape_and_a_corridor_than_of_a_face():
    face = guess(sample("astronaut.png"))[1]
    assert 0 <= face < guess(landscape())[1] <= SUREST
    assert face < guess(corridor())[1] <= SUREST


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("astronaut.png", slice(60, 190), slice(180, 270)),
        ("coffee.png", slice(40, 230), slice(170, 380)),
        ("chelsea.png", slice(110, 280), slice(120, 350)),
    ],
    ids=["a face", "a cup", "a cat"],
)
def test_one_thing_has_next_to_no_relief_of_its_own(name: str, rows: slice, columns: slice) -> None:
    picture = sample(name)
    depth = heuristic_depth(picture)
    y, x = depth.shape[0] / picture.shape[0], depth.shape[1] / picture.shape[1]
    inside = depth[int(rows.start * y) : int(rows.stop * y), int(columns.start * x) : int(columns.stop * x)]
    near, far = np.percentile(inside, [5, 95])
    assert far / near < 1.4


@pytest.mark.parametrize("name", ["coffee.png", "chelsea.png"])
def test_where_a_photo_tells_nothing_of_its_layout_the_whole_relief_is_small(name: str) -> None:
    depth, confidence = guess(sample(name))
    assert confidence == 0
    assert depth.max() / depth.min() <= UNSURE_NEAR_TO_FAR
