"""Which model serves a session: the one that was asked for, or the next that the memory suffices for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from immichvr_ai.live.frames import Picture
from immichvr_ai.live.gaussians import Gaussians
from immichvr_ai.live.opening import open_model
from immichvr_inference import Compute, Network, View, ViewDepth
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable, UnknownModel
from immichvr_models import Cache, CacheSettings
from immichvr_networks import NETWORKS
from immichvr_splats import GaussianCloud

Here = Callable[..., RunContext]


class Complete(Cache):
    """A cache in which the weights of every model are."""

    def ensure(self, *_: object, **__: object) -> Path:
        return self.root


@pytest.fixture
def empty(tmp_path: Path, on: Here) -> RunContext:
    """A context without weights that may fetch none."""
    return on(Cache(tmp_path, CacheSettings(offline=True)))


@pytest.fixture
def here(tmp_path: Path, on: Here) -> Here:
    """Makes a context in which every model's weights are and these networks stand in the place of their keys'."""

    def make(networks: dict[str, Network], free: int | None = None, spare_mb: int = 0) -> RunContext:
        made = on(Complete(tmp_path, CacheSettings(offline=True)), free=free, networks={**NETWORKS, **networks})
        made.runtime.settings.spare_mb = spare_mb
        return made

    return make


@pytest.fixture
def picture() -> Picture:
    """A small frame."""
    return Picture(np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8), 60.0, focal_known=True)


def test_auto_is_the_built_in_estimator_where_nothing_quicker_is_there(empty: RunContext) -> None:
    for on_gpu in (True, False):
        assert open_model("auto", empty, on_gpu=on_gpu).key == "heuristic"
    assert open_model("lift-heuristic", empty, on_gpu=False).key == "heuristic"


@pytest.mark.parametrize("name", ["nothing", "lift-nothing", "embedded", "lift-sharp"])
def test_what_makes_nothing_of_frames_is_unknown(here: Here, name: str) -> None:
    with pytest.raises(UnknownModel):
        open_model(name, here({}), on_gpu=False)


def test_weights_that_are_not_there_and_may_not_be_fetched_are_told_with_what_to_do(empty: RunContext) -> None:
    with pytest.raises(ModelUnavailable) as refused:
        open_model("da2-small", empty, on_gpu=False)
    assert refused.value.code == "no_network"
    assert "unset HF_HUB_OFFLINE" in refused.value.advice


class Flat:
    """A network that sees a wall two metres away, and makes two Gaussians of it if it is one that makes any."""

    metric, bf16 = True, False

    def tiny(self, seed: int = 0) -> object:
        import torch

        return torch.nn.Identity()

    load = tiny


class Depth(Flat):
    def depth(self, module: object, views: list[View], compute: Compute) -> list[ViewDepth]:
        assert compute.effort <= 1
        return [ViewDepth(np.full(view.rgb.shape[:2], 2, np.float32), metric=True) for view in views]


class Splats(Flat):
    def splats(self, module: object, views: list[View], compute: Compute) -> list[GaussianCloud]:
        ones = np.ones((2, 4), np.float32)
        return [GaussianCloud(ones[:, :3], ones[:, :3], ones, ones[:, 0], ones[:, None, :3]) for _ in views]


class Both(Depth, Splats):
    pass


@pytest.mark.parametrize(
    ("key", "network", "name", "shown", "own_gaussians", "makes"),
    [
        ("da2-small", Depth(), "lift-da2-small", "da2-small", False, ("gaussians", "points", "rgbd")),
        ("sharp", Splats(), "sharp", "sharp", True, ("gaussians", "points")),
        ("da3-giant", Both(), "da3-giant", "da3-giant", True, ("gaussians", "points", "rgbd")),
        ("da3-giant", Both(), "lift-da3-giant", "lift-da3-giant", False, ("gaussians", "points", "rgbd")),
    ],
)
def test_a_network_gives_its_own_gaussians_unless_its_depth_is_wanted(
    here, picture, key, network, name, shown, own_gaussians, makes
) -> None:
    model = open_model(name, here({key: network}), on_gpu=True)
    assert (model.key, model.makes, model.reason) == (shown, makes, "")
    assert isinstance(model.see(picture, "gaussians", 256, 0), Gaussians) is own_gaussians
    assert isinstance(model.see(picture, "points", 256, 0), Gaussians) is (makes == ("gaussians", "points"))
    assert model.capture(picture).count == 2 if own_gaussians else model.capture(picture).count > 1000


def test_with_too_little_memory_the_next_one_serves_and_says_so(here: Here) -> None:
    model = open_model("da2-small", here({"da2-small": Depth()}, free=0, spare_mb=1), on_gpu=False)
    assert model.key == "heuristic"
    assert model.reason == (
        "da2-small: it needs 821 MB of cpu memory and 0 MB are free; the built-in estimator was used"
    )
