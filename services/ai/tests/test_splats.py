"""Splats by networks that make Gaussians themselves, and what stands in for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from immichvr_ai.jobs import perform
from immichvr_ai.splats import SPLAT_MODELS, make_splat
from immichvr_common.tasks import Task
from immichvr_inference import Compute, Network, View
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable, UnknownModel
from immichvr_inference.testing.tiny import with_tiny_weights
from immichvr_media import CarriedDepth, Photo
from immichvr_models import Cache, registry
from immichvr_networks import NETWORKS
from immichvr_splats import Camera, GaussianCloud, Reduction, read
from PIL import Image

MakePhoto = Callable[..., Photo]
On = Callable[..., RunContext]
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
def lying(stocked: Callable[..., Cache], on: On, tmp_path: Path) -> On:
    """Makes a context that has the files of these models, accepted unless it is said; SHARP is the wall in it."""

    def make(
        *keys: str, accepted: Collection[str] | None = None, free: int | None = None, **others: Network
    ) -> RunContext:
        plain = stocked()
        cache = Lying(plain.root, plain.settings, plain.registry)
        cache.here = {}
        for key in keys:
            directory = tmp_path / "here" / key
            directory.mkdir(parents=True)
            (directory / "weights.pt").write_bytes(bytes(1000))
            cache.here[key] = directory
        networks = {**NETWORKS, "sharp": Wall(), **others}
        return on(cache, keys if accepted is None else accepted, free, networks)

    return make


@pytest.fixture
def giant() -> Network:
    """A network of scenes, made small."""
    network = NETWORKS["da3-giant"]
    try:
        network.tiny()
    except ImportError as error:
        pytest.skip(f"{error.name or error} is not installed")
    return with_tiny_weights(network)


def test_every_splat_of_the_registry_can_be_asked_for() -> None:
    assert {key for model in registry for key in model.splat_keys} == set(SPLAT_MODELS)


def test_a_network_that_makes_gaussians_is_asked_for_by_its_key(photo: MakePhoto, lying: On) -> None:
    splat = make_splat(photo(), "sharp", lying("sharp"), max_gaussians=None)
    assert (splat.model_key, splat.metric, splat.reason) == ("sharp", True, "")
    assert splat.revision == registry["sharp"].revision
    assert splat.cloud.count == 1200
    assert splat.depth is None and splat.focal_px is None


def test_as_many_gaussians_as_were_asked_for_come_at_most(photo: MakePhoto, lying: On) -> None:
    picture, context = photo(), lying("sharp")
    splat = make_splat(picture, "sharp", context, max_gaussians=300)
    assert splat.cloud.count == 300
    whole = make_splat(picture, "sharp", context, max_gaussians=None).cloud
    assert np.array_equal(splat.cloud.sh, Reduction(whole).to(300).sh)
    assert splat.cloud.means[:, 2] == pytest.approx(2.0, abs=0.01)


def test_auto_takes_what_is_here_and_permitted_and_carried_depth_before_all(photo: MakePhoto, lying: On) -> None:
    context = lying("sharp")
    carrying = photo(depth=CarriedDepth(np.full((9, 12), 3.0, np.float32), True, "gdepth"))
    made = [
        make_splat(picture, "auto", replace(context, accepted=accepted), max_gaussians=5000).model_key
        for picture, accepted in [(photo(), ["sharp"]), (photo(), []), (carrying, ["sharp"])]
    ]
    assert made == ["sharp", "lift-heuristic", "lift-embedded"]


def test_a_licence_that_nobody_accepted_is_asked_for(photo: MakePhoto, lying: On) -> None:
    with pytest.raises(ModelUnavailable, match=r"sharp: the licence .* has to be accepted") as refused:
        make_splat(photo(), "sharp", lying(), max_gaussians=None)
    assert refused.value.code == "licence_required"


def test_too_little_memory_for_a_network_gives_the_photo_to_lifting_and_says_so(photo: MakePhoto, lying: On) -> None:
    splat = make_splat(photo(), "sharp", lying("sharp", free=GB), max_gaussians=5000)
    assert splat.model_key == "lift-heuristic"
    assert splat.reason == "sharp: it needs 7190 MB of cpu memory and 1000 MB are free; the built-in estimator was used"


def test_what_was_too_large_before_a_photo_is_lifted_is_said_once_of_the_splat_and_of_its_depth(
    photo: MakePhoto, lying: On
) -> None:
    context = lying("sharp", "da3metric-large", free=GB)
    with context.weights("da3metric-large").joinpath("weights.pt").open("r+b") as file:
        file.truncate(2 * GB)
    by_name = make_splat(photo(), "sharp", context, max_gaussians=5000)
    [sharp, metric, words] = by_name.reason.split("; ")
    assert sharp.startswith("sharp: it needs ") and metric.startswith("da3metric-large: it needs ")
    assert words == "the built-in estimator was used"
    chosen = make_splat(photo(), "auto", context, max_gaussians=5000)
    assert chosen.reason.startswith(sharp) and "; da2-small: no network" in chosen.reason
    assert chosen.reason.endswith(words)
    for splat in (by_name, chosen):
        assert splat.model_key == "lift-heuristic"
        assert splat.depth is not None and splat.depth.reason == splat.reason


def test_an_unknown_model_names_those_there_are(photo: MakePhoto, lying: On) -> None:
    for model in ("magic", "da2-small", "lift-sharp"):
        with pytest.raises(UnknownModel, match="there are: auto, "):
            make_splat(photo(), model, lying(), max_gaussians=None)


def test_a_network_of_scenes_gives_depth_with_its_splat_and_one_focal_length(
    photo: MakePhoto, lying: On, giant: Network
) -> None:
    picture = photo()
    splat = make_splat(picture, "da3-giant", lying("da3-giant", **{"da3-giant": giant}), max_gaussians=None)
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


def test_a_job_without_depth_makes_a_splat_alone(source: Path, lying: On) -> None:
    task = a_task(source, "sharp")
    [made] = perform(task, lambda *_: None, lying("sharp"))
    assert (made.kind, made.model_key, made.details["metric"]) == ("splat", "sharp", True)
    assert read(task.folder / "splat.spz").cloud.count == made.details["gaussians"] == 1200
    assert {path.name for path in task.folder.iterdir()} == {"splat.spz", "splat.ply"}


def test_a_job_of_a_network_that_gives_depth_makes_both_with_one_camera(
    source: Path, lying: On, giant: Network
) -> None:
    context = lying("da3-giant", **{"da3-giant": giant})
    splat, depth = perform(a_task(source, "da3-giant"), lambda *_: None, context)
    assert [splat.model_key, depth.model_key] == ["da3-giant", "da3-giant"]
    assert splat.details["camera"] == depth.details["camera"]
    assert splat.details["camera"]["focal_source"] == "estimated"
    assert [file.name for file in depth.files][:2] == ["depth.png", "disparity.webp"]
