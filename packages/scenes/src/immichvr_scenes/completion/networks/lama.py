"""LaMa: large masks painted with convolutions in the Fourier domain.

Source: Suvorov et al., "Resolution-robust Large Mask Inpainting with Fourier Convolutions" (2022), section 2 and the
table of "Big LaMa"; Chi et al., "Fast Fourier Convolution" (2020). Names of modules are those of the published weights:
`model.N` in order, of a block `conv1.ffc.convl2l`, …; sizes of Big LaMa: 64 channels, three times halved, 18 blocks,
three quarters of the channels in the Fourier domain.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from immichvr_inference import Compute

from immichvr_scenes.completion.networks.painting import F32, Hole, Job

if TYPE_CHECKING:
    import torch

MULTIPLE = 8
FILE = "big-lama.safetensors"
_NUMBERED = re.compile(r"(?:^|\.)(model\.\d+\..+)$")


class Lama:
    """Paints one picture at a time."""

    metric = False
    bf16 = False  # Fourier transforms are not made in it

    def load(self, directory: Path) -> torch.nn.Module:
        """The whole network of Big LaMa. Raises ValueError where the file is not of it."""
        from safetensors.torch import load_file

        from immichvr_scenes.completion.networks.lama_generator import Generator

        named = {}
        for name, weights in load_file(directory / FILE).items():
            if (found := _NUMBERED.search(name)) is not None:
                named[found[1]] = weights.float() if weights.is_floating_point() else weights
        generator = Generator()
        wanted = generator.state_dict()
        counters = {name for name in wanted if name.endswith("num_batches_tracked")}
        if absent := sorted(wanted.keys() - named.keys() - counters):
            raise ValueError(f"the weights lack {len(absent)} tensors, first of them {absent[0]}")
        if unknown := sorted(named.keys() - wanted.keys()):
            raise ValueError(f"{unknown[0]} is no tensor of Big LaMa, and {len(unknown)} of the file's are not")
        generator.load_state_dict({**{name: wanted[name] for name in counters}, **named})
        return generator.eval()

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        """Eight channels and one block, random weights."""
        import torch

        from immichvr_scenes.completion.networks.lama_generator import Generator

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Generator(channels=8, blocks=1).eval()

    def paint(self, module: torch.nn.Module, holes: Sequence[Hole], compute: Compute, job: Job) -> list[F32]:
        """Each picture whole. Strength, joint and seed make no difference: nothing is drawn by chance."""
        painted = []
        for number, hole in enumerate(holes):
            painted.append(hole.filled(_painted(module, hole, compute)))
            job.on_step((number + 1) / len(holes))
        return painted


def _painted(module: torch.nn.Module, hole: Hole, compute: Compute) -> F32:
    import torch

    height, width = hole.missing.shape
    scale = compute.effort
    size = (max(2, round(height * scale / MULTIPLE)) * MULTIPLE, max(2, round(width * scale / MULTIPLE)) * MULTIPLE)
    rgb = torch.from_numpy(hole.rgb).permute(2, 0, 1)[None]
    mask = torch.from_numpy(hole.missing.astype(np.float32))[None, None]
    if size != (height, width):
        rgb = torch.nn.functional.interpolate(rgb, size, mode="bilinear", antialias=True)
        mask = (torch.nn.functional.interpolate(mask, size, mode="area") > 0).float()
    known = torch.cat([rgb * (1 - mask), mask], dim=1).to(compute.device)
    output = module(known).float().cpu()
    if not torch.isfinite(output).all():
        raise ValueError("the network's output is not finite")
    if size != (height, width):
        output = torch.nn.functional.interpolate(output, (height, width), mode="bilinear")
    return np.ascontiguousarray(output[0].permute(1, 2, 0).numpy())
