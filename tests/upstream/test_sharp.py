"""SHARP's Gaussians against those of upstream's own code, with its tiny preset and random weights.

Runs where upstream is installed: `make test-upstream`. Upstream's `predict_image` takes its 1536 pixels for granted,
so its steps are taken one by one here, with upstream's functions and the size of the tiny preset.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from immichvr_inference.network import Compute, View
from immichvr_inference.testing.contexts import context_of
from immichvr_inference.testing.tiny import with_tiny_weights
from immichvr_media.focal import focal_length
from immichvr_networks.sharp import Sharp, upstream
from immichvr_networks.sharp.ellipsoids import covariances
from immichvr_networks.sharp.network import forward
from immichvr_networks.sharp.unprojection import disparity_factor
from immichvr_scenes import Camera, Picture
from immichvr_scenes import View as Taken
from immichvr_scenes.single import alone
from immichvr_splats import SH_C0, GaussianCloud, read, to_bytes

pytest.importorskip("sharp.utils.gaussians", reason="github.com/apple/ml-sharp is not installed", exc_type=ImportError)

CPU = torch.device("cpu")
SINGLE = Compute(CPU, torch.float32)
TOLERANCE = 1e-4
BFLOAT16_BOUNDS = {"means": 1e-3, "covariances": 0.15, "colours": 1e-2, "opacities": 5e-2}
"""For all but one Gaussian in a hundred: where a quaternion is nearly zero, any change turns it about."""
SHAPES = {"landscape": (240, 320), "portrait": (320, 213), "square": (128, 128), "strip": (40, 400)}
FOCAL_PX = 300.0


@pytest.fixture(scope="module")
def module() -> Any:
    return Sharp().tiny(seed=1)


def _photo(shape: str) -> np.ndarray:
    height, width = SHAPES[shape]
    return np.ascontiguousarray(skimage.data.astronaut()[60 : 60 + height, 40 : 40 + width])


@torch.no_grad()
def _predicted_by_upstream(module: Any, rgb: np.ndarray, focal_px: float) -> Any:
    """The steps of `sharp.cli.predict.predict_image`."""
    from sharp.utils.gaussians import unproject_gaussians

    side = module.internal_resolution()
    height, width = rgb.shape[:2]
    image = torch.from_numpy(rgb.copy()).float().permute(2, 0, 1) / 255.0
    resized = torch.nn.functional.interpolate(image[None], size=(side, side), mode="bilinear", align_corners=True)
    normalised = module(resized, torch.tensor([focal_px / width]).float())
    intrinsics = torch.eye(4)
    intrinsics[0, 0], intrinsics[1, 1] = focal_px * side / width, focal_px * side / height
    intrinsics[:2, 2] = side / 2
    return unproject_gaussians(normalised, torch.eye(4), intrinsics, (side, side))


def _covariances(cloud: GaussianCloud) -> torch.Tensor:
    scales, quaternions = torch.from_numpy(cloud.log_scales).double().exp(), torch.from_numpy(cloud.quaternions)
    return covariances(scales, quaternions.double())


def _difference(found: torch.Tensor, expected: torch.Tensor, share: float = 1.0) -> float:
    """The largest of this share of Gaussians, of their vectors or matrices relative to the expected ones."""
    one, other = found.double().flatten(1), expected.double().flatten(1)
    relative = torch.linalg.vector_norm(one - other, dim=1) / torch.linalg.vector_norm(other, dim=1)
    return float(torch.quantile(relative, share))


def _differences(cloud: GaussianCloud, expected: Any, share: float = 1.0) -> dict[str, float]:
    from sharp.utils.color_space import linearRGB2sRGB
    from sharp.utils.gaussians import compose_covariance_matrices

    shapes = compose_covariance_matrices(expected.quaternions[0], expected.singular_values[0])
    colours = linearRGB2sRGB(expected.colors[0])
    opacities = torch.sigmoid(torch.from_numpy(cloud.opacity_logits))
    pairs = {
        "means": (torch.from_numpy(cloud.means), expected.mean_vectors[0]),
        "covariances": (_covariances(cloud), shapes),
        "colours": (0.5 + SH_C0 * torch.from_numpy(cloud.sh[:, 0]), colours),
        "opacities": (opacities[:, None], expected.opacities[0][:, None]),
    }
    return {name: _difference(*pair, share) for name, pair in pairs.items()}


def _report(what: str, differences: dict[str, float]) -> None:
    sys.stdout.write(f"\n{what}: " + ", ".join(f"{name} {value:.1e}" for name, value in differences.items()) + "\n")


@pytest.mark.parametrize("shape", SHAPES)
def test_the_gaussians_are_upstreams(module: Any, shape: str) -> None:
    rgb = _photo(shape)
    [cloud] = Sharp().splats(module, [View(rgb, FOCAL_PX)], SINGLE)
    differences = _differences(cloud, _predicted_by_upstream(module, rgb, FOCAL_PX))
    _report(shape, differences)
    assert cloud.count == 2 * (module.internal_resolution() // 2) ** 2
    assert max(differences.values()) < TOLERANCE, differences


def test_the_shapes_are_not_of_one_kind(module: Any) -> None:
    """What makes the comparison worth something: Gaussians of many shapes, turned every way."""
    [cloud] = Sharp().splats(module, [View(_photo("landscape"), FOCAL_PX)], SINGLE)
    spans = np.ptp(np.sort(cloud.log_scales, axis=1), axis=1)
    assert spans.std() > 0.1 and (cloud.quaternions.std(axis=0) > 0.05).all()
    assert cloud.opacity_logits.std() > 0.1 and cloud.sh.std() > 0.1


def test_the_file_is_upstreams(module: Any, tmp_path: Path) -> None:
    """Upstream's reader finds in our file what it finds in its own."""
    from sharp.utils.gaussians import load_ply, save_ply

    rgb = _photo("landscape")
    save_ply(_predicted_by_upstream(module, rgb, FOCAL_PX), FOCAL_PX, rgb.shape[:2], tmp_path / "theirs.ply")
    [cloud] = Sharp().splats(module, [View(rgb, FOCAL_PX)], SINGLE)
    (tmp_path / "ours.ply").write_bytes(to_bytes(cloud, "ply", layout="sharp"))
    ours, about_ours = load_ply(tmp_path / "ours.ply")
    theirs, about_theirs = load_ply(tmp_path / "theirs.ply")
    assert about_ours == about_theirs
    for name in ("mean_vectors", "colors"):
        assert _difference(getattr(ours, name)[0], getattr(theirs, name)[0]) < TOLERANCE
    assert _difference(ours.opacities[0][:, None], theirs.opacities[0][:, None]) < TOLERANCE
    differences = _differences(read(tmp_path / "theirs.ply").cloud, _predicted_by_upstream(module, rgb, FOCAL_PX))
    assert max(differences.values()) < TOLERANCE


