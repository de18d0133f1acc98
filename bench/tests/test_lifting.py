"""Lifted photos seen from beside, against the truth. docs/lifting.md has the figures at full size."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from immichvr_bench.lifting import (
    METHODS,
    MOVES,
    Score,
    Trial,
    make_trial,
    score_cloud,
)
from immichvr_bench.scenes import SCENES
from immichvr_depth.depth_map import DepthMap
from immichvr_depth.lift import lift
from immichvr_splats import Camera, read, to_bytes
from immichvr_splats.rendering import render, shifted

SIDESTEP = 0.05
SCENE_NAMES = ["still-life", pytest.param("colonnade", marks=pytest.mark.long)]


@cache
def trial_of(scene: str) -> Trial:
    return make_trial(SCENES[scene](), 256, 192, SIDESTEP)


@cache
def scores_of(scene: str, method: str) -> dict[str, Score]:
    trial = trial_of(scene)
    lifter, degrade = METHODS[method]
    depth = DepthMap(degrade(trial.source.depth), True, "embedded", "1")
    return score_cloud(lifter(trial.source.rgb, depth, trial.source.camera.fx, 70_000), trial)


@pytest.mark.parametrize("scene", SCENE_NAMES)
@pytest.mark.parametrize("method", ["layered, true depth", "layered, stored depth", "layered, blurred depth"])
def test_a_sidestep_shows_no_holes(scene: str, method: str) -> None:
    scores = scores_of(scene, method)
    assert max(scores[move].holes for move in MOVES) < 0.005


@pytest.mark.parametrize(
    ("scene", "method", "source", "beside"),
    [
        ("still-life", "layered, true depth", 27.0, 23.9),
        ("still-life", "layered, stored depth", 27.1, 23.8),
        ("still-life", "layered, blurred depth", 26.9, 23.8),
        pytest.param("colonnade", "layered, true depth", 26.9, 23.5, marks=pytest.mark.long),
        pytest.param("colonnade", "layered, stored depth", 26.8, 23.0, marks=pytest.mark.long),
        pytest.param("colonnade", "layered, blurred depth", 26.7, 23.4, marks=pytest.mark.long),
    ],
)
def test_views_are_as_close_to_the_truth_as_measured(scene: str, method: str, source: float, beside: float) -> None:
    scores = scores_of(scene, method)
    assert scores["source"].psnr > source
    assert min(scores[move].psnr for move in MOVES) > beside


@pytest.mark.parametrize("kind", ["spz", "splat"])
def test_a_file_of_splats_is_as_close_to_the_photo_and_as_bright_as_it(kind: str) -> None:
    trial = trial_of("still-life")
    photo, camera = trial.source.rgb, trial.source.camera
    cloud = lift(photo, DepthMap(trial.source.depth, True, "embedded", "1"), camera.fx, 70_000).cloud
    shown = 255 * np.clip(render(read(to_bytes(cloud, kind), kind).cloud, cloud.camera or camera).rgb, 0, 1)
    assert abs((shown - photo).mean()) < 1
    assert 10 * np.log10(255**2 / np.mean((shown - photo) ** 2)) > 26.9


@pytest.mark.parametrize("scene", SCENE_NAMES)
@pytest.mark.parametrize("simpler", ["one layer, true depth", "round blobs, true depth"])
def test_simpler_lifts_have_holes_and_are_farther_from_the_truth(scene: str, simpler: str) -> None:
    ours, theirs = scores_of(scene, "layered, true depth"), scores_of(scene, simpler)
    assert max(theirs[move].holes for move in MOVES) > 0.01
    assert np.mean([ours[move].psnr - theirs[move].psnr for move in MOVES]) > 2.0


def test_no_rubber_sheet_hangs_between_two_planes() -> None:
    card = np.zeros((180, 240), np.bool_)
    card[50:130, 80:160] = True
    rgb = np.where(card[..., None], [230, 20, 20], [20, 20, 230]).astype(np.uint8)
    depth = DepthMap(np.where(card, 2.0, 6.0).astype(np.float32), True, "embedded", "1")
    cloud = lift(rgb, depth, 200.0).cloud
    camera = Camera(200.0, 200.0, 120.0, 90.0, 240, 180)
    # A tenth of the median depth: the card moves by 60 pixels, the wall by 20.
    beside = render(cloud, camera, shifted(camera, right=0.6))
    expected = np.zeros((180, 240), np.bool_)
    expected[50:130, 20:100] = True
    inside = expected[:, :218]
    red = beside.rgb[:, :218, 0] > 0.5
    assert beside.alpha[:, :218].min() > 0.9
    assert (red != inside).mean() < 0.01, "the card keeps its outline"
    mixed = (
        np.abs(beside.rgb[:, :218] - np.where(inside[..., None], [0.9, 0.08, 0.08], [0.08, 0.08, 0.9])).max(axis=-1)
        > 0.2
    )
    edges = np.zeros_like(inside)
    edges[48:132, 18:102] = True
    edges[52:128, 22:98] = False
    assert not (mixed & ~edges).any(), "nothing is smeared beyond two pixels of the outline"
