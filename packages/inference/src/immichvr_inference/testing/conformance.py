"""What every network has to do: the shapes, units and promises of `immichvr_inference.network`.

A service's tests inherit it, and it runs through all networks of the service, made small with random weights:

    class TestNetworks(NetworkConformance):
        networks = NETWORKS

What is to be tried of a network follows from the functions it has. One whose package is not installed is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt
import pytest
from immichvr_models import registry
from immichvr_splats import GaussianCloud

from immichvr_inference.network import (
    Compute,
    DepthNetwork,
    Network,
    Scene,
    SceneNetwork,
    SplatNetwork,
    View,
    ViewDepth,
)

EFFORT = 0.25
"""Of a network's usual resolution, so that all of them take seconds."""
SIZES = {"landscape": (120, 160), "portrait": (150, 100), "strip": (37, 501)}

_WANTED: dict[str, Callable[[Network], bool]] = {
    "key": lambda network: True,
    "depth_key": lambda network: isinstance(network, DepthNetwork),
    "reduced_key": lambda network: isinstance(network, DepthNetwork) and bool(network.bf16),
    "told_key": lambda network: (
        isinstance(network, DepthNetwork) and network.metric and not isinstance(network, SceneNetwork)
    ),
    "splat_key": lambda network: isinstance(network, SplatNetwork),
    "scene_key": lambda network: isinstance(network, SceneNetwork),
}
"""Which networks a test runs through, by the name of its argument."""


@dataclass(frozen=True)
class Subject:
    """One network, its tiny module, and a way to run it."""

    network: Any
    module: Any

    def depth(self, *views: View, dtype: str = "float32") -> list[ViewDepth]:
        """Depth of these photos."""
        return cast("list[ViewDepth]", self._run("depth", views, dtype))

    def splats(self, *views: View) -> list[GaussianCloud]:
        """Gaussians of these photos."""
        return cast("list[GaussianCloud]", self._run("splats", views))

    def scene(self, *views: View) -> Scene:
        """The place that these photos show, without Gaussians."""
        return cast("Scene", self._run("scene", views, splat=False))

    def _run(self, what: str, views: tuple[View, ...], dtype: str = "float32", **more: bool) -> Any:
        import torch

        compute = Compute(torch.device("cpu"), getattr(torch, dtype), EFFORT)
        with torch.inference_mode():
            return getattr(self.network, what)(self.module, views, compute, **more)


