"""The path looks at what is missing, from where one may stand."""

import numpy as np
import pytest
from immichvr_scenes.completion import CannotComplete, MissingRules
from immichvr_scenes.completion.missing import Seen, missing_pixels
from immichvr_scenes.completion.views import REACH, fitted, look_around

RULES = MissingRules(visibility=None)


def test_every_view_of_the_path_shows_a_hole_and_enough_beside_it(holed) -> None:
    path = look_around(holed.cut, holed.views, 5, 96, RULES)
    assert 1 <= len(path) <= 5
    for view in path:
        share = missing_pixels(Seen.of(holed.cut, view), [], RULES).mean()
        assert 0 < share < 0.85
        assert max(view.camera.width, view.camera.height) <= 96


def test_nobody_walks_farther_than_the_cameras_and_a_step(holed) -> None:
    centres = np.array([view.centre for view in holed.views])
    depths = [np.median(Seen.of(holed.cut, view).depth) for view in holed.views]
    step = 1.1 * REACH * float(np.median(depths))
    for view in look_around(holed.cut, holed.views, 12, 96, RULES):
        assert (view.centre >= centres.min(axis=0) - step).all()
        assert (view.centre <= centres.max(axis=0) + step).all()


def test_cameras_that_see_nothing_of_the_scene_are_told_of(holed) -> None:
    away = [view.turned("away", view.camera, (0, 0, 500), np.eye(3)) for view in holed.views]
    with pytest.raises(CannotComplete, match="coordinate system"):
        look_around(holed.cut, away, 4, 96, RULES)


def test_pictures_of_the_path_have_sides_that_networks_can_halve(holed) -> None:
    for longest in (33, 64, 512):
        camera = fitted(holed.views[0], longest).camera
        assert camera.width % 8 == 0 and camera.height % 8 == 0
