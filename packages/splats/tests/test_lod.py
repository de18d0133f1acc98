"""Levels of detail look like the cloud they stand for, at exactly the size asked for."""

from dataclasses import replace

import numpy as np
import pytest
from immichvr_splats import (
    LEVEL_COUNTS,
    LIGHT_BYTES,
    LIGHT_COUNT,
    SH_C0,
    Camera,
    GaussianCloud,
    InvalidCloudError,
    Marks,
    Reduction,
    levels,
    light,
    lod,
    to_bytes,
    within_bytes,
)
from immichvr_splats.rendering import render as drawn


def psnr(a, b):
    return -10 * np.log10(np.mean((a - b) ** 2))


@pytest.mark.parametrize("count", [1, 2, 3, 10, 99, 500, 1727, 1728])
def test_a_level_has_exactly_the_count_asked_for(photo_cloud, count):
    assert lod(photo_cloud, count).count == count
    assert lod(replace(photo_cloud, camera=None), count).count == count


def test_gaussians_at_one_place_still_give_an_exact_count(make_cloud):
    cloud = make_cloud(50)
    cloud = replace(cloud, means=np.repeat(cloud.means[:5], 10, axis=0))
    assert [lod(cloud, n).count for n in (3, 5, 20, 49)] == [3, 5, 20, 49]


def test_a_cloud_within_the_count_is_left_as_it_is(photo_cloud):
    assert lod(photo_cloud, photo_cloud.count) is photo_cloud


def test_a_count_below_one_is_refused(photo_cloud):
    with pytest.raises(InvalidCloudError, match="at least 1"):
        lod(photo_cloud, 0)


@pytest.mark.parametrize("with_camera", [True, False])
def test_a_quarter_of_the_gaussians_gives_nearly_the_same_picture(photo_cloud, render, with_camera):
    full = render(photo_cloud)
    count = photo_cloud.count // 4
    level = lod(photo_cloud if with_camera else replace(photo_cloud, camera=None), count)
    some = np.random.default_rng(0).choice(photo_cloud.count, count, replace=False)
    subset = photo_cloud.take(np.sort(some))
    subset = replace(subset, log_scales=subset.log_scales + np.float32(np.log(2)))
    assert psnr(render(level), full) > 26
    assert psnr(render(level), full) > psnr(render(subset), full) + 5


