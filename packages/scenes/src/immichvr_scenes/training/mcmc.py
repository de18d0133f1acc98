"""Gaussians that come and go, and wander: 3D Gaussian splatting as Markov chain Monte Carlo (Kheradmand et al. 2024).

Dead Gaussians go where live ones are; the cloud grows by a twentieth at a time up to its cap; noise moves what is
hardly seen. All that is drawn by lot is drawn by the step's own generator, so that a run can be taken up again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from immichvr_scenes.rasterizer.projection import rotations
from immichvr_scenes.training.optimising import Optimizers, replace_rows
from immichvr_scenes.training.parameters import Parameters

_EVERY = 100
_FIRST, _FIRST_SHARE = 300, 0.1
"""Steps, or their share if that is less, before which Gaussians stay where they are."""
_LAST_SHARE = 0.8
"""Of the steps, after which Gaussians stay where they are."""
_DEAD = 0.005
_GROWTH = 1.05
_MOST_COPIES = 51
_NOISE = 5e5
_STEEP = 100.0
_OPAQUE = 1 - torch.finfo(torch.float32).eps
"""As opaque as a Gaussian's logarithm can tell."""


@dataclass(frozen=True)
class Mcmc:
    """The strategy. cap: Gaussians, at most. iterations: of the whole run. extent: how large the place is."""

    cap: int
    iterations: int
    extent: float

    def after_step(
        self, params: Parameters, optimizers: Optimizers, step: int, rate: float, lot: torch.Generator
    ) -> None:
        """What happens after the optimizers' step. rate: of the means at this step."""
        with torch.no_grad():
            first = min(_FIRST, self.iterations * _FIRST_SHARE)
            if first <= step < self.iterations * _LAST_SHARE and step % _EVERY == 0:
                relocate(params, optimizers, lot)
                grow(params, optimizers, min(self.cap, int(_GROWTH * params["means"].shape[0])), lot)
            if step < self.iterations * _LAST_SHARE:
                wander(params, rate / self.extent**2, lot)


def relocate(params: Parameters, optimizers: Optimizers, lot: torch.Generator) -> None:
    """Put Gaussians that are hardly there beside live ones, more of them where these are opaque."""
    opacities = torch.sigmoid(params["opacities"])
    dead = (opacities <= _DEAD).nonzero()[:, 0]
    alive = (opacities > _DEAD).nonzero()[:, 0]
    if not dead.numel() or not alive.numel():
        return
    chosen = alive[torch.multinomial(opacities[alive], dead.numel(), replacement=True, generator=lot)]
    _share(params, chosen)
    for name, value in params.items():
        value[dead] = value[chosen]
        state = optimizers[name].remembered(value)
        for key in ("exp_avg", "exp_avg_sq"):
            state[key][chosen] = 0
            state[key][dead] = 0


def grow(params: Parameters, optimizers: Optimizers, count: int, lot: torch.Generator) -> None:
    """Add Gaussians beside those that are there, up to `count`."""
    more = count - params["means"].shape[0]
    if more <= 0:
        return
    chosen = torch.multinomial(torch.sigmoid(params["opacities"]), more, replacement=True, generator=lot)
    _share(params, chosen)
    for name in list(params):
        value = params[name].detach()
        replace_rows(params, optimizers, name, torch.cat([value, value[chosen]]), None)


def wander(params: Parameters, rate: float, lot: torch.Generator) -> None:
    """Move the means at random along their Gaussians' axes, the less the more opaque these are.

    rate: in one by the unit of the world, so that a place is trained alike in metres and in feet.
    """
    opacities = torch.sigmoid(params["opacities"])
    free = torch.sigmoid(_STEEP * (_DEAD - opacities))
    turn = rotations(params["quats"]) * params["scales"].exp()[:, None]
    noise = torch.randn(opacities.shape[0], 3, generator=lot, device=lot.device) * (free * _NOISE * rate)[:, None]
    params["means"] += torch.bmm(turn, torch.bmm(turn.transpose(1, 2), noise[:, :, None]))[:, :, 0]


def shared(opacity: torch.Tensor, copies: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Opacity of each of several equal Gaussians that look like one, and the factor of its scales: (M,) each.

    opacity: (M,) of the one. copies: (M,) integers, how many stand in its place. Source: equation 9 of the paper, whose
    inner sum is a binomial coefficient.
    """
    opacity = opacity.clamp(max=_OPAQUE)
    each = 1 - (1 - opacity.double()) ** (1 / copies)
    reach = torch.zeros_like(each)
    for term in range(1, int(copies.max()) + 1):
        binomials = torch.tensor([float(math.comb(n, term)) for n in range(_MOST_COPIES + 1)], dtype=torch.float64)
        reach += binomials.to(each.device)[copies] * (-1) ** (term - 1) * each**term / math.sqrt(term)
    return each.to(opacity.dtype), (opacity.double() / reach).to(opacity.dtype)


def _share(params: Parameters, chosen: torch.Tensor) -> None:
    """Make those that were chosen, some of them more than once, as much less as copies of them will be added."""
    taken = torch.bincount(chosen, minlength=params["means"].shape[0])
    rows = (taken > 0).nonzero()[:, 0]
    copies = (taken[rows] + 1).clamp(max=_MOST_COPIES)
    opacity, factor = shared(torch.sigmoid(params["opacities"][rows]), copies)
    opacity = opacity.clamp(_DEAD, _OPAQUE)
    params["opacities"][rows] = torch.log(opacity / (1 - opacity))
    params["scales"][rows] += factor.log()[:, None]
