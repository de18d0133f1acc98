"""`auto` takes the best network that is here and permitted; where memory is short, another stands in and it is said."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from immichvr_ai.depth import estimate_depth
from immichvr_inference import Compute, View
from immichvr_inference.context import RunContext
from immichvr_inference.errors import DeviceFailed, ModelUnavailable, NotEnoughMemory
from immichvr_media import Photo
from immichvr_models import Cache, registry
from immichvr_networks import NETWORKS

MakePhoto = Callable[..., Photo]
On = Callable[..., RunContext]
Stocked = Callable[..., Cache]
GB = 1_000_000_000


def make_large(cache: Cache, key: str) -> None:
    """Make a model's files look like 2 GB without taking them from the disk."""
    with (cache.path(cache.registry[key]) / "more.bin").open("wb") as file:
        file.truncate(2 * GB)


def test_a_better_network_that_is_here_and_permitted_is_preferred(photo: MakePhoto, on: On, stocked: Stocked) -> None:
    cache = stocked("da2-small", "da2-large")
    assert estimate_depth(photo(), "auto", on(cache)).model_key == "da2-small"
    accepted = estimate_depth(photo(), "auto", on(cache, ["da2-large"]))
    assert (accepted.model_key, accepted.reason) == ("da2-large", "")


def test_a_licence_accepted_by_setting_counts_too(photo: MakePhoto, on: On, stocked: Stocked) -> None:
    cache = stocked("da2-base", accepted=frozenset({"da2-base"}))
    assert estimate_depth(photo(), "auto", on(cache)).model_key == "da2-base"


def test_a_licence_accepted_in_the_cache_counts_too(photo: MakePhoto, on: On, stocked: Stocked) -> None:
    cache = stocked("da2-large")
    cache.accept("da2-large", "somebody")
    assert estimate_depth(photo(), "auto", on(cache)).model_key == "da2-large"


def test_too_little_memory_hands_over_to_the_next_of_the_chain_and_says_so(
    photo: MakePhoto, on: On, stocked: Stocked
) -> None:
    cache = stocked("da2-large", "da2-base", "da2-small")
    for key in ("da2-large", "da2-base"):
        make_large(cache, key)
    depth = estimate_depth(photo(), "da2-large", on(cache, ["da2-large", "da2-base"], free=GB))
    assert depth.model_key == "da2-small"
    assert depth.reason.startswith("da2-large: it needs ")
    assert "MB of cpu memory and 1000 MB are free; da2-base: it needs " in depth.reason
    assert depth.reason.endswith("da2-small was used")


def test_a_chain_of_ones_own_is_followed_and_skips_what_is_not_here(photo: MakePhoto, on: On, stocked: Stocked) -> None:
    cache = stocked("da2-large", "da2-small")
    make_large(cache, "da2-large")
    chain = {"da2-large": ("depthpro", "heuristic")}
    depth = estimate_depth(photo(), "da2-large", on(cache, ["da2-large"], free=GB, fallback=chain))
    assert depth.model_key == "heuristic"
    with pytest.raises(NotEnoughMemory):
        estimate_depth(photo(), "da2-large", on(cache, ["da2-large"], free=GB, fallback={}))


