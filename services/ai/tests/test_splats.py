"""Splats by networks that make Gaussians themselves, and what stands in for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from immichvr_ai import jobs, splats
from immichvr_ai.errors import ModelUnavailable, UnknownModel
from immichvr_ai.networks import NETWORKS
from immichvr_ai.networks.base import Compute, View
from immichvr_ai.runtime import Runtime
from immichvr_ai.settings import ModelsSettings
from immichvr_ai.splats import SPLAT_MODELS, make_splat
from immichvr_common.tasks import Task
from immichvr_media import CarriedDepth, Photo
from immichvr_models import Cache, registry
from immichvr_splats import Camera, GaussianCloud, read
from PIL import Image

MakePhoto = Callable[..., Photo]
GB = 1_000_000_000


class Wall:
    """Makes a wall of Gaussians two metres away, in the place of SHARP."""

    metric = True
    bf16 = False

    def load(self, directory: Path) -> torch.nn.Module:
        return torch.nn.Linear(1, 1)

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        return torch.nn.Linear(1, 1)

    def splats(self, module: torch.nn.Module, views: Sequence[View], compute: Compute) -> list[GaussianCloud]:
        return [self.wall(view) for view in views]

    def wall(self, view: View) -> GaussianCloud:
        height, width = view.rgb.shape[:2]
        x, y = np.meshgrid(np.linspace(-1, 1, 40), np.linspace(-1, 1, 30))
        means = np.stack([x, y, np.full_like(x, 2.0)], axis=-1).reshape(-1, 3)
        count = len(means)
        return GaussianCloud(
            means=means.astype(np.float32),
            log_scales=np.full((count, 3), -4.0, np.float32),
            quaternions=np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
            opacity_logits=np.full(count, 2.0, np.float32),
            sh=np.zeros((count, 1, 3), np.float32),
            camera=Camera(view.focal_px, view.focal_px, width / 2, height / 2, width, height),
        )


class Lying(Cache):
    """A cache in which the files of some models are."""

    here: dict[str, Path]

    def state(self, model: Any) -> Any:
        return "ready" if model.key in self.here else super().state(model)

    def ensure(self, model: Any, *args: Any, **kwargs: Any) -> Path:
        return self.here[model.key] if model.key in self.here else super().ensure(model, *args, **kwargs)


@pytest.fixture
def lying(stocked: Callable[..., Cache], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Cache]:
    """Makes a cache with the files of these models, of which SHARP is the wall."""
    monkeypatch.setitem(NETWORKS, "sharp", Wall())

    def make(*keys: str, size: int = 1000) -> Cache:
        plain = stocked()
        cache = Lying(plain.root, plain.settings, plain.registry)
        cache.here = {}
        for key in keys:
            directory = tmp_path / "here" / key
            directory.mkdir(parents=True)
            with (directory / "weights.pt").open("wb") as file:
                file.truncate(size)
            cache.here[key] = directory
        return cache

    return make


def runtime(free: int = 100 * GB) -> Runtime:
    return Runtime(ModelsSettings(device="cpu", spare_mb=0), free=lambda _: free)


def test_every_splat_of_the_registry_can_be_asked_for() -> None:
    assert {key for model in registry for key in model.splat_keys} == set(SPLAT_MODELS)


def test_a_network_that_makes_gaussians_is_asked_for_by_its_key(photo: MakePhoto, lying: Callable[..., Cache]) -> None:
    splat = make_splat(
        photo(), "sharp", max_gaussians=None, cache=lying("sharp"), runtime=runtime(), accepted=["sharp"]
    )
    assert (splat.model_key, splat.metric, splat.reason) == ("sharp", True, "")
    assert splat.revision == registry["sharp"].revision
    assert splat.cloud.count == 1200
    assert splat.depth is None and splat.focal_px is None


def test_as_many_gaussians_as_were_asked_for_come_at_most(photo: MakePhoto, lying: Callable[..., Cache]) -> None:
    splat = make_splat(photo(), "sharp", max_gaussians=300, cache=lying("sharp"), runtime=runtime(), accepted=["sharp"])
    assert splat.cloud.count == 300
    assert splat.cloud.means[:, 2] == pytest.approx(2.0, abs=0.01)


def test_auto_takes_what_is_here_and_permitted_and_carried_depth_before_all(
    photo: MakePhoto, lying: Callable[..., Cache]
) -> None:
    cache = lying("sharp")
    made = [
        make_splat(picture, max_gaussians=5000, cache=cache, runtime=runtime(), accepted=accepted).model_key
        for picture, accepted in [
            (photo(), ["sharp"]),
            (photo(), []),
            (photo(depth=CarriedDepth(np.full((9, 12), 3.0, np.float32), True, "gdepth")), ["sharp"]),
        ]
    ]
    assert made == ["sharp", "lift-heuristic", "lift-embedded"]


def test_a_licence_that_nobody_accepted_is_asked_for(photo: MakePhoto, stocked: Callable[..., Cache]) -> None:
    with pytest.raises(ModelUnavailable, match=r"sharp: the licence .* has to be accepted") as refused:
        make_splat(photo(), "sharp", max_gaussians=None, cache=stocked(), runtime=runtime())
    assert refused.value.code == "licence_required"


def test_too_little_memory_for_a_network_gives_the_photo_to_lifting_and_says_so(
    photo: MakePhoto, lying: Callable[..., Cache]
) -> None:
    splat = make_splat(
        photo(), "sharp", max_gaussians=5000, cache=lying("sharp"), runtime=runtime(GB), accepted=["sharp"]
    )
    assert splat.model_key == "lift-heuristic"
    assert splat.reason == "sharp: it needs 7190 MB of cpu memory and 1000 MB are free; lift-heuristic was used"


def test_an_unknown_model_names_those_there_are(photo: MakePhoto, stocked: Callable[..., Cache]) -> None:
    for model in ("magic", "da2-small", "lift-sharp"):
        with pytest.raises(UnknownModel, match="there are: auto, "):
            make_splat(photo(), model, max_gaussians=None, cache=stocked(), runtime=runtime())


def test_a_network_of_scenes_gives_depth_with_its_splat_and_one_focal_length(
    photo: MakePhoto, lying: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    network: Any = NETWORKS["da3-giant"]
    try:
        tiny = network.tiny()
    except ImportError as error:
        pytest.skip(f"{error.name or error} is not installed")
    monkeypatch.setattr(network, "load", lambda directory: tiny)
    picture = photo()
    splat = make_splat(
        picture,
        "da3-giant",
        max_gaussians=None,
        cache=lying("da3-giant"),
        runtime=runtime(),
        accepted=["da3-giant"],
    )
    assert splat.cloud.count > 1000 and splat.depth is not None and splat.cloud.camera is not None
    focal = splat.cloud.camera.fx * picture.width / splat.cloud.camera.width
    assert splat.focal_px == pytest.approx(focal)
    assert splat.depth.focal_px == splat.focal_px
    assert splat.depth.depth.shape[1] / splat.depth.depth.shape[0] == pytest.approx(120 / 90, rel=0.05)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    Image.fromarray(skimage.data.coffee()[::2, ::2]).save(tmp_path / "source", "JPEG")
    return tmp_path / "source"


def a_task(source: Path, model: str) -> Task:
    folder = source.parent / "out"
    folder.mkdir()
    return Task("splat", {"model": model, "keepPly": True, "accepted": [model]}, {"source": source}, folder)


def test_a_job_without_depth_makes_a_splat_alone(
    source: Path, lying: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = lying("sharp")
    monkeypatch.setattr(jobs, "_models", lambda: cache)
    monkeypatch.setattr(splats.RUNTIME, "_free", lambda _: None)
    task = a_task(source, "sharp")
    [made] = jobs.perform(task, lambda *_: None)
    assert (made.kind, made.model_key, made.details["metric"]) == ("splat", "sharp", True)
    assert read(task.folder / "splat.spz").cloud.count == made.details["gaussians"] == 1200
    assert {path.name for path in task.folder.iterdir()} == {"splat.spz", "splat.ply"}


def test_a_job_of_a_network_that_gives_depth_makes_both_with_one_camera(
    source: Path, lying: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    network: Any = NETWORKS["da3-giant"]
    try:
        tiny = network.tiny()
    except ImportError as error:
        pytest.skip(f"{error.name or error} is not installed")
    cache = lying("da3-giant")
    monkeypatch.setattr(network, "load", lambda directory: tiny)
    monkeypatch.setattr(jobs, "_models", lambda: cache)
    monkeypatch.setattr(splats.RUNTIME, "_free", lambda _: None)
    splat, depth = jobs.perform(a_task(source, "da3-giant"), lambda *_: None)
    assert [splat.model_key, depth.model_key] == ["da3-giant", "da3-giant"]
    assert splat.details["camera"] == depth.details["camera"]
    assert splat.details["camera"]["focal_source"] == "estimated"
    assert [file.name for file in depth.files][:2] == ["depth.png", "disparity.webp"]
