"""Maps of a network that sees each frame alone, whose scale and shift jump: afterwards they do not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from immichvr_video_depth.engine.alignment import Shares
from immichvr_video_depth.engine.following import FollowingAlignment
from immichvr_video_depth.engine.frames import composed

HEIGHT, WIDTH, COUNT = 40, 60, 90
Maps = npt.NDArray[np.float32]


def scene(count: int = COUNT) -> Maps:
    """True disparity of a slope under a slow pan, with a near ball that crosses it."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    maps = []
    for frame in range(count):
        slope = 1 + 0.02 * y + 0.3 * np.sin((x + frame / 4) / 9)
        ball = (x - frame * 0.5) ** 2 + (y - 20) ** 2 < 36
        maps.append(np.where(ball, 4.0, slope))
    return np.array(maps, np.float32)


def disturbed(truth: Maps, seed: int = 0) -> Maps:
    """As a network sees it that knows nothing of the frame before."""
    random = np.random.default_rng(seed)
    scale = random.uniform(0.8, 1.25, (len(truth), 1, 1))
    shift = random.uniform(-0.4, 0.4, (len(truth), 1, 1))
    noise = random.normal(0, 0.03, truth.shape)
    return np.float32(truth * scale + shift + noise)


def followed(raw: Maps, alignment: FollowingAlignment | None = None) -> list[Shares]:
    alignment = alignment or FollowingAlignment(metric=False)
    shares = alignment.add(raw[:32])
    for at in range(32, len(raw), 22):
        shares += alignment.add(raw[at : at + 22])
    return shares + alignment.pending()


def maps_of(shares: list[Shares]) -> Maps:
    return np.stack([composed(one, WIDTH, HEIGHT) for one in shares])


def error(maps: Maps, truth: Maps) -> float:
    """Typical error after one alignment of the whole shot, as part of the truth's spread."""
    matrix = np.stack([maps.ravel(), np.ones(maps.size)], axis=1).astype(np.float64)
    (scale, shift), *_ = np.linalg.lstsq(matrix, truth.ravel().astype(np.float64), rcond=None)
    return float(np.abs(scale * maps + shift - truth).mean() / truth.std())


def test_what_jumped_from_frame_to_frame_lies_on_one_scale() -> None:
    truth = scene()
    raw = disturbed(truth)
    assert error(raw, truth) > 0.25
    assert error(maps_of(followed(raw)), truth) < 0.06


def test_a_sound_network_is_left_alone() -> None:
    truth = scene()
    shares = followed(truth)
    assert all(abs(share.scale - 1) < 0.03 and abs(share.shift) < 0.06 for (share,) in shares)


def test_a_long_shot_does_not_drift_away_nor_fade() -> None:
    truth = scene(400)
    maps = maps_of(followed(disturbed(truth)))
    early, late = maps[:60].std(), maps[-60:].std()
    assert 0.7 < late / early * truth[:60].std() / truth[-60:].std() < 1.4


def test_frames_that_have_nothing_in_common_stay_as_they_are() -> None:
    random = np.random.default_rng(3)
    for (share,) in followed(random.random((40, HEIGHT, WIDTH), dtype=np.float32)):
        assert 0.5 < share.scale < 2 and abs(share.shift) < 0.5


def test_flat_maps_are_no_reason_to_fail() -> None:
    maps = maps_of(followed(np.ones((60, HEIGHT, WIDTH), np.float32)))
    np.testing.assert_allclose(maps, 1, atol=1e-3)


def test_metres_stay_metres() -> None:
    raw = disturbed(scene(50))
    assert np.array_equal(maps_of(followed(raw, FollowingAlignment(metric=True))), np.maximum(raw, 0))


def test_it_goes_on_from_its_state_with_the_same_bits() -> None:
    raw = disturbed(scene(76))
    whole = FollowingAlignment(metric=False)
    whole.add(raw[:32])
    whole.add(raw[32:54])
    resumed = FollowingAlignment(metric=False, state=whole.state())
    for one, other in zip(whole.pending(), resumed.pending(), strict=True):
        assert np.array_equal(composed(one, WIDTH, HEIGHT), composed(other, WIDTH, HEIGHT))
    for one, other in zip(whole.add(raw[54:]), resumed.add(raw[54:]), strict=True):
        assert np.array_equal(composed(one, WIDTH, HEIGHT), composed(other, WIDTH, HEIGHT))


def test_maps_of_another_size_than_before_it_was_broken_off_are_brought_to_that_size() -> None:
    raw = disturbed(scene(76))
    before = FollowingAlignment(metric=False)
    halves = [np.ascontiguousarray(one[::2, ::2]) for one in raw]
    before.add(halves[:32])
    before.add(halves[32:54])
    resumed = FollowingAlignment(metric=False, state=before.state())
    shares = [*resumed.add(raw[54:]), *resumed.pending()]
    assert {share.raw.shape for (share,) in shares} == {halves[0].shape}
    whole = FollowingAlignment(metric=False)
    whole.add(raw[:32])
    shares = whole.add([*halves[32:40], *raw[40:54]])
    assert {share.raw.shape for (share,) in shares} == {raw[0].shape}
