"""Networks that paint: loaded from what a server gives, in the published layout; what is known stays as it is.

Diffusion is for the night: importing diffusers alone takes longer than all other tests of completion together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from immichvr_inference import Compute
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable
from immichvr_inference.residency import Runtime
from immichvr_inference.settings import RuntimeSettings
from immichvr_models import Cache, CacheSettings, registry
from immichvr_models.testing import Hub, running_hub
from immichvr_scenes.completion import CompletionOptions, MissingRules, complete, joint
from immichvr_scenes.completion.networks import DIFFUSION, LAMA, NETWORKS, Job
from immichvr_scenes.completion.networks.lama_generator import Generator
from immichvr_scenes.completion.networks.painting import Hole
from immichvr_scenes.completion.networks.stable_diffusion import tiny_parts
from safetensors.torch import save_file

SMALL = Compute(torch.device("cpu"), torch.float32, 0.125)
MASK = np.zeros((48, 64), bool)
MASK[10:30, 20:44] = True


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small gain nothing from a second core."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def holes(count: int) -> list[Hole]:
    rng = np.random.default_rng(0)
    return [Hole(rng.random((48, 64, 3)).astype(np.float32), MASK) for _ in range(count)]


def painted(key: str, job: Job, count: int = 4) -> list[np.ndarray]:
    network = NETWORKS[key]
    with torch.inference_mode():
        return network.paint(network.tiny(3), holes(count), SMALL, job)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def together() -> list[np.ndarray]:
    return painted(DIFFUSION, Job(joint=True, seed=1))


@pytest.mark.parametrize("job", [Job(), Job(joint=True), Job(strength=0.4, joint=True)])
@pytest.mark.parametrize("key", [LAMA, pytest.param(DIFFUSION, marks=pytest.mark.long)])
def test_known_pixels_are_untouched_to_the_bit_and_missing_ones_are_painted(key: str, job: Job) -> None:
    for hole, picture in zip(holes(3), painted(key, job, 3), strict=True):
        assert picture.shape == hole.rgb.shape and picture.dtype == np.float32
        assert np.array_equal(picture[~MASK], hole.rgb[~MASK])
        assert not np.array_equal(picture[MASK], hole.rgb[MASK])
        assert np.isfinite(picture).all() and picture.min() >= 0 and picture.max() <= 1


# In short, that layouts and noise follow from the seed is held by test_joint.py.
@pytest.mark.long
def test_the_same_seed_paints_the_same_and_another_one_does_not(together: list[np.ndarray]) -> None:
    again = painted(DIFFUSION, Job(joint=True, seed=1))
    other = painted(DIFFUSION, Job(joint=True, seed=2))
    assert all(np.array_equal(*pair) for pair in zip(together, again, strict=True))
    assert not np.array_equal(together[0], other[0])


# In short, the arithmetic of painting together is held step by step by test_joint.py.
@pytest.mark.long
def test_a_golden_run_of_views_painted_together(together: list[np.ndarray]) -> None:
    golden = np.load(Path(__file__).with_name("golden_joint.npy"))
    found = np.stack([picture[MASK].reshape(20, 24, 3)[::5, ::6] for picture in together])
    assert np.abs(found - golden).max() < 2e-3


# In short, that views are put together into grids is held by test_joint.py.
@pytest.mark.long
def test_views_painted_together_are_others_than_each_alone(together: list[np.ndarray]) -> None:
    alone = painted(DIFFUSION, Job(joint=False, seed=1))
    assert np.abs(together[0] - alone[0])[MASK].mean() > 1e-3


# In short, which steps there are, and that the last ends without noise, is held by test_joint.py.
@pytest.mark.long
def test_every_look_of_the_network_takes_noise_away_and_the_last_one_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[tuple[float, float]] = []
    step = joint.ddim_step

    def noted(latents: torch.Tensor, noise: torch.Tensor, kept: float, kept_then: float) -> torch.Tensor:
        steps.append((kept, kept_then))
        return step(latents, noise, kept, kept_then)

    monkeypatch.setattr(joint, "ddim_step", noted)
    painted(DIFFUSION, Job(strength=0.4), 1)
    assert len(steps) == 20 and steps[-1][1] == 1.0
    assert all(after > before for before, after in steps)


# In short, that whoever waits may stop it before every look is held by test_complete.py, of filling.
@pytest.mark.long
def test_painting_tells_how_far_it_is_and_can_be_stopped() -> None:
    class Enough(Exception):
        pass

    shares: list[float] = []

    def on_step(share: float) -> None:
        shares.append(share)
        if len(shares) == 3:
            raise Enough

    with pytest.raises(Enough):
        painted(DIFFUSION, Job(joint=True, on_step=on_step))
    assert shares == pytest.approx([0.05, 0.1, 0.15])


def test_big_lama_has_the_size_of_the_published_weights() -> None:
    with torch.device("meta"):
        state = Generator().state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == 51_057_179
    assert registry[LAMA].parameters_m == pytest.approx(51.0, abs=0.1)
    for name in (
        "model.1.ffc.convl2l.weight",
        "model.4.ffc.convl2g.weight",
        "model.22.conv2.ffc.convg2g.fu.conv_layer.weight",
        "model.34.weight",
    ):
        assert name in state


def published(key: str, folder: Path) -> dict[str, bytes]:
    """A tiny checkpoint in the layout in which the model is published, by the registry's paths."""
    torch.manual_seed(0)
    if key == LAMA:
        state = {f"generator.{name}": tensor for name, tensor in Generator().state_dict().items()}
        save_file(state, folder / "big-lama.safetensors")
    else:
        from transformers import CLIPTextConfig, CLIPTextModel

        unet, vae = tiny_parts()
        unet.save_pretrained(folder / "unet")
        vae.save_pretrained(folder / "vae")
        text = CLIPTextConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=49408
        )
        CLIPTextModel(text).save_pretrained(folder / "text_encoder")
        (folder / "scheduler").mkdir()
        schedule = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
        (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(schedule))
    return {file.path: (folder / file.path).read_bytes() for file in registry[key].files}


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


