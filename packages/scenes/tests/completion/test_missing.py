"""What is missing from a view is found by four rules, each by itself."""

from dataclasses import replace

import numpy as np
import pytest
from immichvr_scenes.cameras import Camera, View
from immichvr_scenes.completion import InvalidCompletion, MissingRules
from immichvr_scenes.completion.missing import Seen, grown, missing_pixels, on_scale, thinner_than_usual, visible

NO_RULE = MissingRules(alpha=None, visibility=None, confidence=None, depth=False, dilations=0)
VIEW = View("here", Camera.central(40, 30, 30.0), np.eye(4))


def wall(depth: float = 2.0) -> Seen:
    return Seen(
        VIEW, np.full((30, 40, 3), 0.5, np.float32), np.ones((30, 40), np.float32), np.full((30, 40), depth, np.float32)
    )


def at(*pixels: tuple[int, int]) -> np.ndarray:
    mask = np.zeros((30, 40), bool)
    for y, x in pixels:
        mask[y, x] = True
    return mask


def test_where_the_cloud_covers_too_little_something_is_missing() -> None:
    seen = wall()
    seen.alpha[3, 4] = 0.97
    assert np.array_equal(missing_pixels(seen, [], replace(NO_RULE, alpha=0.98)), at((3, 4)))
    assert not missing_pixels(seen, [], replace(NO_RULE, alpha=0.9)).any()
    assert not missing_pixels(seen, [], NO_RULE).any()


def test_of_a_scene_that_lets_light_through_everywhere_only_what_is_thinner_still_is_missing() -> None:
    thin = wall()
    thin.alpha[:] = 0.95
    thin.alpha[3, 4] = 0.6
    rules = thinner_than_usual(replace(NO_RULE, alpha=0.98), [thin])
    assert np.array_equal(missing_pixels(thin, [], rules), at((3, 4)))
    assert thinner_than_usual(NO_RULE, [thin]) == NO_RULE
    assert thinner_than_usual(replace(NO_RULE, alpha=0.98), [wall()]).alpha == 0.98


@pytest.mark.parametrize("depth", [0.0, -1.0, np.nan, np.inf])
def test_what_has_no_depth_is_missing(depth: float) -> None:
    seen = wall()
    seen.depth[5, 6] = depth
    assert np.array_equal(missing_pixels(seen, [], replace(NO_RULE, depth=True)), at((5, 6)))


def test_confidence_is_judged_on_the_scale_of_its_map() -> None:
    confidence = np.full((30, 40), 100.0, np.float32)
    confidence[0, 0], confidence[9, 9], confidence[9, 10] = 1.0, 29.0, 32.0
    found = missing_pixels(wall(), [], replace(NO_RULE, confidence=0.3), confidence)
    assert np.array_equal(found, at((0, 0), (9, 9)))
    assert (on_scale(np.full((4, 4), 7.0, np.float32)) == 1).all()


def test_what_stands_behind_something_for_every_camera_was_not_seen() -> None:
    near, behind = wall(2.0), wall(2.2)
    assert visible(near, [near], 0.02).all()
    assert not visible(behind, [near], 0.02).any()
    assert visible(behind, [near, behind], 0.02).all()
    assert missing_pixels(behind, [near], replace(NO_RULE, visibility=0.02)).all()


def test_what_is_missing_is_grown_twice_by_five_pixels() -> None:
    seen = wall()
    seen.alpha[15, 20] = 0
    found = missing_pixels(seen, [], MissingRules())
    assert found.sum() == 81 and found[11:20, 16:25].all()
    assert np.array_equal(grown(at((15, 20)), 5, 0), at((15, 20)))


@pytest.mark.parametrize("wrong", [{"alpha": 1.5}, {"confidence": -0.1}, {"kernel": 4}, {"dilations": 99}])
def test_rules_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidCompletion):
        MissingRules(**wrong)  # type: ignore[arg-type]
