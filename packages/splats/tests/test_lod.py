"""Levels of detail look like the cloud they stand for, at exactly the size asked for."""

from dataclasses import replace

import numpy as np
import pytest
from immichvr_splats import GaussianCloud, InvalidCloudError, decimate, light, to_bytes


def psnr(a, b):
    return -10 * np.log10(np.mean((a - b) ** 2))


@pytest.mark.parametrize("count", [1, 2, 3, 10, 99, 500, 1727, 1728])
def test_a_level_has_exactly_the_count_asked_for(photo_cloud, count):
    assert decimate(photo_cloud, count).count == count
    assert decimate(replace(photo_cloud, camera=None), count).count == count


def test_a_level_is_never_larger_than_the_cloud(photo_cloud):
    assert decimate(photo_cloud, 10_000) is photo_cloud


def test_a_count_below_one_is_refused(photo_cloud):
    with pytest.raises(InvalidCloudError, match="at least 1"):
        decimate(photo_cloud, 0)


@pytest.mark.parametrize("with_camera", [True, False])
def test_a_quarter_of_the_gaussians_gives_nearly_the_same_picture(photo_cloud, render, with_camera):
    full = render(photo_cloud)
    count = photo_cloud.count // 4
    level = decimate(photo_cloud if with_camera else replace(photo_cloud, camera=None), count)
    some = np.random.default_rng(0).choice(photo_cloud.count, count, replace=False)
    subset = photo_cloud.take(np.sort(some))
    subset = replace(subset, log_scales=subset.log_scales + np.float32(np.log(2)))
    print(psnr(render(level), full), psnr(render(subset), full))
    assert psnr(render(level), full) > 30
    assert psnr(render(level), full) > psnr(render(subset), full) + 3
