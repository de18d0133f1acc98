"""A cloud holds arrays that fit together; cleaning makes their values sound and counts what it changed."""

import numpy as np
import pytest
from immichvr_splats import SH_C0, Camera, GaussianCloud, InvalidCloudError, clean, read, to_bytes


def arrays(count=3, coefficients=1):
    return {
        "means": np.zeros((count, 3)),
        "log_scales": np.zeros((count, 3)),
        "quaternions": np.tile([1.0, 0, 0, 0], (count, 1)),
        "opacity_logits": np.zeros(count),
        "sh": np.zeros((count, coefficients, 3)),
    }


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("means", (3, 2)),
        ("log_scales", (2, 3)),
        ("quaternions", (3, 3)),
        ("opacity_logits", (3, 1)),
        ("sh", (3, 3)),
    ],
)
def test_a_wrong_shape_is_named(name, shape):
    with pytest.raises(InvalidCloudError, match=name):
        GaussianCloud(**(arrays() | {name: np.zeros(shape)}))


def test_only_whole_bands_of_spherical_harmonics_are_taken():
    with pytest.raises(InvalidCloudError, match="5 coefficients"):
        GaussianCloud(**arrays(coefficients=5))
    assert [GaussianCloud(**arrays(coefficients=k)).sh_degree for k in (1, 4, 9, 16)] == [0, 1, 2, 3]


def test_float64_and_strided_arrays_become_contiguous_float32():
    cloud = GaussianCloud(**(arrays() | {"means": np.arange(18.0).reshape(3, 6)[:, ::2]}))
    assert cloud.means.dtype == np.float32
    assert cloud.means.flags.c_contiguous
    assert cloud.means[1].tolist() == [6, 8, 10]


def test_bounds_hold_all_means(make_cloud):
    cloud = make_cloud(20)
    low, high = cloud.bounds()
    assert (cloud.means >= low).all()
    assert (cloud.means <= high).all()
    assert GaussianCloud(**arrays(0)).bounds()[0].tolist() == [0, 0, 0]


def test_taking_some_keeps_order_camera_and_colour_space(make_cloud, camera):
    cloud = make_cloud(10, degree=1, camera=camera)
    some = cloud.take(np.array([7, 2]))
    assert some.count == 2
    assert some.camera is camera
    np.testing.assert_array_equal(some.sh, cloud.sh[[7, 2]])


@pytest.mark.parametrize(
    "wrong",
    [
        {"fx": 0.0},
        {"fy": float("nan")},
        {"width": 0},
        {"extrinsic": np.eye(3)},
        {"extrinsic": np.full((4, 4), np.inf)},
    ],
)
def test_an_impossible_camera_is_refused(wrong):
    with pytest.raises(InvalidCloudError, match="camera"):
        Camera(**({"fx": 1.0, "fy": 1.0, "cx": 0.0, "cy": 0.0, "width": 2, "height": 2} | wrong))


@pytest.mark.parametrize(
    ("name", "said", "bad"),
    [
        (name, said, bad)
        for name, said in (
            ("means", "means"),
            ("log_scales", "log-scales"),
            ("quaternions", "rotations"),
            ("sh", "colours"),
        )
        for bad in (np.nan, np.inf, -np.inf)
        if (name, bad) != ("log_scales", -np.inf)  # a flat Gaussian, which is kept
    ],
)
def test_a_gaussian_with_a_non_finite_value_is_dropped_and_counted(make_cloud, name, said, bad):
    cloud = make_cloud(10, degree=1)
    getattr(cloud, name).reshape(10, -1)[3, -1] = bad
    sound, losses = clean(cloud)
    np.testing.assert_array_equal(sound.means, cloud.means[[0, 1, 2, 4, 5, 6, 7, 8, 9]])
    assert [(loss.code, loss.count) for loss in losses] == [("dropped", 1)]
    assert said in str(losses[0])


def test_each_reason_for_dropping_is_counted():
    cloud = GaussianCloud(**arrays(6))
    cloud.means[0] = np.nan
    cloud.quaternions[1:4] = 0
    cloud.opacity_logits[4] = np.nan
    sound, (loss,) = clean(cloud)
    assert sound.count == 1
    assert str(loss) == (
        "5 Gaussians dropped: 1 with non-finite means, 3 with zero or non-finite rotations, 1 with opacity NaN"
    )


def test_infinite_opacity_logits_are_clamped_and_counted():
    cloud = GaussianCloud(**(arrays(4) | {"opacity_logits": np.array([-np.inf, 50, np.inf, 0])}))
    sound, (loss,) = clean(cloud)
    assert sound.opacity_logits.tolist() == [-20, 50, 20, 0]
    assert (loss.code, loss.count) == ("clamped", 2)


def test_a_flat_gaussian_is_kept_as_thin_as_can_be_and_counted():
    cloud = GaussianCloud(**(arrays(3) | {"log_scales": np.array([[-np.inf, -2, -2], [-2, -2, -2], [-np.inf] * 3])}))
    sound, (loss,) = clean(cloud)
    thin = -20
    np.testing.assert_array_equal(sound.log_scales, np.array([[thin, -2, -2], [-2, -2, -2], [thin] * 3], np.float32))
    assert (loss.code, loss.count) == ("clamped", 2)


@pytest.mark.parametrize("length", [1e-30, 0.5, 1e30])
def test_quaternions_are_made_unit(length):
    cloud = GaussianCloud(**(arrays(2) | {"quaternions": np.array([[0, 3, 0, 4], [1, 0, 0, 0]]) * length}))
    sound, losses = clean(cloud)
    assert losses == []
    np.testing.assert_allclose(sound.quaternions, [[0, 0.6, 0, 0.8], [1, 0, 0, 0]], rtol=1e-6)


def test_a_sound_cloud_is_not_copied(make_cloud):
    cloud = make_cloud(5)
    assert clean(cloud) == (cloud, [])


def test_linear_colours_are_written_as_srgb(make_cloud):
    linear = np.array([[0.0, 0.002, 0.5]])
    cloud = GaussianCloud(**(arrays(1) | {"sh": (linear[:, None] - 0.5) / SH_C0}), color_space="linear")
    written = read(to_bytes(cloud, "ply")).cloud
    assert written.color_space == "srgb"
    np.testing.assert_allclose(0.5 + SH_C0 * written.sh[0, 0], [0, 0.02584, 0.735357], atol=1e-5)
