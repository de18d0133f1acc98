"""Arithmetic of the inner loops against numpy's in double precision."""

import numpy as np
import pytest
from immichvr_splats.numerics import bounds, exponentials, logarithms
from immichvr_splats.order import sorted_from


def test_logarithms_are_good_to_the_last_bits_of_float32():
    rng = np.random.default_rng(0)
    values = np.concatenate([np.exp(rng.uniform(-87, 88, 10_000)), rng.uniform(0.5, 2, 10_000)]).astype(np.float32)
    exact = np.log(values.astype(np.float64))
    logarithms(values)
    assert np.abs((values - exact) / np.maximum(np.abs(exact), 1)).max() < 1e-7


def test_the_logarithm_of_zero_is_minus_infinity_of_less_none_and_of_all_but_zero_that_of_the_least_normal():
    values = np.array([0, -0.0, -1, np.inf, -np.inf, np.nan, 1e-45, 1e-40], np.float32)
    logarithms(values)
    assert np.isneginf(values[:2]).all()
    assert np.isnan(values[2:6]).all()
    np.testing.assert_allclose(values[6:], np.log(np.finfo(np.float32).tiny), rtol=1e-6)


@pytest.mark.parametrize("count", [1, 7, 1000])
def test_exponentials_come_with_the_least_and_the_largest(count):
    values = np.random.default_rng(count).uniform(-20, 20, (count, 3)).astype(np.float32)
    powers, least, largest = exponentials(values)
    np.testing.assert_allclose(powers, np.exp(values.astype(np.float64)), rtol=2e-7)
    assert (least, largest) == (powers.min(), powers.max())


@pytest.mark.parametrize("bits", [(0, 64), (0, 5), (17, 59), (20, 20)])
@pytest.mark.parametrize("count", [0, 1, 5, 10_000])
def test_numbers_are_sorted_by_their_bits_and_stay_as_they_came_where_those_are_alike(count, bits):
    numbers = np.random.default_rng(count).integers(0, 2**64, count, dtype=np.uint64)
    digits = [(int(number) >> bits[0]) & ((1 << (-(-(bits[1] - bits[0]) // 11) * 11)) - 1) for number in numbers]
    wanted = [int(numbers[i]) for i in sorted(range(count), key=digits.__getitem__)]
    assert sorted_from(numbers.copy(), *bits).tolist() == wanted


def test_bounds_of_points():
    points = np.random.default_rng(0).standard_normal((100, 3)).astype(np.float32)
    low, high = bounds(points)
    np.testing.assert_array_equal((low, high), (points.min(axis=0), points.max(axis=0)))
