"""Near and far: robust, forewarned, slow, and anew for each shot."""

from itertools import pairwise

import numpy as np
from immichvr_video_depth.engine.frames import Share
from immichvr_video_depth.engine.ranges import SlowRange, percentiles

FRAMES = 22
"""In a window, at 25 a second."""


def over(slow: SlowRange, number: int, bounds: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return slow.over([(number * FRAMES + frame) / 25 for frame in range(FRAMES)], bounds)


def test_a_particle_before_the_lens_changes_nothing() -> None:
    plain = np.linspace(0, 1, 10_000, dtype=np.float32).reshape(100, 100)
    with_particle = plain.copy()
    with_particle[40:44, 40:44] = 50
    np.testing.assert_allclose(
        percentiles([Share(with_particle)], False), percentiles([Share(plain)], False), atol=0.01
    )


def test_a_single_frame_gone_wrong_changes_nothing() -> None:
    steady, disturbed = SlowRange(), SlowRange()
    sound = [(0.0, 1.0)] * 30
    wild = [*sound[:11], (-40.0, 90.0), *sound[12:]]
    assert over(steady, 0, sound) == over(disturbed, 0, wild)


def test_the_range_of_a_still_scene_stands_still() -> None:
    slow = SlowRange()
    found = {bounds for number in range(5) for bounds in over(slow, number, [(1.0, 3.0)] * 30)}
    assert len(found) == 1
    low, high = found.pop()
    assert low < 1 and high > 3


def test_it_goes_towards_what_is_new_evenly_and_without_a_jump() -> None:
    slow = SlowRange()
    found = over(slow, 0, [(0.0, 1.0)] * 30)
    for number in range(1, 12):
        found += over(slow, number, [(0.0, 5.0)] * 30)
    highs = [high for _, high in found]
    steps = [late - early for early, late in pairwise(highs)]
    assert all(step >= 0 for step in steps) and max(steps) < 0.05 * 5
    assert highs[-1] > 5 and highs[60] < 5


def test_it_widens_sooner_than_it_narrows() -> None:
    wide, narrow = SlowRange(), SlowRange()
    over(wide, 0, [(0.0, 1.0)] * 30)
    over(narrow, 0, [(0.0, 5.0)] * 30)
    widened = over(wide, 1, [(0.0, 5.0)] * 30)[-1][1] - 1
    narrowed = 5 - over(narrow, 1, [(0.0, 1.0)] * 30)[-1][1]
    assert widened > 2 * narrowed > 0


def test_frames_ahead_count_before_they_are_there() -> None:
    blind, forewarned = SlowRange(), SlowRange()
    for slow in (blind, forewarned):
        over(slow, 0, [(0.0, 1.0)] * 22)
    without = over(blind, 1, [(0.0, 1.0)] * 22)
    ahead = over(forewarned, 1, [(0.0, 1.0)] * 10 + [(0.0, 4.0)] * 20)
    assert ahead[-1][1] > without[-1][1]


def test_a_flat_map_still_has_a_range_to_divide_by() -> None:
    for level in (0.0, 7.0, 1e6):
        ((low, high),) = SlowRange().over([0.0], [percentiles([Share(np.full((6, 8), level, np.float32))], False)])
        assert low <= level <= high and high > low