def test_memory_that_ran_out_on_the_way_is_said_of_what_came_of_it(
    photo: MakePhoto, on: On, stocked: Stocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, network = stocked("da2-base"), NETWORKS["da2-base"]
    honest = type(network).depth  # type: ignore[attr-defined]

    def greedy(self: object, module: object, views: list[View], compute: Compute) -> object:
        if compute.effort == 1.0:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return honest(self, module, views, compute)

    monkeypatch.setattr(type(network), "depth", greedy)
    depth = estimate_depth(photo(), "da2-base", on(cache, ["da2-base"]))
    assert depth.reason == "da2-base ran a second time with less effort, as memory ran out"

    def greedier(self: object, module: object, views: list[View], compute: Compute) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(type(network), "depth", greedier)
    with pytest.raises(ModelUnavailable, match="ran out of memory") as failed:
        estimate_depth(photo(), "da2-base", on(cache, ["da2-base"]))
    assert failed.value.code == "out_of_memory"


def test_a_device_that_failed_is_not_taken_for_wrong_weights_and_nothing_else_runs_on_it(
    photo: MakePhoto, on: On, stocked: Stocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, module: object, views: list[View], compute: Compute) -> object:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(type(NETWORKS["da2-base"]), "depth", broken)
    for asked in ("da2-base", "auto"):
        with pytest.raises(DeviceFailed):
            estimate_depth(photo(), asked, on(stocked("da2-base"), ["da2-base"]))


@pytest.mark.parametrize(
    "key", ["da2-base", "midas-dpt-large", pytest.param("zoedepth", marks=pytest.mark.long), "depthpro"]
)
def test_saved_weights_give_the_depth_of_the_network_they_come_from(
    photo: MakePhoto, on: On, stocked: Stocked, key: str
) -> None:
    picture = photo()
    depth = estimate_depth(picture, key, on(stocked(key), [key]))
    view = View(picture.rgb, picture.focal.px, focal_known=False)
    with torch.inference_mode():
        [direct] = NETWORKS[key].depth(  # type: ignore[attr-defined]
            NETWORKS[key].tiny(5), [view], Compute(torch.device("cpu"), torch.float32)
        )
    assert depth.metric == NETWORKS[key].metric
    assert np.allclose(depth.depth, direct.depth, rtol=1e-5)
    assert (depth.focal_px is not None) == (key == "depthpro")


@pytest.mark.parametrize("key", ["midas-dpt-large", "zoedepth", "depthpro"])
def test_a_tensor_of_another_shape_is_refused_by_name(photo: MakePhoto, on: On, stocked: Stocked, key: str) -> None:
    from safetensors.numpy import load_file, save_file

    cache = stocked(key)
    file = cache.path(cache.registry[key]) / "model.safetensors"
    tensors = load_file(file)
    name = next(name for name, tensor in tensors.items() if tensor.ndim == 2)
    save_file({**tensors, name: np.zeros((3, 5), np.float32)}, file, metadata={"format": "pt"})
    with pytest.raises(ModelUnavailable, match=r"is \(3, 5\), wants \(\d+, \d+\)") as refused:
        estimate_depth(photo(), key, on(cache, [key]))
    assert refused.value.code == "invalid_weights"


def test_weights_may_lack_only_what_is_never_read(on: On, stocked: Stocked) -> None:
    from safetensors.numpy import load_file, save_file

    cache = stocked("midas-dpt-large", "zoedepth")
    for key, complete in (("midas-dpt-large", True), ("zoedepth", False)):
        directory = cache.path(cache.registry[key])
        unread = "neck.fusion_stage.layers.0.residual_layer1."
        tensors = load_file(directory / "model.safetensors")
        kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(unread)}
        assert len(kept) < len(tensors)
        save_file(kept, directory / "model.safetensors", metadata={"format": "pt"})
        runtime = on(cache).runtime
        if complete:
            runtime.load(registry[key], directory)
        else:
            with pytest.raises(ModelUnavailable, match="the weights lack 4 tensors"):
                runtime.load(registry[key], directory)


def test_weights_stored_in_half_precision_run_in_full(stocked: Stocked, tmp_path: Path) -> None:
    network = NETWORKS["depthpro"].tiny(5).half()
    network.save_pretrained(tmp_path / "half")  # type: ignore[operator]
    loaded = NETWORKS["depthpro"].load(tmp_path / "half")
    assert {weights.dtype for weights in loaded.parameters()} == {torch.float32}


def test_memory_needed_is_that_of_the_weights_in_full_precision(on: On, stocked: Stocked, tmp_path: Path) -> None:
    network = NETWORKS["depthpro"].tiny(5).half()
    network.save_pretrained(tmp_path / "half")  # type: ignore[operator]
    weights = sum(one.numel() for one in network.state_dict().values()) * 4
    with pytest.raises(NotEnoughMemory):
        on(stocked(), free=int(weights * 1.25)).runtime.load(registry["depthpro"], tmp_path / "half")
    on(stocked(), free=int(weights * 1.4)).runtime.load(registry["depthpro"], tmp_path / "half")
