"""New Gaussians come to look like what was painted, while the old ones stay as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from immichvr_scenes.cameras import Camera, View
from immichvr_scenes.completion import CompletionOptions, CompletionProgress, MissingRules, complete
from immichvr_scenes.completion.missing import Seen
from immichvr_scenes.completion.optimising import Target, optimise, ranking_loss
from immichvr_scenes.completion.seeding import seed
from immichvr_splats import GaussianCloud

VIEW = View("here", Camera.central(32, 24, 30.0), np.eye(4))
ALL = np.ones((24, 32), bool)
DEPTH = np.full((24, 32), 2.0, np.float32)


def painted(colour: tuple[float, float, float]) -> np.ndarray:
    return np.broadcast_to(np.float32(colour), (24, 32, 3)).copy()


def test_optimising_brings_new_gaussians_to_what_was_painted_the_same_every_time() -> None:
    nothing = GaussianCloud.empty(0, 0)
    new = seed(VIEW, painted((0.5, 0.5, 0.5)), DEPTH, ALL, nothing)
    target = Target(VIEW, painted((0.1, 0.8, 0.2)), DEPTH, ALL, ALL)
    shares: list[float] = []
    trained = optimise(nothing, new, [target], 20, 0, shares.append)
    before, after = (np.abs(Seen.of(cloud, VIEW).rgb - target.rgb).mean() for cloud in (new, trained))
    assert after < 0.6 * before
    assert shares[-1] == 1 and len(shares) == 20
    again = optimise(nothing, new, [target], 20, 0)
    assert np.array_equal(again.means, trained.means) and np.array_equal(again.sh, trained.sh)


def test_what_has_become_invisible_is_let_go() -> None:
    nothing = GaussianCloud.empty(0, 0)
    new = seed(VIEW, painted((0.5, 0.5, 0.5)), DEPTH, ALL, nothing)
    logits = new.opacity_logits.copy()
    logits[:100] = -9
    target = Target(VIEW, painted((0.5, 0.5, 0.5)), DEPTH, ALL, ALL)
    assert optimise(nothing, replace(new, opacity_logits=logits), [target], 1, 0).count == new.count - 100


def test_a_scene_is_optimised_with_the_old_gaussians_to_the_bit_as_they_were(holed) -> None:
    told: list[CompletionProgress] = []
    options = CompletionOptions(
        method="fill", path_views=1, longest=48, rules=MissingRules(visibility=None), iterations=3
    )
    done = complete(holed.cut, holed.views, options, told.append)
    assert np.array_equal(done.cloud.means[: holed.cut.count], holed.cut.means)
    assert np.array_equal(done.cloud.sh[: holed.cut.count], holed.cut.sh)
    assert "optimising" in {one.stage for one in told}
    fractions = [one.fraction for one in told]
    assert fractions == sorted(fractions)


def test_neighbours_in_the_wrong_order_cost_and_those_in_the_right_one_do_not() -> None:
    wanted = np.tile(np.float32([1.0, 2.0, 3.0]), (3, 1))
    painted = np.ones((3, 3), bool)
    right, wrong = torch.from_numpy(wanted * 5), torch.from_numpy(wanted[:, ::-1].copy())
    assert float(ranking_loss(right, wanted, painted)) == 0
    assert float(ranking_loss(wrong, wanted, painted)) == pytest.approx(np.log(3) / 2, rel=1e-4)
    assert float(ranking_loss(wrong, wanted, ~painted)) == 0