def context_with(key: str, hub: Hub, folder: Path, *, change: dict[str, bytes] | None = None) -> RunContext:
    """A context in which this model's weights may be fetched from the hub."""
    source = folder / "source"
    source.mkdir()
    files = change or published(key, source)
    model = registry[key]
    for path, body in files.items():
        hub.add(f"/{key}/{model.revision}/{path}", body)
    unpinned = tuple(file.model_copy(update={"sha256": None, "size": None}) for file in model.files)
    rows = type(registry)((model.model_copy(update={"files": unpinned}),))
    cache = Cache(folder / "cache", CacheSettings(base_url=hub.url), rows)
    return RunContext(cache, Runtime(NETWORKS, RuntimeSettings(device="cpu", spare_mb=0)), accepted=[key])


# In short, a scene is completed by test_complete.py, and what is fetched is held against its layout below.
@pytest.mark.long
@pytest.mark.parametrize(("method", "rounds"), [("joint-multiview", 2), ("individual", 1)])
def test_a_scene_is_completed_with_a_model_fetched_from_a_server(
    holed, hub: Hub, tmp_path: Path, method: str, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("immichvr_scenes.completion.networks.stable_diffusion.ALONE", 64)
    monkeypatch.setattr("immichvr_scenes.completion.networks.stable_diffusion.TOGETHER", 64)
    context = context_with(DIFFUSION, hub, tmp_path)
    options = CompletionOptions(
        method=method, dataset_update=rounds, path_views=3, longest=64, rules=MissingRules(visibility=None)
    )  # type: ignore[arg-type]
    done = complete(holed.cut, holed.views, options, context=context)
    assert done.method == method and done.new > 50
    assert [one.strength for one in done.rounds] == ([1.0, 0.4] if rounds == 2 else [1.0])
    if method == "joint-multiview":  # now that it is here, nobody has to ask for it
        auto = complete(holed.cut, holed.views, replace(options, method="auto", path_views=1), context=context)
        assert auto.method == "joint-multiview" and "lama" in auto.reason


# In short, the names of the published weights are held above, and that others are refused below.
@pytest.mark.long
def test_lamas_weights_are_taken_by_the_names_that_they_are_published_with(tmp_path: Path, hub: Hub) -> None:
    context = context_with(LAMA, hub, tmp_path)
    [picture], _ = context.run(LAMA, lambda module, compute: NETWORKS[LAMA].paint(module, holes(1), compute, Job()))  # type: ignore[attr-defined]
    assert np.array_equal(picture[~MASK], holes(1)[0].rgb[~MASK])


def test_weights_of_something_else_are_refused_by_name(tmp_path: Path, hub: Hub) -> None:
    source = tmp_path / "other.safetensors"
    save_file({"generator.model.1.ffc.convl2l.weight": torch.zeros(1)}, source)
    context = context_with(LAMA, hub, tmp_path, change={"big-lama.safetensors": source.read_bytes()})
    with pytest.raises(ModelUnavailable, match="lack") as refused:
        context.run(LAMA, lambda module, compute: None)
    assert refused.value.code == "invalid_weights"


def test_nothing_is_fetched_without_a_yes_to_the_licence(tmp_path: Path, hub: Hub, holed) -> None:
    nothing = {file.path: b"" for file in registry[DIFFUSION].files}
    context = replace(context_with(DIFFUSION, hub, tmp_path, change=nothing), accepted=[])
    options = CompletionOptions(method="joint-multiview", path_views=1, longest=64)
    with pytest.raises(ModelUnavailable) as refused:
        complete(holed.cut, holed.views, options, context=context)
    assert refused.value.code == "licence_required"
