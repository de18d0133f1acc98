"""New Gaussians brought to look like what was painted, from all views of it at once; the old ones stay as they are.

The loss is 0.8 L1 + 0.2 (1 - SSIM) over what is known and what was painted and, once a tenth of the steps is done, 0.1
of how far neighbours around a hole are in another order of depth than they were painted in (NeRFiller's depth ranking).
Its perceptual loss wants weights of its own, which are not here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from immichvr_splats import GaussianCloud

from immichvr_scenes.cameras import View
from immichvr_scenes.rasterizer import Gaussians, rasterize
from immichvr_scenes.training.losses import picture_loss
from immichvr_scenes.training.optimising import means_rate, optimizers_for
from immichvr_scenes.training.parameters import Parameters, of_cloud, to_cloud

F32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

LEAST_OPACITY = 0.005
"""A Gaussian that covers less than this in the end is let go."""
_RANKING = 0.1
_RANKING_FROM = 0.1
_USUAL_STEPS = 30_000
_MOST_HASTE = 10.0
"""Colours are trained as much faster as there are fewer steps than usual, with the root."""
_APART = 0.01
"""Relative difference of depth from which two neighbours have an order."""


@dataclass(frozen=True, eq=False)
class Target:
    """What a view shall look like. rgb: (h, w, 3), 0 to 1. depth: (h, w). counts: (h, w), where that is to be believed.

    painted: (h, w), what of it was painted.
    """

    view: View
    rgb: F32
    depth: F32
    counts: Mask
    painted: Mask


def optimise(
    old: GaussianCloud,
    new: GaussianCloud,
    targets: Sequence[Target],
    steps: int,
    seed: int,
    on_step: Callable[[float], None] = lambda share: None,
) -> GaussianCloud:
    """The new Gaussians after so many steps, without those that have become next to invisible.

    The same for the same seed. on_step: told the share that is done; what it raises stops the work.
    """
    if not new.count or not targets or not steps:
        return new
    fixed = Gaussians.of(old)
    params = of_cloud(new, new.sh_degree, torch.device("cpu"))
    optimizers = optimizers_for(params)
    for name in ("sh0", "shN"):
        optimizers[name].param_groups[0]["lr"] *= min(_MOST_HASTE, max(1.0, math.sqrt(_USUAL_STEPS / steps)))
    extent = float(np.median(np.concatenate([one.depth[one.painted] for one in targets])))
    chance = np.random.default_rng(seed)
    order: list[int] = []
    for step in range(steps):
        order = order or [*chance.permutation(len(targets))]
        target = targets[order.pop()]
        optimizers["means"].param_groups[0]["lr"] = means_rate(step, steps, extent)
        seen = rasterize(
            _joined(fixed, params),
            target.view.camera,
            torch.from_numpy(target.view.world_to_camera),
            compensate=old.marks.antialiased,
        )
        loss = picture_loss(seen.rgb, torch.from_numpy(target.rgb), torch.from_numpy(target.counts))
        if step >= _RANKING_FROM * steps:
            loss = loss + _RANKING * ranking_loss(seen.depth, target.depth, target.painted)
        loss.backward()
        for optimizer in optimizers.values():
            optimizer.step()
            optimizer.zero_grad()
        on_step((step + 1) / steps)
    trained = to_cloud(params, new.camera, new.marks.antialiased)
    least = math.log(LEAST_OPACITY / (1 - LEAST_OPACITY))
    sound = np.isfinite(trained.means).all(axis=1) & (trained.opacity_logits >= least)
    return trained.take(np.flatnonzero(sound))


def ranking_loss(depth: torch.Tensor, painted_depth: F32, painted: Mask) -> torch.Tensor:
    """Mean over neighbours, of which one was painted, of how far they are in the wrong order, as a share of depth."""
    wanted, touched = torch.from_numpy(painted_depth).log(), torch.from_numpy(painted)
    here = depth.clamp(min=1e-6).log()
    wrong, pairs = depth.new_zeros(()), depth.new_zeros(())
    for axis in (0, 1):
        first, second = (slice(None, -1), slice(1, None))
        one = (first, slice(None)) if axis == 0 else (slice(None), first)
        other = (second, slice(None)) if axis == 0 else (slice(None), second)
        step = wanted[other] - wanted[one]
        counted = (touched[one] | touched[other]) & (step.abs() > _APART) & (depth[one] > 0) & (depth[other] > 0)
        behind = torch.relu(-torch.sign(step) * (here[other] - here[one]))
        wrong = wrong + torch.where(counted, behind, 0.0).sum()
        pairs = pairs + counted.sum()
    return wrong / pairs.clamp(min=1)


def _joined(fixed: Gaussians, params: Parameters) -> Gaussians:
    sh = torch.cat([params["sh0"], params["shN"]], dim=1)
    return Gaussians(
        torch.cat([fixed.means, params["means"]]),
        torch.cat([fixed.log_scales, params["scales"]]),
        torch.cat([fixed.quaternions, params["quats"]]),
        torch.cat([fixed.opacity_logits, params["opacities"]]),
        torch.cat([fixed.sh, sh]),
    )