class NetworkConformance:
    """The tests. networks: those of the service, by the keys of the registry."""

    networks: ClassVar[Mapping[str, Network]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Gives each test the networks that it is about."""
        for name, wanted in _WANTED.items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, [key for key, network in self.networks.items() if wanted(network)])

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def one_thread(cls) -> Iterator[None]:
        """Networks this small gain nothing from a second core, and lose much where others use it."""
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(before)

    def subject(self, key: str) -> Subject:
        """The network of this key, made small."""
        return _subject(cast("Any", self.networks[key]))

    def test_a_network_does_what_the_registry_says_it_makes(self, key: str) -> None:
        network, makes = self.networks[key], set(registry[key].makes)
        assert isinstance(network, DepthNetwork) == ("depth" in makes)
        assert isinstance(network, SplatNetwork) == ("splat" in makes)
        assert isinstance(network, SceneNetwork) == ("poses" in makes)
        assert network.metric == registry[key].metric

    def test_the_same_seed_makes_the_same_network(self, key: str) -> None:
        ours, theirs = self.subject(key).module.state_dict(), _tiny(self.networks[key]).state_dict()
        assert list(ours) == list(theirs)
        assert all(bool((weights == theirs[name]).all()) for name, weights in ours.items())

    @pytest.mark.parametrize("shape", SIZES)
    def test_depth_is_positive_in_the_photos_aspect_and_in_its_unit(self, depth_key: str, shape: str) -> None:
        subject, view = self.subject(depth_key), _photo(shape)
        [seen] = subject.depth(view)
        height, width = seen.depth.shape
        assert seen.depth.dtype == np.float32
        assert np.isfinite(seen.depth).all() and (seen.depth > 0).all()
        aspect = view.rgb.shape[1] / view.rgb.shape[0]
        assert width / height == pytest.approx(aspect, rel=0.5 / min(height, width) + 0.02)
        assert seen.metric == subject.network.metric
        if not seen.metric:
            assert np.median(seen.depth) == pytest.approx(2.0, rel=1e-4)
        if seen.confidence is not None:
            assert seen.confidence.shape == seen.depth.shape and np.isfinite(seen.confidence).all()
        if seen.camera is not None:
            assert (seen.camera.width, seen.camera.height) == (width, height)
            assert np.array_equal(seen.camera.extrinsic, np.eye(4))

    def test_depth_follows_the_picture_and_leaves_it_as_it_was(self, depth_key: str) -> None:
        view = _photo()
        before = view.rgb.copy()
        [seen] = self.subject(depth_key).depth(view)
        assert np.array_equal(view.rgb, before)
        assert seen.depth.std() > 1e-6 * np.median(seen.depth)

    def test_several_photos_in_one_call_are_as_one_by_one(self, depth_key: str) -> None:
        subject, views = self.subject(depth_key), [_photo(), _photo("portrait"), _photo()]
        for view, seen in zip(views, subject.depth(*views), strict=True):
            _assert_close(seen, subject.depth(view)[0], 1e-4)

    def test_bfloat16_changes_depth_by_little(self, reduced_key: str) -> None:
        subject = self.subject(reduced_key)
        [seen] = subject.depth(_photo(), dtype="bfloat16")
        assert np.isfinite(seen.depth).all() and (seen.depth > 0).all()
        _assert_close(seen, subject.depth(_photo())[0], 0.1)

    def test_a_metric_network_that_is_told_the_focal_length_estimates_none(self, told_key: str) -> None:
        [seen] = self.subject(told_key).depth(_photo())
        assert seen.camera is None

    def test_splats_are_finite_in_front_of_the_camera_and_one_cloud_for_each_photo(self, splat_key: str) -> None:
        views = [_photo(), _photo("portrait")]
        clouds = self.subject(splat_key).splats(*views)
        assert len(clouds) == len(views)
        for view, cloud in zip(views, clouds, strict=True):
            assert cloud.count > 100
            for name in ("means", "log_scales", "quaternions", "opacity_logits", "sh"):
                assert np.isfinite(getattr(cloud, name)).all(), name
            assert np.median(cloud.means[:, 2]) > 0
            assert np.allclose(np.linalg.norm(cloud.quaternions, axis=1), 1, atol=1e-3)
            aspect = view.rgb.shape[1] / view.rgb.shape[0]
            assert cloud.camera is None or cloud.camera.width / cloud.camera.height == pytest.approx(aspect, rel=0.1)

    def test_a_scene_has_every_view_on_one_scale_and_starts_at_the_first(self, scene_key: str) -> None:
        scene = self.subject(scene_key).scene(_photo(), _photo())
        assert len(scene.views) == 2
        first = scene.views[0]
        assert first.camera is not None and np.allclose(first.camera.extrinsic, np.eye(4), atol=1e-5)
        for seen in scene.views:
            assert np.isfinite(seen.depth).all() and (seen.depth > 0).all()
            assert seen.metric == first.metric and seen.camera is not None
        if not first.metric:
            assert np.median(first.depth) == pytest.approx(2.0, rel=1e-3)


@cache
def _subject(network: Any) -> Subject:
    return Subject(network, _tiny(network))


def _tiny(network: Network) -> Any:
    try:
        return network.tiny(0)
    except ImportError as error:
        pytest.skip(f"{error.name or error} is not installed")


def _photo(shape: str = "landscape") -> View:
    import skimage

    data: Any = skimage.data
    height, width = SIZES[shape]
    top = 40 if shape == "strip" else 0
    rgb: npt.NDArray[np.uint8] = data.astronaut()[top : top + height, :width]
    return View(np.ascontiguousarray(rgb), 1.2 * width)


def _assert_close(one: ViewDepth, other: ViewDepth, tolerance: float) -> None:
    assert one.depth.shape == other.depth.shape
    assert np.median(np.abs(one.depth / other.depth - 1)) <= tolerance
