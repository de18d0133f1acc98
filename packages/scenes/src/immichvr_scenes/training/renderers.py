"""Who draws the Gaussians with gradients: our rasterizer on the CPU, gsplat on CUDA."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from immichvr_scenes.cameras import Camera
from immichvr_scenes.rasterizer import Gaussians, Rendered, rasterize
from immichvr_scenes.training.optimising import Optimizers
from immichvr_scenes.training.parameters import Parameters


@dataclass(frozen=True, eq=False)
class Drawn:
    """A picture with gradients, and what the renderer told beside it, for its strategies."""

    picture: Rendered
    told: dict[str, Any] = field(default_factory=dict)


class Renderer(Protocol):
    """Draws Gaussians, and lets them come and go by its strategy."""

    def draw(self, params: Parameters, camera: Camera, place: torch.Tensor, degree: int) -> Drawn:
        """The Gaussians from `place`, world to camera (4, 4), with harmonics up to `degree`."""

    def before_backward(self, params: Parameters, optimizers: Optimizers, step: int, drawn: Drawn) -> None:
        """What the strategy does when the loss is known."""

    def after_step(self, params: Parameters, optimizers: Optimizers, step: int, rate: float, drawn: Drawn) -> None:
        """What the strategy does once the values have been changed; rate: of the means."""

    def state(self) -> dict[str, torch.Tensor]:
        """What the strategy remembers from one step to the next."""

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Go on with a state that was kept."""


class Strategy(Protocol):
    """Lets Gaussians come and go by what they are, not by how they were drawn."""

    def after_step(
        self, params: Parameters, optimizers: Optimizers, step: int, rate: float, lot: torch.Generator
    ) -> None: ...


@dataclass(frozen=True)
class CpuRenderer:
    """Our rasterizer. strategy: remembers nothing. seed: of what is drawn by lot, anew at every step."""

    strategy: Strategy
    antialiased: bool
    seed: int

    def draw(self, params: Parameters, camera: Camera, place: torch.Tensor, degree: int) -> Drawn:
        sh = params["sh0"]
        if degree:
            sh = torch.cat([sh, params["shN"][:, : (degree + 1) ** 2 - 1]], dim=1)
        gaussians = Gaussians(params["means"], params["scales"], params["quats"], params["opacities"], sh)
        return Drawn(rasterize(gaussians, camera, place, compensate=self.antialiased))

    def before_backward(self, params: Parameters, optimizers: Optimizers, step: int, drawn: Drawn) -> None:
        """Nothing."""

    def after_step(self, params: Parameters, optimizers: Optimizers, step: int, rate: float, drawn: Drawn) -> None:
        self.strategy.after_step(params, optimizers, step, rate, lot(self.seed, step))

    def state(self) -> dict[str, torch.Tensor]:
        return {}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """There is nothing to go on with."""


def lot(seed: int, number: int) -> torch.Generator:
    """A generator of one step, or of one pass over the pictures: nothing need be remembered to take a run up again."""
    return torch.Generator().manual_seed((seed * 1_000_003 + number) % (1 << 63))
