"""The 32 bytes of .splat are those of the reference."""

import struct

import numpy as np
import pytest
from immichvr_splats import GaussianCloud, MalformedFileError, read, to_bytes, write


def one(**changes):
    values = {
        "means": np.array([[1.0, -2, 3]]),
        "log_scales": np.log([[0.5, 0.25, 2]]),
        "quaternions": np.array([[0.5, -0.5, 0.5, 0.5]]),
        "opacity_logits": np.array([0.0]),
        "sh": np.zeros((1, 1, 3)),
    }
    return GaussianCloud(**(values | changes))


def test_one_gaussian_is_these_bytes():
    wanted = struct.pack("<6f8B", 1, -2, 3, 0.5, 0.25, 2, 127, 127, 127, 127, 192, 64, 192, 192)
    assert to_bytes(one(), "splat") == wanted


def test_bytes_are_truncated_and_clamped():
    identity = one(quaternions=np.array([[1.0, 0, 0, 0]]), opacity_logits=np.array([np.inf]))
    assert to_bytes(identity, "splat")[27:] == bytes([255, 255, 128, 128, 128])


def test_colours_outside_their_range_are_clamped_and_said():
    cloud = one(sh=np.array([[[3.0, -3, 0]]]))
    assert to_bytes(cloud, "splat")[24:27] == bytes([255, 0, 127])
    assert [(loss.code, loss.count) for loss in write(cloud, None, "splat")] == [("clamped", 1)]


def test_a_scale_beyond_float32_stays_finite():
    found = read(to_bytes(one(log_scales=np.full((1, 3), 1e30)), "splat"), "splat").cloud
    np.testing.assert_allclose(found.log_scales, 88, atol=1e-3)


def test_order_by_importance_puts_large_and_opaque_first(make_cloud):
    cloud = make_cloud(100)
    found = read(to_bytes(cloud, "splat", order="importance"), "splat").cloud
    importance = found.log_scales.sum(axis=1) + np.log(1 / (1 + np.exp(-found.opacity_logits)))
    assert np.all(np.diff(importance) < 0.7)  # opacity is stored in steps
    assert importance[:20].mean() > importance[-20:].mean() + 3
    assert [loss.code for loss in write(cloud, None, "splat", order="importance")] == ["order"]


@pytest.mark.parametrize("scale", [-1.0, np.nan, np.inf])
def test_what_is_no_size_is_dropped(scale):
    data = struct.pack("<6f8B", 1, 2, 3, 1, scale, 1, *[200] * 8) + to_bytes(one(), "splat")
    result = read(data, "splat")
    assert (result.dropped, result.cloud.count) == (1, 1)


def test_a_rotation_of_zero_is_dropped():
    result = read(struct.pack("<6f8B", *[1] * 6, 0, 0, 0, 0, 128, 128, 128, 128), "splat")
    assert (result.dropped, result.cloud.count) == (1, 0)


def test_a_size_that_is_no_multiple_of_32_is_refused():
    with pytest.raises(MalformedFileError, match="5 bytes are left at offset 32"):
        read(to_bytes(one(), "splat") + bytes(5), "splat")
