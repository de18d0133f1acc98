"""What gsplat is told and takes back, with a stand-in of its documented interface: its kernels run on GPUs only."""

import sys
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from immichvr_scenes import Camera, Picture
from immichvr_scenes.errors import GsplatMissing
from immichvr_scenes.rasterizer import Gaussians, rasterize
from immichvr_scenes.testing import around, room
from immichvr_scenes.training import TrainingOptions, Watch, train
from immichvr_scenes.training.gsplat_cuda import GsplatRenderer
from immichvr_scenes.training.optimising import replace_rows
from immichvr_splats.pointclouds import PointCloud

_CAMERA = Camera.central(40, 30, 33)
_OPTIONS = TrainingOptions(6, 200, 40, 1, held_out=0)


@dataclass
class _Strategy:
    """Takes what gsplat's strategies take, and remembers it."""

    refine_stop_iter: int = 0
    cap_max: int = 0
    grow_grad2d: float = 2e-4
    calls: list[dict[str, Any]] = field(default_factory=list)

    def initialize_state(self, **given: float) -> dict[str, Any]:
        return {"count": torch.zeros(1), **given}

    def step_pre_backward(self, params: Any, optimizers: Any, state: Any, step: int, info: dict[str, Any]) -> None:
        assert info["means2d"] is not None

    def step_post_backward(
        self, params: Any, optimizers: Any, state: Any, step: int, info: dict[str, Any], **more: Any
    ) -> None:
        assert set(params) == set(optimizers) >= {"means", "scales", "quats", "opacities"}
        state["count"] = state["count"] + 1
        self.calls.append({"step": step, "count": float(state["count"]), "grow_grad2d": self.grow_grad2d, **more})


def _rasterization(**given: Any) -> tuple[torch.Tensor, torch.Tensor, dict[str, Any]]:
    """gsplat's shapes and activations: one camera, sRGB and expected depth."""
    assert given["render_mode"] == "RGB+ED" and given["rasterize_mode"] == "antialiased"
    assert given["viewmats"].shape == (1, 4, 4) and given["Ks"].shape == (1, 3, 3)
    assert (given["sh_degree"] + 1) ** 2 <= given["colors"].shape[1]
    matrix, opacities = given["Ks"][0], given["opacities"]
    camera = Camera(given["width"], given["height"], *(float(matrix[at]) for at in ((0, 0), (1, 1), (0, 2), (1, 2))))
    logits = torch.log(opacities / (1 - opacities))
    gaussians = Gaussians(given["means"], given["scales"].log(), given["quats"], logits, given["colors"])
    drawn = rasterize(gaussians, camera, given["viewmats"][0], compensate=True)
    picture = torch.cat([drawn.rgb, drawn.depth[..., None]], dim=-1)
    return picture[None], drawn.alpha[None, ..., None], {"means2d": given["means"]}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[_Strategy]:
    """The strategies that were asked for of a gsplat that stands in."""
    kept: list[_Strategy] = []

    def strategy(**given: Any) -> _Strategy:
        kept.append(_Strategy(**given))
        return kept[-1]

    module = ModuleType("gsplat")
    vars(module).update(rasterization=_rasterization, MCMCStrategy=strategy, DefaultStrategy=strategy)
    monkeypatch.setitem(sys.modules, "gsplat", module)
    return kept


def _pictures() -> list[Picture]:
    place = room(0, paint="soft")
    return [Picture(view, partial(np.copy, place.look(view, 1).rgb)) for view in around(_CAMERA, 3)]


def _points(count: int = 200) -> PointCloud:
    points, colours, _ = room(0, paint="soft").scatter(count)
    return PointCloud(points.astype(np.float32), colours)


def test_mcmc_is_told_the_cap_and_how_far_means_go(made: list[_Strategy]) -> None:
    trained = train(_pictures(), _points(), _OPTIONS, renderer=GsplatRenderer)
    assert trained.cloud.count == 200
    assert made[0].cap_max == 200 and made[0].refine_stop_iter == 4
    assert [call["step"] for call in made[0].calls] == [0, 1, 2, 3, 4, 5]
    rates = [call["lr"] for call in made[0].calls]
    assert rates == sorted(rates, reverse=True) and rates[-1] > 0


def test_a_strategy_goes_on_with_what_it_remembered(made: list[_Strategy]) -> None:
    kept: list[bytes] = []
    watch = Watch(checkpoint=kept.append, checkpoint_s=0.0)
    train(_pictures(), _points(), _OPTIONS, watch, renderer=GsplatRenderer)
    train(_pictures(), _points(), _OPTIONS, resume=kept[3], renderer=GsplatRenderer)
    assert [call["count"] for call in made[1].calls] == [5, 6]


def test_below_the_cap_growth_is_by_gradients(made: list[_Strategy]) -> None:
    options = TrainingOptions(3, 200, 40, 0, held_out=0, strategy="default")
    train(_pictures(), _points(100), options, renderer=GsplatRenderer)
    assert all(call["grow_grad2d"] < 1 and call["packed"] is False for call in made[0].calls)
    assert len(made[0].calls) == 3


def test_at_the_cap_nothing_is_split_any_more(made: list[_Strategy]) -> None:
    train(
        _pictures(), _points(), TrainingOptions(1, 200, 40, 0, held_out=0, strategy="default"), renderer=GsplatRenderer
    )
    assert made[0].calls[0]["grow_grad2d"] == float("inf")


def test_what_grows_beyond_the_cap_is_cut_and_may_grow_again_once_there_is_room(made: list[_Strategy]) -> None:
    counts = iter([220, 150, 160])

    def grown(self: _Strategy, params: Any, optimizers: Any, state: Any, step: int, info: Any, **more: Any) -> None:
        _told(self, params, optimizers, state, step, info, **more)
        rows = torch.arange(next(counts)) % params["means"].shape[0]
        for name in list(params):
            replace_rows(params, optimizers, name, params[name].detach()[rows], rows)
        state["grad2d"] = torch.zeros(len(rows))

    _told = _Strategy.step_post_backward
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_Strategy, "step_post_backward", grown)
        options = TrainingOptions(3, 200, 40, 0, held_out=0, strategy="default")
        trained = train(_pictures(), _points(190), options, renderer=GsplatRenderer)
    assert trained.cloud.count == 160
    growing = [call["grow_grad2d"] for call in made[0].calls]
    assert growing == [2e-4, float("inf"), 2e-4]


def test_what_a_strategy_draws_by_lot_is_the_same_at_the_same_step(made: list[_Strategy]) -> None:
    drawn: list[float] = []

    def lots(self: _Strategy, *given: Any, **more: Any) -> None:
        drawn.append(float(torch.rand(())))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_Strategy, "step_post_backward", lots)
        for _ in range(2):
            train(_pictures(), _points(), _OPTIONS, renderer=GsplatRenderer)
    assert drawn[:6] == drawn[6:] and len(set(drawn)) == 6


def test_without_gsplat_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gsplat", None)
    with pytest.raises(GsplatMissing, match="install it, or train on the CPU"):
        GsplatRenderer(_OPTIONS, 1.0)
