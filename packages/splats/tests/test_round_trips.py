"""What comes back from a format is what went in, within the format's quantisation step."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from immichvr_splats import SH_C0, GaussianCloud, read, to_bytes

FLOAT = np.finfo(np.float32).eps


def floats(low, high, shape):
    return hnp.arrays(np.float32, shape, elements=st.floats(low, high, width=32))


@st.composite
def clouds(draw, far=2000.0, small=-10.0, large=5.9375, vivid=1.5, strong=0.984375, degrees=(0, 1, 2, 3)):
    count = draw(st.integers(1, 12))
    coefficients = (draw(st.sampled_from(degrees)) + 1) ** 2
    rest = draw(floats(-strong, strong, (count, coefficients, 3)))
    rest[:, 0] = draw(floats(-vivid, vivid, (count, 3)))
    quaternions = draw(floats(-1, 1, (count, 4)))
    quaternions[np.linalg.norm(quaternions, axis=1) < 0.01] = [1, 0, 0, 0]
    return GaussianCloud(
        means=draw(floats(-far, far, (count, 3))),
        log_scales=draw(floats(small, large, (count, 3))),
        quaternions=quaternions / np.linalg.norm(quaternions.astype(float), axis=1, keepdims=True),
        opacity_logits=draw(floats(-15, 15, (count,))),
        sh=rest,
    )


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype(float)))


def rotation_error(a, b):
    """Angle between quaternions, (N,), radians; q and -q are the same rotation."""
    nearest = np.where((a * b).sum(axis=1, keepdims=True) < 0, -b, b)
    return 2 * np.linalg.norm(a.astype(float) - nearest, axis=1)


@settings(max_examples=60, deadline=None)
@given(clouds(far=1e6, small=-60, large=60, vivid=100, strong=100))
def test_ply_keeps_every_bit(cloud):
    found = read(to_bytes(cloud, "ply")).cloud
    for name in ("means", "log_scales", "quaternions", "opacity_logits", "sh"):
        np.testing.assert_array_equal(getattr(found, name), getattr(cloud, name))


@settings(max_examples=60, deadline=None)
@given(clouds())
def test_spz_stays_within_half_a_step(cloud):
    result = read(to_bytes(cloud, "spz"))
    found = result.cloud
    assert result.losses == []
    np.testing.assert_allclose(found.means, cloud.means, rtol=FLOAT, atol=0.5 / 4096)
    np.testing.assert_allclose(found.log_scales, cloud.log_scales, atol=0.5 / 16 + 1e-5)
    np.testing.assert_allclose(sigmoid(found.opacity_logits), sigmoid(cloud.opacity_logits), atol=0.5 / 255 + 1e-5)
    np.testing.assert_allclose(found.sh[:, 0], cloud.sh[:, 0], atol=0.5 / (0.15 * 255) + 1e-5)
    np.testing.assert_allclose(found.sh[:, 1:4], cloud.sh[:, 1:4], atol=4.5 / 128 + 1e-5)
    np.testing.assert_allclose(found.sh[:, 4:], cloud.sh[:, 4:], atol=8.5 / 128 + 1e-5)
    assert rotation_error(found.quaternions, cloud.quaternions).max() < np.radians(0.3)


@settings(max_examples=60, deadline=None)
@given(clouds(far=1e6, small=-60, large=60, degrees=(0,)))
def test_splat_stays_within_a_step(cloud):
    found = read(to_bytes(cloud, "splat"), "splat").cloud
    np.testing.assert_array_equal(found.means, cloud.means)
    np.testing.assert_allclose(found.log_scales, cloud.log_scales, atol=2e-5)
    np.testing.assert_allclose(sigmoid(found.opacity_logits), sigmoid(cloud.opacity_logits), atol=1 / 255 + 1e-5)
    np.testing.assert_allclose(found.sh, cloud.sh, atol=1 / (255 * SH_C0) + 1e-5)
    assert rotation_error(found.quaternions, cloud.quaternions).max() < np.radians(2.2)


@settings(max_examples=60, deadline=None)
@given(clouds())
def test_a_second_trip_through_spz_changes_nothing(cloud):
    once = to_bytes(cloud, "spz")
    twice = to_bytes(read(once).cloud, "spz")
    a, b = read(once).cloud, read(twice).cloud
    for name in ("means", "log_scales", "sh", "opacity_logits"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert rotation_error(a.quaternions, b.quaternions).max() < np.radians(0.3)