def test_a_batch_gives_what_photos_give_alone(module: Any) -> None:
    views = [View(_photo(shape), focal) for shape, focal in zip(SHAPES, (200.0, 300.0, 400.0, 500.0), strict=True)]
    together = forward(module, views, SINGLE)
    for index, view in enumerate(views):
        alone = forward(module, [view], SINGLE)
        for field in together._fields:
            assert torch.allclose(getattr(together, field)[index], getattr(alone, field)[0], rtol=1e-5, atol=1e-6)


def test_the_focal_length_is_upstreams() -> None:
    from sharp.utils.io import convert_focallength

    for width, height, millimetres in [(4000, 3000, 26), (3000, 4000, 77), (640, 480, 14)]:
        ours = focal_length({0xA405: millimetres}, width, height).px
        assert ours == pytest.approx(convert_focallength(width, height, millimetres))
        assert disparity_factor(width, ours) == pytest.approx(ours / width)


def test_fewer_bits_change_the_gaussians_by_less_than_the_stated_bound(module: Any) -> None:
    rgb = _photo("landscape")
    [rough] = Sharp().splats(module, [View(rgb, FOCAL_PX)], Compute(CPU, torch.bfloat16))
    differences = _differences(rough, _predicted_by_upstream(module, rgb, FOCAL_PX), share=0.99)
    _report("bfloat16", differences)
    for name, bound in BFLOAT16_BOUNDS.items():
        assert 0 < differences[name] < bound, name


def test_a_checkpoint_makes_the_network_it_was_saved_from(module: Any, tmp_path: Path) -> None:
    """As `full` does with the published one: made without random values, filled from the file."""
    from sharp.models import create_predictor

    path = tmp_path / upstream.WEIGHTS
    torch.save(module.state_dict(), path)
    with upstream.without_random_values():
        empty = create_predictor(upstream.tiny_parameters())
    loaded = upstream.with_weights(empty, upstream.read_weights(path), path.name)
    view = View(_photo("square"), FOCAL_PX)
    [ours], [theirs] = (Sharp().splats(one, [view], SINGLE) for one in (loaded, module))
    assert np.array_equal(ours.means, theirs.means) and np.array_equal(ours.sh, theirs.sh)


def test_a_checkpoint_of_another_size_is_refused(module: Any, tmp_path: Path) -> None:
    torch.save(module.state_dict(), tmp_path / upstream.WEIGHTS)
    smaller = upstream.tiny_parameters()
    smaller.gaussian_decoder.dim_out = 8
    from sharp.models import create_predictor

    with pytest.raises(ValueError, match=r"sharp_2572gikvuh\.pt does not fit SHARP: .* wants"):
        upstream.with_weights(
            create_predictor(smaller), upstream.read_weights(tmp_path / upstream.WEIGHTS), upstream.WEIGHTS
        )


def test_a_place_that_is_one_photo_is_made_by_it(tmp_path: Path) -> None:
    rgb = _photo("landscape")
    view = Taken("one", Camera.central(320, 240, FOCAL_PX), np.eye(4))
    context = context_of(with_tiny_weights(Sharp(), seed=1), tmp_path, "sharp")
    lone = alone(Picture(view, lambda: rgb), context)
    assert (lone.network, lone.reason, lone.cloud.count) == ("sharp", "", 8192)
    assert lone.cloud.camera is not None and lone.cloud.camera.fx == FOCAL_PX
