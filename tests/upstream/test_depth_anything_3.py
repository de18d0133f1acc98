"""Depth, cameras and Gaussians of Depth Anything 3 against upstream's own code, with small networks of random weights.

Runs where upstream's Gaussian adapter and torchvision are installed: `make test-upstream`. What upstream's `inference`
does is done step by step, without its half precision; the network, its adapter, its input and its export are its own.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from immichvr_inference.network import Compute, Scene, View
from immichvr_inference.torchvision_cpu import import_torchvision
from immichvr_networks import NETWORKS
from immichvr_networks.depth_anything_3 import poses, weights
from immichvr_networks.depth_anything_3.inputs import LONGER_SIDE, canvas_of
from immichvr_networks.pictures import in_aspect_of
from immichvr_networks.sharp.ellipsoids import covariances
from immichvr_splats import GaussianCloud, read
from immichvr_splats.turning import moved
from PIL import Image

for package in ("evo.core", "e3nn.o3"):
    pytest.importorskip(package, reason=f"{package} is not installed", exc_type=ImportError)
import_torchvision()

from depth_anything_3.cfg import create_object, load_config  # noqa: E402  # after torchvision
from depth_anything_3.registry import MODEL_REGISTRY  # noqa: E402
from depth_anything_3.utils.gsply_helpers import save_gaussian_ply  # noqa: E402
from depth_anything_3.utils.io.input_processor import InputProcessor  # noqa: E402
from depth_anything_3.utils.io.output_processor import OutputProcessor  # noqa: E402
from omegaconf import OmegaConf  # noqa: E402

CPU = torch.device("cpu")
TOLERANCE = 1e-4
SIDE = 112
"""Pixels of the longer side of the input; a photo alone gets the usual 504."""
SHAPES = [(300, 400), (400, 300), (378, 504), (1200, 1600), (200, 977), (64, 48), (37, 1000)]
DIRECTIONS = 20


def _photos(count: int, height: int = 300, width: int = 400) -> list[np.ndarray]:
    whole = Image.fromarray(skimage.data.astronaut())
    boxes = [(20 * index, 15 * index, 400 + 10 * index, 300 + 15 * index) for index in range(count)]
    return [np.asarray(whole.resize((width, height), Image.Resampling.BICUBIC, box=box)) for box in boxes]


def _with_upstreams_adapter(key: str, ours: Any) -> Any:
    """The same small network, with upstream's own end of the Gaussian branch."""
    configuration = load_config(MODEL_REGISTRY[key])
    for part in weights._parts(configuration):
        part.merge_with(OmegaConf.create(weights._small(part)))
    network = create_object(configuration).eval()
    network.load_state_dict(ours.state_dict())
    return network


def _predicted_by_upstream(network: Any, photos: list[np.ndarray], side: int, *, splat: bool) -> Any:
    images, _, _ = InputProcessor()(photos, None, None, side, "upper_bound_resize")
    with torch.inference_mode():
        return OutputProcessor()(network(images[None], infer_gs=splat))


def _difference(found: Any, expected: Any) -> float:
    """The largest, relative to the largest expected value."""
    expected = np.asarray(expected, np.float64)
    return float(np.abs(np.asarray(found, np.float64) - expected).max() / np.abs(expected).max())


def _in_our_world(path: Path, prediction: Any, scale: float) -> GaussianCloud:
    """Upstream's file in the first camera's axes and our unit."""
    unit = scale * (prediction.scale_factor or 1.0)
    first = poses.square(prediction.extrinsics[:1])[0]
    first[:3, 3] /= prediction.scale_factor or 1.0
    return moved(read(path).cloud, np.diag([unit, unit, unit, 1.0]) @ first)


def _colours(cloud: GaussianCloud) -> np.ndarray:
    """Seen from some directions, by the harmonics themselves: turning them is what is compared."""
    from e3nn.o3 import spherical_harmonics

    directions = np.random.default_rng(0).standard_normal((DIRECTIONS, 3))
    x, y, z = directions.T
    order = torch.from_numpy(np.stack([-y, z, -x], axis=1))  # e3nn's axes for the signs of 3D Gaussian splatting
    basis = spherical_harmonics([0, 1, 2], order, normalize=True, normalization="integral").numpy()
    return np.asarray(np.einsum("dk,nkc->ndc", basis, cloud.sh))


def _shapes(cloud: GaussianCloud) -> np.ndarray:
    scales, quaternions = torch.from_numpy(cloud.log_scales).double().exp(), torch.from_numpy(cloud.quaternions)
    return np.asarray(covariances(scales, quaternions.double()).numpy())


