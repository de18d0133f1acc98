"""Without weights: depth is carried on by the order of surfaces, and texture comes from patches around."""

import numpy as np
import pytest
from immichvr_scenes.completion import patches
from immichvr_scenes.completion.aligning import aligned, blended
from immichvr_scenes.completion.carrying import carry_on
from immichvr_scenes.completion.patches import paint


def hole(height: int = 60, width: int = 80, box: tuple[int, int, int, int] = (20, 40, 25, 50)) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[box[0] : box[1], box[2] : box[3]] = True
    return mask


def test_a_slanted_wall_goes_on_through_a_hole() -> None:
    disparity = 0.5 + 0.004 * np.arange(80, dtype=np.float32)[None, :] + np.zeros((60, 1), np.float32)
    truth, missing = 1 / disparity, hole()
    _, carried = carry_on(np.full((60, 80, 3), 0.5, np.float32), np.where(missing, 0, truth), missing)
    assert np.abs(carried / truth - 1).max() < 0.02
    assert np.array_equal(carried[~missing], truth[~missing])


def test_a_hole_beside_something_near_belongs_to_what_is_behind() -> None:
    depth = np.full((60, 80), 5.0, np.float32)
    depth[:, :25] = 1.0  # something near, left of the hole
    rgb = np.where(depth[..., None] < 2, np.float32(0.9), np.float32(0.2)) * np.ones(3, np.float32)
    missing = hole()
    painted, carried = carry_on(rgb, depth, missing)
    assert np.allclose(carried[missing], 5.0, rtol=0.02)
    assert np.allclose(painted[missing], 0.2, atol=0.02)


def test_a_hole_within_something_near_stays_near() -> None:
    depth = np.full((60, 80), 5.0, np.float32)
    depth[5:55, 10:65] = 1.0
    _, carried = carry_on(np.zeros((60, 80, 3), np.float32), depth, hole())
    assert np.allclose(carried, depth, rtol=0.02)


def test_a_picture_of_which_nothing_is_known_is_grey() -> None:
    painted, depth = carry_on(np.zeros((8, 8, 3), np.float32), np.zeros((8, 8), np.float32), np.ones((8, 8), bool))
    assert (painted == 0.5).all() and (depth == 1).all()


def test_stripes_go_on_through_a_hole() -> None:
    stripes = ((np.arange(80) // 4) % 2).astype(np.float32)
    truth = np.repeat(np.broadcast_to(stripes, (60, 80))[..., None], 3, axis=2)
    missing = hole(box=(24, 36, 30, 44))
    base, depth = carry_on(truth, np.full((60, 80), 2.0, np.float32), missing)
    painted = paint(base, depth, missing)
    before, after = (np.abs(one - truth)[missing].mean() for one in (base, painted))
    assert after < 0.5 * before
    assert np.array_equal(painted[~missing], truth[~missing])


def test_a_foreground_is_not_copied_into_the_background() -> None:
    rng = np.random.default_rng(3)
    depth = np.full((60, 80), 6.0, np.float32)
    depth[:, :25] = 1.0
    rgb = np.where(depth[..., None] < 2, (1.0, 0.1, 0.1), (0.1, 0.1, 1.0)) + rng.normal(0, 0.05, (60, 80, 3))
    missing = hole()
    base, carried = carry_on(np.clip(rgb, 0, 1).astype(np.float32), depth, missing)
    painted = paint(base, carried, missing)[missing]
    assert (painted[:, 2] > painted[:, 0]).mean() > 0.98


def test_painting_is_the_same_for_the_same_seed() -> None:
    rgb = np.random.default_rng(0).random((60, 80, 3)).astype(np.float32)
    base, depth = carry_on(rgb, np.full((60, 80), 2.0, np.float32), hole())
    assert np.array_equal(paint(base, depth, hole(), 5), paint(base, depth, hole(), 5))
    assert not np.array_equal(paint(base, depth, hole(), 5), paint(base, depth, hole(), 6))


def test_holes_scattered_all_over_cost_no_more_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the smaller pictures has a whole patch: the picture itself is grown inwards."""
    tries: list[int] = []
    grow = patches._grow

    def counted(rgb, depths, known, choice, cells) -> None:  # type: ignore[no-untyped-def]
        tries.append(len(choice) * len(cells))
        grow(rgb, depths, known, choice, cells)

    monkeypatch.setattr(patches, "_grow", counted)
    monkeypatch.setattr(patches, "_MOST_TRIES", 1 << 18)
    missing = np.zeros((120, 160), bool)
    missing[::9, ::9] = True
    truth = np.full((120, 160, 3), 0.3, np.float32)
    painted = paint(np.where(missing[..., None], np.float32(0.9), truth), np.ones((120, 160), np.float32), missing)
    assert len(tries) == 1 and 0 < tries[0] <= 1 << 18
    assert np.array_equal(painted[~missing], truth[~missing])


def test_an_estimate_is_brought_to_the_scale_of_what_is_known_though_a_tenth_of_it_is_wrong() -> None:
    rng = np.random.default_rng(1)
    truth = rng.uniform(2, 6, (60, 80)).astype(np.float32)
    known = truth.copy()
    known[rng.random((60, 80)) < 0.1] = 0.5
    fitted = aligned((1 / (3 / truth + 0.1)).astype(np.float32), known, hole())
    assert fitted is not None
    assert np.abs(fitted / truth - 1)[hole()].max() < 0.01


def test_an_estimate_without_anything_known_beside_it_is_not_used() -> None:
    depth = np.full((60, 80), 3.0, np.float32)
    assert aligned(depth, np.zeros((60, 80), np.float32), hole()) is None


def test_an_estimate_meets_what_is_carried_on_at_the_rim() -> None:
    carried, estimate, missing = np.full((60, 80), 2.0, np.float32), np.full((60, 80), 3.0, np.float32), hole()
    joined = blended(estimate, carried, missing)
    assert (joined[~missing] == 2).all()
    assert joined[20, 37] < 2.2 and joined[30, 37] == 3
