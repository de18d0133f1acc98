"""A scene with a hole is completed: the hole is filled, the rest is as it was, and how far it is is told."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest
from immichvr_scenes.completion import (
    CannotComplete,
    Completed,
    CompletionOptions,
    CompletionProgress,
    InvalidCompletion,
    MissingRules,
    NothingMissing,
    complete,
)
from immichvr_scenes.completion.missing import Seen
from immichvr_splats import GaussianCloud

complete_module = importlib.import_module("immichvr_scenes.completion.complete")

SMALL = CompletionOptions(method="fill", path_views=4, longest=96, rules=MissingRules(visibility=None))


@pytest.fixture(scope="module")
def told() -> list[CompletionProgress]:
    return []


@pytest.fixture(scope="module")
def done(holed, told) -> Completed:
    return complete(holed.cut, holed.views, SMALL, told.append)


def psnr(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    return float(-10 * np.log10(np.square(one - other)[where].mean()))


def test_inside_the_hole_the_scene_is_nearer_to_the_truth_by_several_decibels(holed, done) -> None:
    for view in holed.views:
        truth, was, now = (Seen.of(cloud, view) for cloud in (holed.whole, holed.cut, done.cloud))
        hole = truth.alpha - was.alpha > 0.5
        assert hole.sum() > 20
        assert psnr(truth.rgb, now.rgb, hole) > psnr(truth.rgb, was.rgb, hole) + 5
        assert now.alpha[hole].mean() > 0.93


def test_what_was_there_is_as_it_was(holed, done) -> None:
    kept = done.cloud.take(np.arange(holed.cut.count))
    for name in ("means", "log_scales", "quaternions", "opacity_logits", "sh"):
        assert np.array_equal(getattr(kept, name), getattr(holed.cut, name))
    assert done.dropped == 0
    for view in holed.views:
        truth, was, now = (Seen.of(cloud, view) for cloud in (holed.whole, holed.cut, done.cloud))
        known = (np.abs(truth.alpha - was.alpha) < 0.01) & (was.alpha > 0.98)
        assert np.abs(now.rgb - was.rgb)[known].mean() < 0.01


def test_it_is_told_what_was_missing_and_what_became_of_it(holed, done) -> None:
    assert done.method == "fill" and done.reason == ""
    assert done.cloud.count == holed.cut.count + done.new and done.new > 100
    assert len(done.views) == len(done.masks) == len(done.before) == len(done.after)
    for view, mask, before, after in zip(done.views, done.masks, done.before, done.after, strict=True):
        size = (view.camera.height, view.camera.width)
        assert mask.shape == size and before.shape == after.shape == (*size, 3)
        assert 0 < mask.mean() < 1
    assert [one.round for one in done.rounds] == [1]


def test_progress_goes_on_by_stages_with_pictures(done, told) -> None:
    fractions = [one.fraction for one in told]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    stages = [one.stage for one in told]
    assert stages[0] == "views" and {"painting", "placing"} <= set(stages) and stages[-1] == "pruning"
    previews = [one.preview for one in told if one.preview is not None]
    assert previews and all(one.dtype == np.uint8 and one.ndim == 3 for one in previews)
    assert all(one.round == one.rounds == 1 for one in told if one.stage != "views")


def test_what_progress_raises_stops_the_work(holed) -> None:
    class Enough(Exception):
        pass

    def stop(progress: CompletionProgress) -> None:
        if progress.stage == "painting":
            raise Enough

    with pytest.raises(Enough):
        complete(holed.cut, holed.views, SMALL, stop)


def test_whoever_waits_may_stop_it_before_every_look(holed) -> None:
    told: list[float] = []
    none = MissingRules(alpha=None, visibility=None, confidence=None, depth=False)
    with pytest.raises(NothingMissing):
        complete(holed.whole, holed.views, replace(SMALL, rules=none), lambda progress: told.append(progress.fraction))
    assert len(told) > 2 * len(holed.views) and told == sorted(told)


def test_every_camera_is_asked_what_it_saw_however_few_pictures_are_kept(
    holed, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(SMALL, path_views=1, rules=MissingRules())
    every = complete(holed.cut, holed.views, options)
    monkeypatch.setattr(complete_module, "MOST_INPUTS", 1)
    few = complete(holed.cut, holed.views, options)
    assert every.dropped == few.dropped
    assert all(np.array_equal(one, other) for one, other in zip(every.masks, few.masks, strict=True))


def test_auto_takes_fill_where_there_is_nothing_else_and_says_why(holed) -> None:
    found = complete(holed.cut, holed.views, replace(SMALL, method="auto", path_views=1))
    assert found.method == "fill"
    for word in ("lama", "joint-multiview", "reference", "fill was used"):
        assert word in found.reason


def test_a_reference_is_completed_by_guessed_depth_where_no_network_is(holed) -> None:
    found = complete(holed.cut, holed.views, replace(SMALL, method="reference", path_views=2))
    assert found.method == "reference" and found.new > 100


def test_a_scene_without_holes_is_told_of(holed) -> None:
    none = MissingRules(alpha=None, visibility=None, confidence=None, depth=False)
    with pytest.raises(NothingMissing):
        complete(holed.whole, holed.views, replace(SMALL, rules=none))


def test_the_hole_in_a_draft_that_lets_light_through_is_filled(holed) -> None:
    draft = replace(holed.cut, opacity_logits=np.full_like(holed.cut.opacity_logits, -0.5))
    alphas = [Seen.of(draft, view).alpha for view in holed.views]
    assert np.mean([alpha < 0.98 for alpha in alphas]) > 0.75
    found = complete(draft, holed.views, replace(SMALL, rules=MissingRules(visibility=None, dilations=0)))
    assert found.new > 100
    assert np.mean(found.masks) < 0.5, "the hole and the rims, not all of it"
    for view in holed.views:
        truth, was, now = (Seen.of(cloud, view).alpha for cloud in (holed.whole, draft, found.cloud))
        hole = (truth > 0.98) & (was < 0.3)
        assert hole.sum() > 20 and now[hole].mean() > 0.9


def test_a_scene_of_which_hardly_anything_is_there_is_to_be_made_anew(holed) -> None:
    rest = holed.cut.take(np.flatnonzero(np.linalg.norm(holed.cut.means - holed.centre, axis=1) < 0.8))
    with pytest.raises(CannotComplete, match="make it anew"):
        complete(rest, holed.views, SMALL)


def test_a_scene_without_gaussians_or_cameras_is_refused(holed) -> None:
    with pytest.raises(CannotComplete, match="no Gaussians"):
        complete(GaussianCloud.empty(0, 0), holed.views)
    with pytest.raises(CannotComplete, match="cameras"):
        complete(holed.cut, [])


def test_the_splat_of_a_photo_is_completed_from_its_own_camera(holed) -> None:
    photo = replace(holed.cut, camera=holed.views[2].for_splats)
    assert complete(photo, [], replace(SMALL, path_views=2)).new > 50


def test_what_no_camera_saw_makes_room(holed) -> None:
    """A Gaussian in the shadow of everything, on the surface of a hole, is replaced."""
    options = replace(SMALL, path_views=2, rules=MissingRules())
    found = complete(holed.cut, holed.views, options)
    assert found.dropped == holed.cut.count + found.new - found.cloud.count


@pytest.mark.parametrize(
    "wrong", [{"method": "magic"}, {"dataset_update": 0}, {"path_views": 1000}, {"longest": 8}, {"max_new": 0}]
)
def test_options_that_cannot_be_followed_are_refused(wrong: dict) -> None:
    with pytest.raises(InvalidCompletion):
        CompletionOptions(**wrong)