def _depth_and_camera(scene: Scene, prediction: Any, scale: float) -> dict[str, float]:
    height, width = 300, 400
    relative = poses.scaled(poses.in_first(poses.square(prediction.extrinsics)), scale)
    theirs = [in_aspect_of(depth, height, width) * scale for depth in prediction.depth]
    sure = [in_aspect_of(confidence, height, width) for confidence in prediction.conf]
    focal = [
        matrix[0, 0] * depth.shape[1] / prediction.depth.shape[2]
        for matrix, depth in zip(prediction.intrinsics, theirs, strict=True)
    ]
    cameras = [seen.camera for seen in scene.views if seen.camera is not None]
    return {
        "depth": _difference([seen.depth for seen in scene.views], theirs),
        "confidence": _difference([seen.confidence for seen in scene.views], sure),
        "extrinsics": _difference(poses.extrinsics_of(cameras), relative),
        "focal length": _difference([camera.fx for camera in cameras], focal),
    }


def _report(what: str, differences: dict[str, float]) -> None:
    sys.stdout.write(f"\n{what}: " + ", ".join(f"{name} {value:.1e}" for name, value in differences.items()) + "\n")


@pytest.mark.parametrize("shape", SHAPES)
def test_the_input_is_upstreams(shape: tuple[int, int]) -> None:
    [photo] = _photos(1, *shape)
    theirs, _, _ = InputProcessor()([photo], None, None, LONGER_SIDE, "upper_bound_resize")
    ours = canvas_of([View(photo, 1.0)], 1.0).pixels
    assert ours.shape == tuple(theirs.shape)
    assert np.abs(ours - theirs.numpy()).max() < 1e-5


@pytest.mark.parametrize("count", [1, 2, 9])
@pytest.mark.parametrize("key", ["da3-small", "da3-giant", "da3nested-giant-large"])
def test_scenes_are_upstreams(key: str, count: int, tmp_path: Path) -> None:
    network: Any = NETWORKS[key]
    splat, side = key != "da3-small", LONGER_SIDE if count == 1 else SIDE
    ours, photos = network.tiny(3), _photos(count)
    prediction = _predicted_by_upstream(_with_upstreams_adapter(key, ours), photos, side, splat=splat)
    compute = Compute(CPU, torch.float32, side / LONGER_SIDE)
    scene = network.scene(ours, [View(photo, 400.0) for photo in photos], compute, splat=splat)
    median = float(np.median(in_aspect_of(prediction.depth[0], 300, 400)))
    scale = 2.0 / median if prediction.scale_factor is None else 1.0
    differences = _depth_and_camera(scene, prediction, scale)
    if splat:
        shown = {} if count > 1 else {"prune_by_depth_percent": 1.0, "prune_border_gs": False}
        kept = {"prune_by_depth_percent": 0.9, "prune_border_gs": True} | shown
        depth = torch.from_numpy(prediction.depth)[..., None]
        save_gaussian_ply(prediction.gaussians, str(tmp_path / "x.ply"), depth, save_sh_dc_only=False, **kept)
        theirs = _in_our_world(tmp_path / "x.ply", prediction, scale)
        assert scene.cloud is not None and scene.cloud.count == theirs.count
        differences |= {
            "means": _difference(scene.cloud.means, theirs.means),
            "covariances": _difference(_shapes(scene.cloud), _shapes(theirs)),
            "opacities": _difference(scene.cloud.opacity_logits, theirs.opacity_logits),
            "colours": _difference(_colours(scene.cloud), _colours(theirs)),
        }
    _report(f"{key}, {count} views", differences)
    assert max(differences.values()) < TOLERANCE, differences


@pytest.mark.parametrize("key", ["da3metric-large", "da3mono-large"])
def test_monocular_depth_is_upstreams(key: str) -> None:
    network: Any = NETWORKS[key]
    ours, [photo] = network.tiny(3), _photos(1)
    prediction = _predicted_by_upstream(_with_upstreams_adapter(key, ours), [photo], LONGER_SIDE, splat=False)
    [seen] = network.depth(ours, [View(photo, 400.0)], Compute(CPU, torch.float32))
    theirs = in_aspect_of(prediction.depth[0], 300, 400)
    theirs *= 400 * (504 / 400 + 378 / 300) / 2 / 300 if network.metric else 2 / np.median(theirs)
    differences = {"depth": _difference(seen.depth, theirs)}
    _report(key, differences)
    assert differences["depth"] < TOLERANCE
