"""Every registered network, made small with random weights: the shapes, units and promises of `networks/base.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
import skimage.data
from immichvr_ai.networks import NETWORKS
from immichvr_ai.networks.base import Compute, DepthNetwork, SceneNetwork, SplatNetwork, View, ViewDepth
from immichvr_models import registry
from immichvr_splats import GaussianCloud

EFFORT = 0.25
"""Of a network's usual resolution, so that all of them take seconds."""
SIZES = {"landscape": (120, 160), "portrait": (150, 100), "strip": (37, 501)}


@dataclass(frozen=True)
class Subject:
    """One network, its tiny module, and a way to run it."""

    key: str
    network: Any
    module: Any

    def depth(self, *views: View, dtype: str = "float32", module: Any = None) -> list[ViewDepth]:
        return cast("list[ViewDepth]", self._run("depth", views, dtype, module))

    def splats(self, *views: View, module: Any = None) -> list[GaussianCloud]:
        return cast("list[GaussianCloud]", self._run("splats", views, "float32", module))

    def _run(self, what: str, views: tuple[View, ...], dtype: str, module: Any) -> Any:
        import torch

        compute = Compute(torch.device("cpu"), getattr(torch, dtype), EFFORT)
        with torch.inference_mode():
            return getattr(self.network, what)(module or self.module, views, compute)


DEPTH = [key for key, network in NETWORKS.items() if isinstance(network, DepthNetwork)]
SPLATS = [key for key, network in NETWORKS.items() if isinstance(network, SplatNetwork)]
SCENES = [key for key, network in NETWORKS.items() if isinstance(network, SceneNetwork)]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small gain nothing from a second core, and lose much where others use it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tiny(key: str, seed: int = 0) -> Any:
    try:
        return NETWORKS[key].tiny(seed)
    except ImportError as error:
        pytest.skip(f"{key}: {error.name or error} is not installed")


@pytest.fixture(scope="module")
def subject(request: pytest.FixtureRequest) -> Subject:
    return Subject(request.param, NETWORKS[request.param], tiny(request.param))


def over(*keys: str) -> pytest.MarkDecorator:
    """Run a test with each of these networks."""
    return pytest.mark.parametrize("subject", keys, indirect=True, scope="module")


def photo(shape: str = "landscape", *, known: bool = True) -> View:
    height, width = SIZES[shape]
    rgb: npt.NDArray[np.uint8] = skimage.data.astronaut()[:height, :width] if shape != "strip" else _strip()
    return View(np.ascontiguousarray(rgb[:height, :width]), 1.2 * width, focal_known=known)


def _strip() -> npt.NDArray[np.uint8]:
    return np.asarray(skimage.data.astronaut()[40:90, :501])


def assert_close(one: ViewDepth, other: ViewDepth, tolerance: float) -> None:
    assert one.depth.shape == other.depth.shape
    assert np.median(np.abs(one.depth / other.depth - 1)) <= tolerance


@pytest.mark.parametrize("key", list(NETWORKS))
def test_a_network_does_what_the_registry_says_it_makes(key: str) -> None:
    network, makes = NETWORKS[key], set(registry[key].makes)
    assert isinstance(network, DepthNetwork) == ("depth" in makes)
    assert isinstance(network, SplatNetwork) == ("splat" in makes)
    assert isinstance(network, SceneNetwork) == ("poses" in makes)
    assert network.metric == registry[key].metric


def test_every_model_of_the_registry_that_is_not_built_in_has_a_network() -> None:
    assert set(NETWORKS) == {model.key for model in registry if not model.built_in}


