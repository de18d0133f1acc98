"""`auto` takes the best depth there is and says why when it is not the best one there could be."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from immichvr_ai.depth import DEPTH_MODELS, estimate_depth
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable, UnknownModel
from immichvr_media import CarriedDepth, Photo
from immichvr_models import Cache, Progress, registry
from immichvr_models.testing import Hub, sends, status

MakePhoto = Callable[..., Photo]
On = Callable[..., RunContext]


def carried(metric: bool) -> CarriedDepth:
    depth = np.linspace(1.0, 9.0, 12, dtype=np.float32).reshape(3, 4)
    return CarriedDepth(depth=depth, metric=metric, source="gdepth")


def offline(cache: Cache) -> Cache:
    return Cache(cache.root, cache.settings.model_copy(update={"offline": True}), cache.registry)


def test_every_depth_model_is_in_the_registry() -> None:
    assert set(DEPTH_MODELS) <= {model.key for model in registry.making("depth")}
    assert {"embedded", "da2-small", "heuristic"} <= set(DEPTH_MODELS)


def test_carried_depth_comes_first_and_keeps_its_metres(photo: MakePhoto, on: On, cache: Cache, hub: Hub) -> None:
    depth = estimate_depth(photo(depth=carried(metric=True)), "auto", on(cache))
    assert (depth.model_key, depth.metric, depth.reason) == ("embedded", True, "")
    assert np.array_equal(depth.depth, carried(metric=True).depth)
    assert hub.requests == []


def test_carried_relative_depth_is_brought_to_median_two(photo: MakePhoto, on: On, cache: Cache) -> None:
    depth = estimate_depth(photo(depth=carried(metric=False)), "embedded", on(cache))
    assert not depth.metric
    assert np.median(depth.depth) == pytest.approx(2.0)
    assert depth.depth[0, 0] < depth.depth[2, 3]


def test_a_stray_carried_pixel_does_not_rule_the_scene(photo: MakePhoto, on: On, cache: Cache) -> None:
    wild = carried(metric=True)
    wild.depth[0, 0], wild.depth[2, 3] = 1e-20, 1e20
    depth = estimate_depth(photo(depth=wild), "auto", on(cache)).depth
    assert depth.max() / depth.min() < 1e7


def test_the_network_runs_when_the_photo_carries_nothing(photo: MakePhoto, on: On, cache: Cache, hub: Hub) -> None:
    told: list[Progress] = []
    depth = estimate_depth(photo(), "auto", replace(on(cache), on_download=told.append))
    assert (depth.model_key, depth.metric, depth.reason) == ("da2-small", False, "")
    assert depth.revision == registry["da2-small"].revision
    assert told[-1].fraction == 1.0
    estimate_depth(photo(), "auto", on(cache))
    assert len(hub.requests) == 3


def test_without_network_the_built_in_estimator_runs_and_says_why(photo: MakePhoto, on: On, cache: Cache) -> None:
    depth = estimate_depth(photo(), "auto", on(offline(cache)))
    assert depth.model_key == "heuristic"
    assert depth.reason == ("da2-small: no network (offline mode is on); the built-in estimator was used")


def test_a_hub_without_the_weights_does_not_stop_a_photo(photo: MakePhoto, on: On, cache: Cache, hub: Hub) -> None:
    model = cache.registry["da2-small"]
    hub.planned[model.url(model.files[2], "")] = [status(404)]
    depth = estimate_depth(photo(), "auto", on(cache))
    assert depth.model_key == "heuristic"
    assert "no such file" in depth.reason


def test_wrong_bytes_are_never_loaded(photo: MakePhoto, on: On, cache: Cache, hub: Hub) -> None:
    weights = cache.registry["da2-small"].files[2]
    hub.planned[cache.registry["da2-small"].url(weights, "")] = [sends(b"\0" * (weights.size or 0))]
    with pytest.raises(ModelUnavailable) as caught:
        estimate_depth(photo(), "da2-small", on(cache))
    assert (caught.value.code, caught.value.model) == ("bad_checksum", "da2-small")


def test_the_built_in_estimator_asks_nobody(photo: MakePhoto, on: On, cache: Cache, hub: Hub) -> None:
    depth = estimate_depth(photo(), "heuristic", on(cache))
    assert (depth.model_key, depth.reason) == ("heuristic", "")
    assert hub.requests == []


def test_a_model_asked_for_by_name_is_not_replaced(photo: MakePhoto, on: On, cache: Cache) -> None:
    with pytest.raises(ModelUnavailable, match="da2-small: no network") as caught:
        estimate_depth(photo(), "da2-small", on(offline(cache)))
    assert caught.value.code == "no_network"
    with pytest.raises(ModelUnavailable, match="carries no depth") as caught:
        estimate_depth(photo(), "embedded", on(cache))
    assert caught.value.code == "no_embedded_depth"


def test_an_unknown_model_names_the_known_ones(photo: MakePhoto, on: On, cache: Cache) -> None:
    with pytest.raises(UnknownModel, match="there are: auto, embedded, da2-small,"):
        estimate_depth(photo(), "midas", on(cache))
