"""Views painted together: grids are exact, and the order of the views makes no difference."""

import numpy as np
import pytest
import torch
from immichvr_scenes.completion.joint import (
    anneal,
    betas,
    ddim_step,
    joint_noise,
    noise_of,
    noised,
    shuffled,
    tile,
    timesteps,
    untile,
)


def views(count: int = 8) -> torch.Tensor:
    return noise_of(count, (9, 6, 10), 0)


def predict(grids: torch.Tensor) -> torch.Tensor:
    """Not the same in every cell of a grid: what is seen depends on the neighbours."""
    return grids[:, :4] + torch.roll(grids[:, 4:8], (3, 5), dims=(2, 3)) * grids[:, :4].mean(dim=(2, 3), keepdim=True)


def test_tiles_are_put_together_and_taken_apart_without_a_trace() -> None:
    grids = tile(views())
    assert grids.shape == (2, 9, 12, 20)
    assert torch.equal(untile(grids), views())
    assert torch.equal(grids[0, :, 6:, :10], views()[2])  # row by row: the third is below the first


def test_views_in_another_order_get_the_same_noise_each() -> None:
    layouts = shuffled(8, 1, 0, layouts=3)
    order = torch.from_numpy(np.random.default_rng(9).permutation(8))
    place = torch.argsort(order)  # where a view is, now that they are in that order
    usual = joint_noise(predict, views(), layouts)
    turned = joint_noise(predict, views()[order], [place[layout] for layout in layouts])
    assert torch.equal(turned, usual[order])


def test_every_step_has_its_own_layouts_and_the_same_ones_again_for_the_same_seed() -> None:
    assert all(torch.equal(*pair) for pair in zip(shuffled(16, 1, 2, 4), shuffled(16, 1, 2, 4), strict=True))
    assert not torch.equal(shuffled(16, 1, 2)[0], shuffled(16, 1, 3)[0])
    assert not torch.equal(shuffled(16, 1, 2)[0], shuffled(16, 2, 2)[0])


def test_strength_falls_from_one_to_four_tenths() -> None:
    assert [anneal(k, 4) for k in range(4)] == pytest.approx([1.0, 0.8, 0.6, 0.4])
    assert anneal(0, 1) == 1.0


def test_a_lower_strength_starts_at_less_noise_and_both_end_without() -> None:
    assert timesteps(1.0, 20)[0] == 950 and timesteps(0.4, 20)[0] == 380
    assert timesteps(1.0, 20)[-1] == timesteps(0.4, 20)[-1] == 0
    assert len(timesteps(0.001, 20)) == 1


def test_noise_that_is_told_exactly_is_taken_away_in_one_step() -> None:
    kept = torch.cumprod(1 - betas(), dim=0)
    assert 0.9 < float(kept[0]) < 1 and float(kept[-1]) < 0.01
    clean, noise = views(4), noise_of(4, (9, 6, 10), 5)
    there = noised(clean, noise, float(kept[500]))
    assert torch.allclose(ddim_step(there, noise, float(kept[500]), 1.0), clean, atol=1e-5)


def test_a_views_noise_does_not_depend_on_how_many_others_there_are() -> None:
    assert torch.equal(noise_of(3, (4, 2, 2), 7), noise_of(5, (4, 2, 2), 7)[:3])
