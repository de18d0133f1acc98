"""How fast each kind of value is trained: Adam, with the rates of 3D Gaussian splatting (Kerbl et al. 2023)."""

from __future__ import annotations

import math

import torch

from immichvr_scenes.training.adam import Adam
from immichvr_scenes.training.parameters import Parameters

Optimizers = dict[str, Adam]

_RATES = {"scales": 5e-3, "quats": 1e-3, "opacities": 5e-2, "sh0": 2.5e-3, "shN": 2.5e-3 / 20}
_MEANS_RATE = 1.6e-4
_LAST = 0.01
"""Of the first rate of the means, the last."""
_USUAL_STEPS = 30_000
_MOST_HASTE = 6.0


def optimizers_for(params: Parameters) -> Optimizers:
    """An optimizer for each kind of value."""
    fused = next(iter(params.values())).device.type in ("cpu", "cuda")
    return {
        name: Adam([value], lr=_RATES.get(name, _MEANS_RATE), eps=1e-15, fused=fused) for name, value in params.items()
    }


def means_rate(step: int, iterations: int, extent: float) -> float:
    """Of the means at a step, in the unit of the world; extent: how large the place is, in that unit.

    The fewer steps there are, the larger each: with the root, as at random.
    """
    haste = min(_MOST_HASTE, max(1.0, math.sqrt(_USUAL_STEPS / iterations)))
    return _MEANS_RATE * extent * haste * decay(step, iterations)


def decay(step: int, iterations: int) -> float:
    """From 1 at the first step to a hundredth at the last, evenly in the exponent."""
    return math.pow(_LAST, step / iterations)


def replace_rows(
    params: Parameters, optimizers: Optimizers, name: str, value: torch.Tensor, kept: torch.Tensor | None
) -> None:
    """Give a kind of value other rows. kept: which of the old rows Adam remembers, in the order of the first new ones.

    What Adam remembers of further rows is zero. kept None: all of the old ones.
    """
    old, optimizer = params[name], optimizers[name]
    remembered = optimizer.remembered(old)
    new = torch.nn.Parameter(value)
    fresh = {"step": remembered["step"]}
    for key in ("exp_avg", "exp_avg_sq"):
        rows = remembered[key] if kept is None else remembered[key][kept]
        fresh[key] = torch.cat([rows, rows.new_zeros((value.shape[0] - rows.shape[0], *rows.shape[1:]))])
    del optimizer.state[old]
    optimizer.param_groups[0]["params"] = [new]
    optimizer.state[new] = fresh
    params[name] = new
