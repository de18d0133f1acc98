"""Pictures with gradients are the renderer's pictures, and their gradients are right."""

import numpy as np
import pytest
import torch
from immichvr_scenes import Camera, View
from immichvr_scenes.rasterizer import Gaussians, rasterize
from immichvr_scenes.rasterizer.harmonics import colours_from
from immichvr_scenes.rasterizer.projection import spots_of
from immichvr_splats import GaussianCloud
from immichvr_splats.rendering import render

_NAMES = ("means", "log_scales", "quaternions", "opacity_logits", "sh")
_CAMERA = Camera(37, 21, 30.0, 32.0, 18.0, 11.0)
_PLACE = View.looking("one", _CAMERA, (0.3, -0.2, -0.4), (0, 0, 3)).world_to_camera


def _cloud(count: int, seed: int = 0) -> GaussianCloud:
    rng = np.random.default_rng(seed)
    quaternions = rng.normal(size=(count, 4))
    return GaussianCloud(
        means=rng.uniform((-1.5, -1, 1.5), (1.5, 1, 5), (count, 3)),
        log_scales=np.log(rng.uniform(0.08, 0.3, (count, 3))),
        quaternions=quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True),
        opacity_logits=rng.normal(0.5, 1, count),
        sh=np.concatenate([rng.normal(0, 1, (count, 1, 3)), rng.normal(0, 0.1, (count, 15, 3))], axis=1),
    )


def _trainable(cloud: GaussianCloud) -> Gaussians:
    gaussians = Gaussians.of(cloud)
    for name in _NAMES:
        getattr(gaussians, name).requires_grad_()
    return gaussians


@pytest.mark.parametrize("compensate", [False, True])
def test_pictures_are_those_of_the_renderer(compensate: bool) -> None:
    cloud = _cloud(400)
    wanted = render(cloud, View("one", _CAMERA, _PLACE).for_splats, compensate=compensate)
    drawn = rasterize(Gaussians.of(cloud), _CAMERA, torch.from_numpy(_PLACE), compensate=compensate)
    assert wanted.alpha.mean() > 0.5
    np.testing.assert_allclose(drawn.rgb.numpy(), wanted.rgb, atol=2e-4)
    np.testing.assert_allclose(drawn.alpha.numpy(), wanted.alpha, atol=2e-4)
    np.testing.assert_allclose(drawn.depth.numpy(), wanted.depth, atol=2e-3)


