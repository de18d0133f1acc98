"""Painting several views so that they agree: four of them side by side in one picture, shuffled anew at every step.

Source: Weber et al., "NeRFiller: Completing Scenes via Generative 3D Inpainting" (2024), the grid prior and joint
multi-view inpainting; Bar-Tal et al., "MultiDiffusion" (2023), for the mean over several layouts; Song et al., DDIM
(2021), for the update.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

CELLS = 4
"""Views in a grid of 2 × 2."""


def tile(views: Tensor) -> Tensor:
    """Views, (n, c, h, w), n a multiple of 4, as grids, (n / 4, c, 2 h, 2 w), row by row."""
    count, channels, height, width = views.shape
    grids = views.reshape(count // CELLS, 2, 2, channels, height, width)
    return grids.permute(0, 3, 1, 4, 2, 5).reshape(count // CELLS, channels, 2 * height, 2 * width)


def untile(grids: Tensor) -> Tensor:
    """What `tile` was given."""
    count, channels, height, width = grids.shape
    views = grids.reshape(count, channels, 2, height // 2, 2, width // 2)
    return views.permute(0, 2, 4, 1, 3, 5).reshape(CELLS * count, channels, height // 2, width // 2)


def joint_noise(predict: Callable[[Tensor], Tensor], views: Tensor, layouts: Sequence[Tensor]) -> Tensor:
    """The noise in each view, as seen in grids: the mean over layouts, each a permutation of the views, (n,)."""
    seen = [untile(predict(tile(views[layout])))[torch.argsort(layout)] for layout in layouts]
    return torch.stack(seen).mean(dim=0)


def timesteps(strength: float, steps: int, trained: int = 1000) -> list[int]:
    """The moments of noise, the largest first, for a start at that share of the `trained` ones."""
    last = max(1, int(trained * strength))
    count = min(steps, last)
    return [int(last * k / count) for k in reversed(range(count))]


def anneal(number: int, rounds: int, first: float = 1.0, last: float = 0.4) -> float:
    """Strength of round `number`, counted from 0: from `first` down to `last`."""
    return first if rounds <= 1 else first + (last - first) * number / (rounds - 1)


def betas(start: float = 0.00085, end: float = 0.012, trained: int = 1000) -> Tensor:
    """Stable Diffusion's noise schedule, `scaled_linear`: (trained,) float64."""
    return torch.linspace(start**0.5, end**0.5, trained, dtype=torch.float64) ** 2


def noised(latents: Tensor, noise: Tensor, kept: float) -> Tensor:
    """Latents with noise; kept: the share of the signal's power."""
    return kept**0.5 * latents + (1 - kept) ** 0.5 * noise


def ddim_step(latents: Tensor, noise: Tensor, kept: float, kept_then: float) -> Tensor:
    """Latents one step on, without chance. kept, kept_then: share of the signal's power before and after."""
    clean = (latents - (1 - kept) ** 0.5 * noise) / kept**0.5
    return kept_then**0.5 * clean + (1 - kept_then) ** 0.5 * noise


def shuffled(count: int, seed: int, step: int, layouts: int = 1) -> list[Tensor]:
    """Permutations for one step: the same for the same seed and step."""
    chance = np.random.default_rng((seed, step))
    return [torch.from_numpy(chance.permutation(count)) for _ in range(layouts)]


def noise_of(count: int, shape: tuple[int, ...], seed: int) -> Tensor:
    """Noise for so many views, (count, *shape) float32; a view's is the same whatever others there are."""
    drawn = [np.random.default_rng((seed, number)).standard_normal(shape, np.float32) for number in range(count)]
    return torch.from_numpy(np.stack(drawn))
