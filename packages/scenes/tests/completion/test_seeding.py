"""New Gaussians lie where the painted surface is, hide nothing that was seen, and are not there twice."""

import cv2
import numpy as np
from immichvr_scenes.cameras import Camera, View
from immichvr_scenes.completion.missing import Seen
from immichvr_scenes.completion.seeding import joined, seed, thinned, unhidden
from immichvr_splats import GaussianCloud

VIEW = View("here", Camera.central(64, 48, 60.0), np.eye(4))
LIKE = GaussianCloud.empty(0, 1)
ALL = np.ones((48, 64), bool)
DEPTH = (2 + 0.01 * np.arange(64, dtype=np.float32))[None, :] * np.ones((48, 1), np.float32)
COLOURS = np.random.default_rng(0).random((6, 8, 3)).astype(np.float32).repeat(8, 0).repeat(8, 1)


def test_what_is_seeded_looks_like_what_was_painted() -> None:
    cloud = seed(VIEW, COLOURS, DEPTH, ALL, LIKE)
    assert cloud.count == 48 * 64 and cloud.sh_degree == 1
    seen = Seen.of(cloud, VIEW)
    inside = np.s_[4:-4, 4:-4]
    assert seen.alpha[inside].min() > 0.98
    assert np.abs(seen.depth / DEPTH - 1)[inside].max() < 0.02
    assert np.abs(seen.rgb - cv2.GaussianBlur(COLOURS, (0, 0), 0.75))[inside].mean() < 0.05


def test_gaussians_lie_flat_on_the_surface() -> None:
    cloud = seed(VIEW, COLOURS, DEPTH, ALL, LIKE)
    w, x, y, z = cloud.quaternions.T
    normals = np.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], axis=1)
    points = VIEW.unprojected(DEPTH)
    along = (points[24, 40] - points[24, 20]) / np.linalg.norm(points[24, 40] - points[24, 20])
    assert np.abs(normals.reshape(48, 64, 3)[24, 20:40] @ along).max() < 0.05


def test_what_would_stand_before_something_seen_is_let_go() -> None:
    wall = Seen.of(seed(VIEW, COLOURS, DEPTH, ALL, LIKE), VIEW)
    before = seed(VIEW, COLOURS, DEPTH * 0.8, ALL, LIKE)
    behind = seed(VIEW, COLOURS, DEPTH * 1.2, ALL, LIKE)
    assert unhidden(before, [wall])[24 * 64 + 10 : 24 * 64 + 50].sum() == 0
    assert unhidden(behind, [wall]).all()


def test_two_views_of_the_same_surface_fill_it_once() -> None:
    once = thinned(seed(VIEW, COLOURS, DEPTH, ALL, LIKE), 1_000_000)
    twice = thinned(joined([once, once]), 1_000_000)
    assert twice.count == once.count
    assert thinned(once, 100).count == 100
    assert thinned(LIKE, 100).count == 0