def _weighed(rgb: torch.Tensor, alpha: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
    rng = torch.Generator().manual_seed(3)
    weights = torch.rand(*alpha.shape, 5, generator=rng).to(rgb.dtype)
    return (rgb * weights[..., :3]).sum() + (alpha * weights[..., 3]).sum() + (depth * weights[..., 4]).sum()


def _pixel_by_pixel(values: dict[str, torch.Tensor], place: torch.Tensor, compensate: bool) -> torch.Tensor:
    """Every Gaussian at every pixel in float64, without tiles, by torch's own gradients."""
    eye = -place[:3, :3].T @ place[:3, 3]
    colours = colours_from(eye, values["means"], values["sh"])
    parts = [values[name] for name in _NAMES[:4]]
    spots = spots_of(*parts, colours, _CAMERA, place, 0.3, compensate)
    spots = spots[torch.argsort(spots[:, 12].detach())]
    y, x = torch.meshgrid(torch.arange(21) + 0.5, torch.arange(37) + 0.5, indexing="ij")
    dx, dy = x[..., None] - spots[:, 0], y[..., None] - spots[:, 1]
    power = spots[:, 4] * dx * dx + spots[:, 5] * dx * dy + spots[:, 6] * dy * dy
    alpha = (spots[:, 3] * torch.exp(-power)).clamp(max=0.999)
    alpha = torch.where(alpha >= 1 / 255, alpha, 0.0)
    over = torch.cumprod(torch.cat([torch.ones_like(alpha[..., :1]), 1 - alpha], dim=-1), dim=-1)
    weights = alpha * over[..., :-1]
    covered = weights.sum(-1)
    depth = (weights * spots[:, 2]).sum(-1) / covered.clamp(min=1e-6)
    return _weighed(torch.einsum("hwn,nc->hwc", weights, spots[:, 9:12]), covered, depth)


@pytest.mark.parametrize("compensate", [False, True])
def test_gradients_are_those_of_every_gaussian_at_every_pixel(compensate: bool) -> None:
    cloud = _cloud(40)
    gaussians, place = _trainable(cloud), torch.from_numpy(_PLACE).float().requires_grad_()
    drawn = rasterize(gaussians, _CAMERA, place, compensate=compensate)
    _weighed(drawn.rgb, drawn.alpha, drawn.depth).backward()
    values = {name: torch.from_numpy(getattr(cloud, name)).double().requires_grad_() for name in _NAMES}
    true_place = torch.from_numpy(_PLACE).requires_grad_()
    _pixel_by_pixel(values, true_place, compensate).backward()
    found = {name: getattr(gaussians, name).grad for name in _NAMES} | {"place": place.grad}
    wanted = {name: value.grad for name, value in values.items()} | {"place": true_place.grad}
    for name, gradient in wanted.items():
        assert gradient.abs().max() > 0.1
        torch.testing.assert_close(found[name].double(), gradient, rtol=0.02, atol=2e-3 * float(gradient.abs().max()))


def test_gradients_of_the_projection_are_finite_differences() -> None:
    values = {name: torch.from_numpy(getattr(_cloud(6), name)).double().requires_grad_() for name in _NAMES}
    place = torch.from_numpy(_PLACE).requires_grad_()

    def projected(*given: torch.Tensor) -> torch.Tensor:
        *parts, sh, pose = given
        eye = -pose[:3, :3].T @ pose[:3, 3]
        spots = spots_of(*parts, colours_from(eye, parts[0], sh), _CAMERA, pose, 0.3, True)
        return torch.cat([spots[:, :7], spots[:, 9:12]], dim=1)

    assert torch.autograd.gradcheck(projected, (*values.values(), place), eps=1e-6, atol=1e-4)


def test_gradients_of_a_picture_are_finite_differences() -> None:
    """Of Gaussians as large as the picture, for at their rims, where alpha is cut off, there is no gradient to find."""
    cloud, rng = _cloud(8, seed=1), np.random.default_rng(5)
    cloud.log_scales[:] += 3
    gaussians = _trainable(cloud)
    drawn = rasterize(gaussians, _CAMERA, torch.from_numpy(_PLACE))
    _weighed(drawn.rgb, drawn.alpha, torch.zeros_like(drawn.depth)).backward()
    for name in _NAMES:
        value = getattr(cloud, name)
        direction = rng.normal(size=value.shape).astype(np.float32)
        ends = []
        for sign in (-1, 1):
            moved = vars(Gaussians.of(cloud)) | {name: torch.from_numpy(value + sign * np.float32(2e-3) * direction)}
            with torch.no_grad():
                drawn = rasterize(Gaussians(**moved), _CAMERA, torch.from_numpy(_PLACE))
                ends.append(float(_weighed(drawn.rgb, drawn.alpha, torch.zeros_like(drawn.depth))))
        along = float((getattr(gaussians, name).grad.numpy() * direction).sum())
        assert (ends[1] - ends[0]) / 4e-3 == pytest.approx(along, rel=0.03, abs=0.3), name


def test_what_is_behind_the_camera_or_not_finite_is_not_drawn_and_gets_no_gradient() -> None:
    cloud = _cloud(3)
    cloud.means[0] = (0, 0, -9)
    cloud.log_scales[1] = 60
    gaussians = _trainable(cloud)
    drawn = rasterize(gaussians, _CAMERA, torch.from_numpy(_PLACE))
    drawn.rgb.sum().backward()
    assert torch.isfinite(drawn.rgb).all()
    assert not gaussians.sh.grad[0].any()
    assert gaussians.sh.grad[2].any()


def test_no_gaussian_at_all_makes_a_black_picture() -> None:
    drawn = rasterize(Gaussians.of(_cloud(1).take(np.arange(0))), _CAMERA, torch.from_numpy(_PLACE))
    assert drawn.rgb.shape == (21, 37, 3)
    assert not drawn.rgb.any() and not drawn.alpha.any() and not drawn.depth.any()