def test_no_gap_opens_in_a_closed_surface(photo_cloud, render):
    white = replace(photo_cloud, sh=np.full_like(photo_cloud.sh, 0.5 / SH_C0))
    full = render(white)[4:-4, 4:-4]
    coverage = render(lod(white, white.count // 6))[4:-4, 4:-4]
    assert full.min() > 0.9
    assert coverage.min() > 0.7
    assert coverage.mean() > full.mean() - 0.06


def test_merging_two_keeps_their_mean_covariance_and_colour(make_cloud, covariance):
    pair = make_cloud(2, degree=1)
    pair = replace(
        pair,
        means=np.array([[0, 0, 4], [0.4, 0.1, 4.2]]),
        log_scales=np.tile(pair.log_scales[:1], (2, 1)),
        quaternions=np.tile(pair.quaternions[:1], (2, 1)),
        opacity_logits=np.zeros(2),
    )
    merged = lod(pair, 1)
    offset = (pair.means[1].astype(float) - pair.means[0]) / 2
    between = np.outer(offset, offset)
    np.testing.assert_allclose(merged.means[0], pair.means.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(covariance(merged, 0), covariance(pair, 0) + between, atol=1e-6)
    np.testing.assert_allclose(merged.sh[0], pair.sh.mean(axis=0), atol=1e-6)


def test_a_transparent_gaussian_hardly_moves_what_it_is_merged_with(make_cloud):
    pair = replace(make_cloud(2), opacity_logits=np.array([5.0, -9.0]), log_scales=np.full((2, 3), -3.0))
    merged = lod(pair, 1)
    assert np.linalg.norm(merged.means[0] - pair.means[0]) < 0.01
    np.testing.assert_allclose(merged.sh[0], pair.sh[0], atol=0.001)


def test_what_stands_alone_is_kept_not_pruned(make_cloud):
    crowd = replace(make_cloud(400), means=make_cloud(400).means * np.float32(0.01))
    alone = replace(make_cloud(1), means=np.array([[50.0, 0, 0]]), opacity_logits=np.array([-3.0]))
    both = GaussianCloud(
        *(
            np.concatenate((getattr(crowd, name), getattr(alone, name)))
            for name in ("means", "log_scales", "quaternions", "opacity_logits", "sh")
        )
    )
    level = lod(both, 20)
    kept = np.flatnonzero(level.means[:, 0] == 50)
    assert kept.size == 1
    np.testing.assert_array_equal(level.log_scales[kept[0]], alone.log_scales[0])


def test_what_is_near_and_finely_sampled_keeps_its_share_in_a_world_without_a_camera(photo_cloud):
    near = replace(photo_cloud, camera=None)
    far = replace(near, means=50 * near.means, log_scales=near.log_scales + np.float32(np.log(50)))
    both = GaussianCloud(
        *(
            np.concatenate((getattr(near, name), getattr(far, name)))
            for name in ("means", "log_scales", "quaternions", "opacity_logits", "sh")
        )
    )
    level = lod(both, both.count // 4)
    assert (level.means[:, 2] < 5).sum() > level.count // 10


def test_cells_stop_at_edges_between_colours(photo_cloud):
    left = photo_cloud.means[:, 0] < 0
    sh = np.where(left[:, None, None], -1.5, 1.5) * np.ones_like(photo_cloud.sh)
    level = lod(replace(photo_cloud, sh=sh), photo_cloud.count // 20)
    assert np.abs(np.abs(level.sh) - 1.5).max() < 1e-5


def test_a_level_has_sound_values_whatever_the_cloud_holds(make_cloud, camera):
    cloud = make_cloud(300, camera=camera)
    cloud.means[:20] = 0  # in the camera's centre
    cloud.means[20:40, 2] *= -1  # behind it
    cloud.means[40:60] *= np.float32(1e30)
    cloud.log_scales[60:80] = 80
    cloud.log_scales[80:100] = -90
    cloud.opacity_logits[100:120] = -1e30
    cloud.opacity_logits[120:140] = np.inf
    cloud.means[140:160] = np.nan
    level = lod(cloud, 30)
    assert level.count == 30
    for name in ("means", "log_scales", "quaternions", "opacity_logits", "sh"):
        assert np.isfinite(getattr(level, name)).all(), name
    np.testing.assert_allclose(np.linalg.norm(level.quaternions, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("degree", [0, 2])
@pytest.mark.parametrize("fitted", [light, within_bytes])
def test_a_level_for_some_bytes_fits_into_them_and_uses_most_of_them(make_cloud, degree, fitted):
    cloud = make_cloud(6000, degree)
    level = fitted(cloud, max_bytes=20_000)
    assert 16_000 < len(to_bytes(level, "spz")) <= 20_000
    assert level.sh_degree == degree


def test_what_fits_into_its_bytes_is_left_alone(photo_cloud):
    assert within_bytes(photo_cloud, 5_000_000) is photo_cloud


@pytest.mark.parametrize("count", [2, 3, 5_000, 450_000])
def test_light_is_always_smaller_than_the_whole_and_within_its_count_and_bytes(make_cloud, count):
    cloud = make_cloud(count)
    level = light(cloud)
    assert level.count == min(LIGHT_COUNT, count // 2)
    assert len(to_bytes(level, "spz")) <= min(LIGHT_BYTES, len(to_bytes(cloud, "spz")) - 1)


def test_light_opens_no_pinholes_in_a_closed_surface(photo_cloud, render):
    white = replace(photo_cloud, sh=np.full_like(photo_cloud.sh, 0.5 / SH_C0))
    assert render(light(white))[4:-4, 4:-4].min() > 0.75


def likeness_on_a_screen(level, cloud):
    """Decibels, and mean difference in levels of 255, where the photographer stood and a step beside."""
    camera = cloud.camera
    k = 960 / camera.width
    screen = Camera(camera.fx * k, camera.fy * k, camera.cx * k, camera.cy * k, 960, 720, camera.extrinsic)
    beside = np.array(camera.extrinsic)
    beside[0, 3] -= 0.1
    found = []
    for pose in (None, beside):
        given, wanted = (drawn(one, screen, pose).rgb[40:-40, 40:-40] for one in (level, cloud))
        found.append((psnr(given, wanted), 255 * (given - wanted).mean()))
    return found


@pytest.fixture(params=["at the origin, metres", "elsewhere, millimetres"])
def fine_photo(request, lifted):
    """Of more Gaussians than the others, in one place and unit or another."""
    cloud = lifted(96, 72)
    if request.param == "at the origin, metres":
        return cloud
    extrinsic = np.diag([1e-3, 1e-3, 1e-3, 1])
    extrinsic[:3, 3] = 0.3, -0.2, 0.1
    means = (cloud.means - np.float32(extrinsic[:3, 3])) * np.float32(1e3)
    scales = cloud.log_scales + np.float32(np.log(1e3))
    return replace(cloud, means=means, log_scales=scales, camera=replace(cloud.camera, extrinsic=extrinsic))


def test_levels_are_as_bright_as_the_whole_and_nearer_to_it_than_what_was_merged(fine_photo):
    reduction = Reduction(fine_photo, fine_photo.camera)
    for level in (reduction.to(900), reduction.to(2000), light(fine_photo, camera=fine_photo.camera)):
        merged = likeness_on_a_screen(lod(fine_photo, level.count), fine_photo)
        for (decibels, off), (before, off_before) in zip(likeness_on_a_screen(level, fine_photo), merged, strict=True):
            assert abs(off) < min(1, 0.7 * abs(off_before))
            assert decibels > before + 0.5


def test_a_level_looks_like_the_whole_from_a_place_that_only_the_caller_knows(lifted):
    cloud = lifted(96, 72)
    told = Reduction(cloud).to(1500)
    untold = Reduction(replace(cloud, camera=None), cloud.camera).to(1500)
    assert untold.camera is None
    np.testing.assert_array_equal(untold.sh, told.sh)
    np.testing.assert_array_equal(untold.means, told.means)


def test_a_cloud_tells_itself_that_it_is_of_a_photo_by_the_place_of_its_camera(lifted, monkeypatch):
    monkeypatch.setitem(LEVEL_COUNTS, "preview", 900)
    photo = lifted(96, 72)
    pose = np.eye(4)
    pose[0, 3] = 0.2
    scene = replace(photo, camera=replace(photo.camera, extrinsic=pose))
    for cloud, fitted in ((photo, True), (scene, False)):
        made = [next(level for _, level in levels(cloud)), light(cloud), Reduction(cloud).to(900)]
        assert [np.array_equal(level.sh, lod(cloud, level.count).sh) for level in made] == [not fitted] * 3
    told = Reduction(scene, photo.camera).to(900)
    np.testing.assert_array_equal(told.sh, Reduction(photo).to(900).sh)
    assert told.camera is scene.camera


@pytest.mark.parametrize(
    "why",
    [
        "no place is known", "nobody can look from there", "a mirror", "colours change with the place",
        "antialiased", "there is too much to draw",
    ],
)  # fmt: skip
def test_what_cannot_be_looked_at_is_merged_alone(make_cloud, lifted, why):
    cloud = lifted(24, 18)
    if why == "no place is known":
        cloud = replace(cloud, camera=None)
    elif why in ("nobody can look from there", "a mirror"):
        turn = np.diag([1, 1, 0, 1]) if why != "a mirror" else np.diag([-1, 1, 1, 1])
        cloud = replace(cloud, camera=replace(cloud.camera, extrinsic=turn))
    elif why == "antialiased":
        cloud = replace(cloud, marks=Marks(antialiased=True))
    elif why == "colours change with the place":
        cloud = make_cloud(200, degree=1, camera=cloud.camera)
    else:
        cloud = lifted(96, 72)
        cloud = replace(cloud, log_scales=np.full_like(cloud.log_scales, 3))
    level, merged = Reduction(cloud, cloud.camera).to(100), lod(cloud, 100)
    for name in ("means", "log_scales", "quaternions", "opacity_logits", "sh"):
        np.testing.assert_array_equal(getattr(level, name), getattr(merged, name))


def test_light_says_when_nothing_fits(photo_cloud):
    with pytest.raises(InvalidCloudError, match="10 bytes"):
        light(photo_cloud, max_bytes=10)
