"""A video gets the best depth that can be had here, and is told why it is not a better one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable, UnknownModel
from immichvr_inference.residency import Runtime
from immichvr_inference.settings import RuntimeSettings
from immichvr_inference.testing.tiny import with_tiny_weights
from immichvr_models import Cache, CacheSettings, Model, Progress, Registry, registry
from immichvr_models.testing import running_hub
from immichvr_video_depth.estimators import VIDEO_MODELS, estimator_for
from immichvr_video_depth.estimators.frames import ByFrames
from immichvr_video_depth.networks import NETWORKS
from immichvr_video_depth.networks.video_depth_anything import VideoDepthAnythingFamily
from immichvr_video_depth.networks.video_depth_anything.shapes import TINY
from immichvr_video_depth.testing import golden

FRAMES = list(golden.clip(1, 60, 80))
TINY_NETWORKS: dict[str, Any] = {key: with_tiny_weights(network, 3) for key, network in NETWORKS.items()}
Here = Callable[..., RunContext]


def seen_by(estimator: Any) -> Any:
    return estimator.infer([estimator.prepared(frame) for frame in FRAMES])


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def context_of(cache: Cache, networks: dict[str, Any], accepted: Collection[str] = (), free: int | None = None) -> Any:
    settings = RuntimeSettings(device="cpu", spare_mb=0)
    return RunContext(cache, Runtime(networks, settings, free=lambda _: free), accepted)


@pytest.fixture
def here(tmp_path: Path) -> Here:
    """A machine without network on which the weights of these models lie, tiny ones."""

    def make(*keys: str, accepted: Collection[str] = (), free: int | None = None) -> RunContext:
        rows = [_unpinned(model) if model.key in keys else model for model in registry]
        for model in rows:
            for file in model.files if model.key in keys else ():
                path = tmp_path / "local" / model.key / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"{}")
        settings = CacheSettings(offline=True, local_directory=tmp_path / "local", keep_free=0)
        return context_of(Cache(tmp_path / "models", settings, Registry(tuple(rows))), TINY_NETWORKS, accepted, free)

    return make


def _unpinned(model: Model) -> Model:
    """A model of whose files anything is believed: here they are read by nobody."""
    files = tuple(file.model_copy(update={"path": "any.json", "size": None, "sha256": None}) for file in model.files)
    return model.model_copy(update={"files": files[:1]})


def test_every_model_can_be_asked_for_and_auto() -> None:
    assert set(VIDEO_MODELS) == {"auto", *(model.key for model in registry.making("video-depth"))}


def test_the_best_network_that_is_here_and_permitted_sees_windows_of_32(here: Here) -> None:
    assert estimator_for("auto", here("vda-small", "vda-large")).key == "vda-small"
    best = estimator_for("auto", here("vda-small", "vda-large", accepted=["vda-large"]))
    assert (best.key, best.revision, best.reason) == ("vda-large", registry["vda-large"].revision, "")
    assert (best.window, best.metric) == (32, False)
    assert seen_by(best).shape == (1, 518, 686)


def test_a_metric_model_says_so(here: Here) -> None:
    estimator = estimator_for("vda-metric-small", here("vda-metric-small"))
    assert estimator.metric and estimator.key == "vda-metric-small"


def test_without_weights_of_clips_a_network_of_photos_runs_frame_by_frame_and_says_why(here: Here) -> None:
    estimator = estimator_for("auto", here("da2-small"))
    assert isinstance(estimator, ByFrames)
    assert (estimator.key, estimator.through, estimator.window) == ("depth-per-frame", "da2-small", 1)
    assert "vda-small" in estimator.reason
    assert estimator.reason.endswith("; da2-small saw each frame by itself")
    maps = seen_by(estimator)
    assert maps.dtype == np.float32 and maps.shape[0] == 1 and (maps > 0).all()


def test_without_any_weights_it_is_guessed_and_said_why(here: Here) -> None:
    estimator = estimator_for("auto", here())
    assert (estimator.key, estimator.window, estimator.metric) == ("heuristic", 1, False)
    assert "vda-small" in estimator.reason and "da2-small" in estimator.reason
    maps = seen_by(estimator)
    assert maps.shape[0] == 1 and np.isfinite(maps).all() and (maps > 0).all()


def test_a_better_network_of_photos_is_preferred_frame_by_frame(here: Here) -> None:
    estimator = estimator_for("depth-per-frame", here("da2-small", "zoedepth"))
    assert isinstance(estimator, ByFrames)
    assert (estimator.through, estimator.metric) == ("zoedepth", False)
    assert estimator.reason == "zoedepth saw each frame by itself"


def test_what_was_asked_for_by_name_and_is_not_here_says_so(here: Here) -> None:
    with pytest.raises(ModelUnavailable) as refused:
        estimator_for("vda-large", here())
    assert refused.value.code == "licence_required"
    with pytest.raises(UnknownModel, match="depth-per-frame"):
        estimator_for("da2-small", here())


def test_too_little_memory_hands_over_to_the_next_of_the_chain_and_says_so(here: Here) -> None:
    """What is needed is what a window took, not the size of the weights, which are tiny here."""
    context = here("vda-large", "vda-small", accepted=["vda-large"], free=10 * 10**9)
    estimator = estimator_for("vda-large", context)
    assert estimator.key == "vda-small"
    assert estimator.reason.startswith("vda-large: it needs ") and estimator.reason.endswith("vda-small was used")


def test_a_window_for_which_memory_ran_out_comes_at_the_same_size(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    context = here("vda-small")
    estimator: Any = estimator_for("vda-small", context)
    usual, seen = type(estimator.network).clip_depth, []

    def short_of_memory(network: Any, module: Any, frames: Any, compute: Any) -> Any:
        seen.append(compute.effort)
        if compute.effort == 1:
            raise MemoryError
        return usual(network, module, frames, compute)

    monkeypatch.setattr(type(estimator.network), "clip_depth", short_of_memory)
    assert seen_by(estimator).shape == (1, 518, 686)
    assert seen == [1.0, 0.5]


def test_frames_for_which_memory_ran_out_say_nothing_about_those_after_them() -> None:
    sizes = iter([(30, 40), (60, 80)])

    class Short:
        def run(self, key: str, work: object) -> tuple[list[Any], None]:
            return [np.ones(next(sizes), np.float32)], None

    context: Any = Short()
    network: Any = None
    estimator = ByFrames("depth-per-frame", "1", "da2-small", network, context)
    assert [seen_by(estimator).shape for _ in range(2)] == [(1, 30, 40), (1, 60, 80)]


def test_weights_are_fetched_on_first_use_with_progress_and_held_against_their_checksum(tmp_path: Path) -> None:
    family = VideoDepthAnythingFamily(TINY)
    model = registry["vda-small"]
    written = tmp_path / "tiny.pth"
    torch.save(family.tiny(3).state_dict(), written)
    body = written.read_bytes()
    told: list[Progress] = []
    with running_hub() as hub:
        hub.add(model.url(model.files[0], ""), body)
        known = {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        tiny = model.model_copy(update={"files": (model.files[0].model_copy(update=known),)})
        rows = tuple(tiny if one.key == model.key else one for one in registry)
        cache = Cache(tmp_path / "models", CacheSettings(endpoint=hub.url, keep_free=0, backoff=0.0), Registry(rows))
        context = context_of(cache, {**TINY_NETWORKS, model.key: family})
        context = RunContext(context.cache, context.runtime, on_download=told.append)
        made = seen_by(estimator_for("auto", context))
        assert told[-1].received == len(body)
        asked = len(hub.requests)
        assert np.array_equal(seen_by(estimator_for("vda-small", context)), made)
        assert len(hub.requests) == asked
        hub.files[model.url(model.files[0], "")] = body[:-1] + b"x"
        cache.remove(cache.registry[model.key])
        with pytest.raises(ModelUnavailable) as refused:
            estimator_for("vda-small", context)
        assert refused.value.code == "bad_checksum"
