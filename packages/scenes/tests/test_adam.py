"""Our Adam moves values as torch's does, to the bit, and is there sooner."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from immichvr_scenes.training.adam import Adam


@pytest.mark.parametrize("fused", [True, False])
def test_it_moves_values_as_torchs_does_to_the_bit(fused: bool) -> None:
    lot = torch.Generator().manual_seed(0)
    first = torch.randn(40, 3, generator=lot)
    ours, theirs = (torch.nn.Parameter(first.clone()) for _ in range(2))
    one = Adam([ours], 1e-2, 1e-15, fused=fused)
    other = torch.optim.Adam([theirs], lr=1e-2, eps=1e-15, fused=fused or None)
    for step in range(20):
        gradient = torch.randn(40, 3, generator=lot)
        for value, optimizer in ((ours, one), (theirs, other)):
            optimizer.param_groups[0]["lr"] = 1e-2 / (1 + step)
            value.grad = gradient.clone() if step != 7 else None
            optimizer.step()
            optimizer.zero_grad()
    assert torch.equal(ours, theirs)
    for key, remembered in one.remembered(ours).items():
        assert torch.equal(remembered, other.state[theirs][key]), key
    assert ours.grad is None


def test_nothing_of_torchs_compiler_is_imported_for_it() -> None:
    code = """
import sys, torch
from immichvr_scenes.training.adam import Adam
value = torch.nn.Parameter(torch.ones(2))
for fused in (True, False):
    value.grad = torch.ones(2)
    Adam([value], 0.1, fused=fused).step()
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr
