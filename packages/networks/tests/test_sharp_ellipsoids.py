"""Scales and rotations after a linear map reproduce the covariance, whatever the Gaussians are like."""

import math

import pytest
import torch
from immichvr_networks.sharp.ellipsoids import SMALLEST_SCALE, covariances, mapped_axes

COUNT = 4096
TOLERANCE = 1e-6


def _random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _quaternions(count: int = COUNT, seed: int = 1) -> torch.Tensor:
    return torch.randn(count, 4, generator=_random(seed))


def _scales(spread: float, seed: int = 2) -> torch.Tensor:
    return torch.exp(torch.randn(COUNT, 3, generator=_random(seed)) * spread - 4)


def _with_equal(scales: torch.Tensor, axes: tuple[int, ...]) -> torch.Tensor:
    equal = scales.clone()
    for axis in axes[1:]:
        equal[:, axis] = equal[:, axes[0]]
    return equal


def _with_one(scales: torch.Tensor, value: float) -> torch.Tensor:
    changed = scales.clone()
    changed[torch.arange(COUNT), torch.randint(0, 3, (COUNT,), generator=_random(3))] = value
    return changed


SCALES = {
    "ordinary": _scales(1.0),
    "spread over twenty orders of magnitude": _scales(5.0),
    "two equal": _with_equal(_scales(1.0), (0, 1)),
    "two equal but for rounding": _with_equal(_scales(1.0), (1, 2)) * (1 + 1e-7 * torch.randn(COUNT, 3)),
    "all equal": _with_equal(_scales(1.0), (0, 1, 2)),
    "one zero": _with_one(_scales(1.0), 0.0),
    "one nearly zero": _with_one(_scales(1.0), 1e-30),
    "needles": _scales(0.1) * torch.tensor([1e4, 1.0, 1.0]),
    "discs": _scales(0.1) * torch.tensor([1e4, 1e4, 1.0]),
}
TURN = torch.linalg.qr(torch.randn(3, 3, generator=_random(5)))[0]
MAPS = {
    "of a photo": torch.diag(torch.tensor([0.6, 0.4, 1.0])),
    "identity": torch.eye(3),
    "of a telephoto lens": torch.diag(torch.tensor([0.01, 0.0075, 1.0])),
    "reflection": torch.diag(torch.tensor([-0.6, 0.4, 1.0])),
    "shear and reflection": TURN @ torch.tensor([[1.0, 0.7, 0.0], [0.0, -0.5, 0.2], [0.0, 0.0, 2.0]]),
}


def _exact_covariances(linear: torch.Tensor, scales: torch.Tensor, quaternions: torch.Tensor) -> torch.Tensor:
    inner = covariances(scales.double(), quaternions.double())
    return linear.double() @ inner @ linear.double().mT


def _relative_error(found: torch.Tensor, exact: torch.Tensor) -> float:
    norm = torch.linalg.matrix_norm
    return float((norm(found - exact) / norm(exact)).max())


@pytest.mark.parametrize("linear", MAPS.values(), ids=MAPS.keys())
@pytest.mark.parametrize("scales", SCALES.values(), ids=SCALES.keys())
def test_the_mapped_gaussian_has_the_mapped_covariance(scales: torch.Tensor, linear: torch.Tensor) -> None:
    quaternions = _quaternions()
    found_scales, found_quaternions = mapped_axes(linear, scales, quaternions)
    found = covariances(found_scales.double(), found_quaternions.double())
    assert _relative_error(found, _exact_covariances(linear, scales, quaternions)) < TOLERANCE


@pytest.mark.parametrize("scales", SCALES.values(), ids=SCALES.keys())
def test_quaternions_are_unit_rotations_with_positive_w(scales: torch.Tensor) -> None:
    found_scales, quaternions = mapped_axes(MAPS["reflection"], scales, _quaternions())
    assert torch.isfinite(found_scales).all() and (found_scales > 0).all()
    assert torch.allclose(torch.linalg.vector_norm(quaternions, dim=1), torch.ones(COUNT), atol=1e-6)
    assert (quaternions[:, 0] >= 0).all()


def test_thin_axes_keep_their_own_precision() -> None:
    """The covariance of an axis 10^4 times thinner than the others is below the rounding of theirs."""
    scales = torch.tensor([[1.0, 1.0, 1e-4]]).repeat(COUNT, 1)
    found, _ = mapped_axes(torch.eye(3), scales, _quaternions())
    assert torch.allclose(found.amin(1), torch.full((COUNT,), 1e-4), rtol=1e-3)


@pytest.mark.parametrize("axis", range(4))
def test_half_turns_about_every_axis_come_back(axis: int) -> None:
    """Where three components of the quaternion are zero, or nearly, no formula may divide by them."""
    quaternions = torch.nn.functional.one_hot(torch.full((64,), axis), 4).float()
    quaternions += 1e-6 * torch.randn(64, 4, generator=_random(7))
    scales = torch.tensor([[3.0, 2.0, 1.0]]).repeat(64, 1)
    found_scales, found = mapped_axes(torch.eye(3), scales, quaternions)
    error = _relative_error(covariances(found_scales, found), covariances(scales, quaternions))
    assert error < TOLERANCE


def test_a_gaussian_of_no_extent_becomes_the_smallest_there_is() -> None:
    scales, quaternions = mapped_axes(torch.eye(3), torch.zeros(2, 3), torch.zeros(2, 4))
    assert torch.isfinite(torch.log(scales)).all() and float(scales.max()) == pytest.approx(SMALLEST_SCALE)
    assert quaternions.tolist() == [[1, 0, 0, 0]] * 2


def test_lengths_of_quaternions_do_not_matter() -> None:
    scales, quaternions = _scales(1.0), _quaternions()
    one = covariances(*mapped_axes(MAPS["of a photo"], scales, quaternions))
    other = covariances(*mapped_axes(MAPS["of a photo"], scales, quaternions * -1e3))
    assert _relative_error(one, other) < TOLERANCE


def test_large_clouds_are_the_same_as_their_pieces() -> None:
    scales, quaternions = _scales(1.0).repeat(20, 1), _quaternions().repeat(20, 1)
    found_scales, found_quaternions = mapped_axes(MAPS["of a photo"], scales, quaternions)
    first_scales, first_quaternions = mapped_axes(MAPS["of a photo"], scales[:COUNT], quaternions[:COUNT])
    assert found_scales.shape == (20 * COUNT, 3) and found_quaternions.shape == (20 * COUNT, 4)
    assert torch.equal(found_scales[-COUNT:], first_scales)
    assert torch.equal(found_quaternions[-COUNT:], first_quaternions)


def test_a_known_rotation_is_found() -> None:
    """Axes of lengths 3, 2, 1 turned by 30° about z: the longest lies along (cos 30°, sin 30°, 0)."""
    half = math.radians(15)
    quaternions = torch.tensor([[math.cos(half), 0.0, 0.0, math.sin(half)]])
    scales, found = mapped_axes(torch.eye(3), torch.tensor([[3.0, 2.0, 1.0]]), quaternions)
    covariance = covariances(scales, found)[0]
    along = torch.tensor([math.cos(2 * half), math.sin(2 * half), 0.0])
    assert float(along @ covariance @ along) == pytest.approx(9.0, rel=1e-5)
