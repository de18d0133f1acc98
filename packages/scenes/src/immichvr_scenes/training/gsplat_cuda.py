"""gsplat 1.5 on CUDA: its rasterization and its strategies, behind our own protocol.

gsplat compiles its kernels when it is first used, or has been compiled beforehand; without CUDA it cannot draw. What
stands here follows its documented interface and has not been run on a GPU by us.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch

from immichvr_scenes.cameras import Camera
from immichvr_scenes.errors import GsplatMissing
from immichvr_scenes.rasterizer import Rendered
from immichvr_scenes.training.optimising import Optimizers, replace_rows
from immichvr_scenes.training.options import TrainingOptions
from immichvr_scenes.training.parameters import Parameters
from immichvr_scenes.training.renderers import Drawn, lot

_LAST_SHARE = 0.8
"""Of the steps, after which Gaussians stay where they are."""


class GsplatRenderer:
    """Draws with gsplat. Raises GsplatMissing where it is not installed."""

    def __init__(self, options: TrainingOptions, extent: float) -> None:
        try:
            import gsplat
        except ImportError as error:
            raise GsplatMissing(
                "training on a GPU needs gsplat 1.5, which is not installed; install it, or train on the CPU"
            ) from error
        self._rasterization = gsplat.rasterization
        self._mode = "antialiased" if options.antialiased else "classic"
        self._by_gradients = options.strategy == "default"
        last = int(options.iterations * _LAST_SHARE)
        self._cap, self._extent, self._seed = options.max_gaussians, extent, options.seed
        if self._by_gradients:
            self._strategy = gsplat.DefaultStrategy(refine_stop_iter=last)
            self._grows_from = self._strategy.grow_grad2d
            self._state: dict[str, Any] = self._strategy.initialize_state(scene_scale=extent)
        else:
            self._strategy = gsplat.MCMCStrategy(cap_max=options.max_gaussians, refine_stop_iter=last)
            self._state = self._strategy.initialize_state()

    def draw(self, params: Parameters, camera: Camera, place: torch.Tensor, degree: int) -> Drawn:
        device = params["means"].device
        drawn, alpha, told = self._rasterization(
            means=params["means"],
            quats=params["quats"],
            scales=params["scales"].exp(),
            opacities=torch.sigmoid(params["opacities"]),
            colors=torch.cat([params["sh0"], params["shN"]], dim=1),
            viewmats=place[None],
            Ks=torch.from_numpy(camera.matrix).to(device=device, dtype=torch.float32)[None],
            width=camera.width,
            height=camera.height,
            sh_degree=degree,
            packed=False,
            rasterize_mode=self._mode,
            render_mode="RGB+ED",
        )
        return Drawn(Rendered(drawn[0, ..., :3], alpha[0, ..., 0], drawn[0, ..., 3]), told)

    def before_backward(self, params: Parameters, optimizers: Optimizers, step: int, drawn: Drawn) -> None:
        self._strategy.step_pre_backward(params, optimizers, self._state, step, drawn.told)

    def after_step(self, params: Parameters, optimizers: Optimizers, step: int, rate: float, drawn: Drawn) -> None:
        more: dict[str, Any] = {"lr": rate / self._extent**2}  # of its noise, which is meant for places of extent 1
        if self._by_gradients:
            more = {"packed": False}
            full = params["means"].shape[0] >= self._cap  # it knows no cap of its own: it only prunes while it is full
            self._strategy = dataclasses.replace(self._strategy, grow_grad2d=math.inf if full else self._grows_from)
        device = params["means"].device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(lot(self._seed, step).initial_seed())
            self._strategy.step_post_backward(params, optimizers, self._state, step, drawn.told, **more)
        if params["means"].shape[0] > self._cap:
            self._cut(params, optimizers)

    def _cut(self, params: Parameters, optimizers: Optimizers) -> None:
        """Leave the most opaque Gaussians, as many as there may be."""
        count = params["means"].shape[0]
        order = torch.argsort(params["opacities"].detach(), descending=True, stable=True)[: self._cap]
        kept = order.sort().values
        for name in list(params):
            replace_rows(params, optimizers, name, params[name].detach()[kept].clone(), kept)
        for name, value in self._state.items():
            if isinstance(value, torch.Tensor) and value.ndim and value.shape[0] == count:
                self._state[name] = value[kept]

    def state(self) -> dict[str, torch.Tensor]:
        return {name: value for name, value in self._state.items() if isinstance(value, torch.Tensor)}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        self._state.update(state)
