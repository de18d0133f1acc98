"""Structural similarity: our kernels against convolutions, and what it says of pictures."""

import numpy as np
import pytest
import torch
from immichvr_scenes.training import compare
from immichvr_scenes.training.losses import depth_loss, picture_loss
from immichvr_scenes.training.similarity import _convolved, similarity


def _pair(height: int = 23, width: int = 41) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    one = torch.rand(height, width, 3, generator=rng)
    return one, (one + 0.2 * torch.randn(height, width, 3, generator=rng)).clamp(0, 1)


def test_kernels_and_convolutions_agree_in_value_and_gradient() -> None:
    one, other = _pair()
    weights = torch.rand(one.shape, generator=torch.Generator().manual_seed(1))
    found = []
    for way in (similarity, _convolved):
        given = one.clone().requires_grad_()
        alike = way(given, other)
        (alike * weights).sum().backward()
        found.append((alike.detach(), given.grad))
    torch.testing.assert_close(found[0][0], found[1][0], atol=2e-5, rtol=0)
    torch.testing.assert_close(found[0][1], found[1][1], atol=1e-4, rtol=1e-3)


def test_a_picture_is_like_itself_and_noise_is_not() -> None:
    one, other = _pair()
    assert compare(one.numpy(), one.numpy()).ssim == pytest.approx(1, abs=1e-4)
    assert compare(one.numpy(), one.numpy()).psnr == 100
    noisy = compare(other.numpy(), one.numpy())
    assert noisy.psnr == pytest.approx(-10 * np.log10(float(((one - other) ** 2).mean())), abs=1e-3)
    assert 0 < noisy.ssim < 0.95


def test_what_a_mask_hides_counts_for_nothing() -> None:
    one, other = _pair()
    mask = torch.zeros(one.shape[:2], dtype=torch.bool)
    mask[:, :20] = True
    spoilt = other.clone()
    spoilt[:, 20:] = 1 - spoilt[:, 20:]
    assert float(picture_loss(spoilt, one, mask)) == pytest.approx(float(picture_loss(other, one, mask)), abs=1e-6)
    assert compare(spoilt.numpy(), one.numpy(), mask.numpy()) == compare(other.numpy(), one.numpy(), mask.numpy())
    assert compare(spoilt.numpy(), one.numpy(), np.zeros(mask.shape, bool)).views == 0


def test_depth_counts_where_it_is_known_and_something_is_drawn() -> None:
    depth, alpha = torch.full((4, 4), 2.0), torch.ones(4, 4)
    wanted = torch.full((4, 4), 4.0)
    wanted[0], wanted[1] = 0, float("nan")
    alpha[2] = 0.1
    assert float(depth_loss(depth, alpha, wanted, None, 1.0)) == pytest.approx(0.25)
    assert float(depth_loss(depth, alpha, torch.zeros(4, 4), None, 1.0)) == 0