@over(*DEPTH)
@pytest.mark.parametrize("shape", SIZES)
def test_depth_is_positive_in_the_photos_aspect_and_in_its_unit(subject: Subject, shape: str) -> None:
    view = photo(shape)
    [seen] = subject.depth(view)
    height, width = seen.depth.shape
    assert seen.depth.dtype == np.float32
    assert np.isfinite(seen.depth).all() and (seen.depth > 0).all()
    assert width / height == pytest.approx(view.rgb.shape[1] / view.rgb.shape[0], rel=0.5 / min(height, width) + 0.02)
    assert seen.metric == subject.network.metric
    if not seen.metric:
        assert np.median(seen.depth) == pytest.approx(2.0, rel=1e-4)
    if seen.confidence is not None:
        assert seen.confidence.shape == seen.depth.shape and np.isfinite(seen.confidence).all()
    if seen.camera is not None:
        assert (seen.camera.width, seen.camera.height) == (width, height)
        assert np.array_equal(seen.camera.extrinsic, np.eye(4))


@over(*DEPTH)
def test_depth_follows_the_picture_and_leaves_it_as_it_was(subject: Subject) -> None:
    view = photo()
    before = view.rgb.copy()
    [seen] = subject.depth(view)
    assert np.array_equal(view.rgb, before)
    assert seen.depth.std() > 1e-6 * np.median(seen.depth)


@over(*NETWORKS)
def test_the_same_seed_makes_the_same_network(subject: Subject) -> None:
    ours, theirs = subject.module.state_dict(), tiny(subject.key).state_dict()
    assert list(ours) == list(theirs)
    assert all(bool((weights == theirs[name]).all()) for name, weights in ours.items())


@over(*DEPTH)
def test_several_photos_in_one_call_are_as_one_by_one(subject: Subject) -> None:
    views = [photo(), photo("portrait"), photo()]
    together = subject.depth(*views)
    for view, seen in zip(views, together, strict=True):
        assert_close(seen, subject.depth(view)[0], 1e-4)


@over(*[key for key in DEPTH if NETWORKS[key].bf16])
def test_bfloat16_changes_depth_by_little(subject: Subject) -> None:
    [seen] = subject.depth(photo(), dtype="bfloat16")
    assert np.isfinite(seen.depth).all() and (seen.depth > 0).all()
    assert_close(seen, subject.depth(photo())[0], 0.1)


@over(*[key for key in DEPTH if NETWORKS[key].metric and key not in SCENES])
def test_a_metric_network_that_is_told_the_focal_length_estimates_none(subject: Subject) -> None:
    [seen] = subject.depth(photo(known=True))
    assert seen.camera is None


@over(*SPLATS)
def test_splats_are_finite_in_front_of_the_camera_and_one_cloud_for_each_photo(subject: Subject) -> None:
    views = [photo(), photo("portrait")]
    clouds = subject.splats(*views)
    assert len(clouds) == len(views)
    for view, cloud in zip(views, clouds, strict=True):
        assert cloud.count > 100
        for name in ("means", "log_scales", "quaternions", "opacity_logits", "sh"):
            assert np.isfinite(getattr(cloud, name)).all(), name
        assert np.median(cloud.means[:, 2]) > 0
        assert np.allclose(np.linalg.norm(cloud.quaternions, axis=1), 1, atol=1e-3)
        assert cloud.camera is None or cloud.camera.width / cloud.camera.height == pytest.approx(
            view.rgb.shape[1] / view.rgb.shape[0], rel=0.1
        )


@over(*SCENES)
def test_a_scene_has_every_view_on_one_scale_and_starts_at_the_first(subject: Subject) -> None:
    import torch

    views = [photo(), photo()]
    compute = Compute(torch.device("cpu"), torch.float32, EFFORT)
    with torch.inference_mode():
        scene = subject.network.scene(subject.module, views, compute, splat=False)
    assert len(scene.views) == len(views)
    first = scene.views[0]
    assert first.camera is not None and np.allclose(first.camera.extrinsic, np.eye(4), atol=1e-5)
    for seen in scene.views:
        assert np.isfinite(seen.depth).all() and (seen.depth > 0).all()
        assert seen.metric == first.metric and seen.camera is not None
    if not first.metric:
        assert np.median(first.depth) == pytest.approx(2.0, rel=1e-3)
