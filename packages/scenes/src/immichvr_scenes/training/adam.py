"""Adam as torch computes it, without torch's compiler: `torch.optim.Adam` imports that, over a second of each start."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch.optim.adam import adam

_BETAS = (0.9, 0.999)


class Adam:
    """Trains parameters, with the same bits as `torch.optim.Adam` of the same settings.

    param_groups: one, with `params`, `lr`, `eps` and `fused`. state: of each parameter step, exp_avg and exp_avg_sq,
    each of its shape but for the step. As torch names them, since what densifies a cloud changes both.
    """

    def __init__(
        self, params: Sequence[torch.nn.Parameter], lr: float, eps: float = 1e-8, *, fused: bool = False
    ) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": list(params), "lr": lr, "eps": eps, "fused": fused}]
        self.state: defaultdict[torch.nn.Parameter, dict[str, torch.Tensor]] = defaultdict(dict)

    def remembered(self, parameter: torch.nn.Parameter) -> dict[str, torch.Tensor]:
        """The state of a parameter; zeros before its first step.

        A fused Adam counts its steps where the parameter is, any other one on the CPU.
        """
        state = self.state[parameter]
        if not state:
            fused = bool(self.param_groups[0]["fused"])
            state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device if fused else "cpu")
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        return state

    def step(self) -> None:
        """Moves the parameters that have gradients."""
        for group in self.param_groups:
            moved = [one for one in group["params"] if one.grad is not None]
            states = [self.remembered(one) for one in moved]
            with torch.no_grad():
                adam(
                    moved,
                    [one.grad for one in moved],
                    [state["exp_avg"] for state in states],
                    [state["exp_avg_sq"] for state in states],
                    [],
                    [state["step"] for state in states],
                    fused=group["fused"] or None,
                    amsgrad=False,
                    beta1=_BETAS[0],
                    beta2=_BETAS[1],
                    lr=group["lr"],
                    weight_decay=0.0,
                    eps=group["eps"],
                    maximize=False,
                )

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        for group in self.param_groups:
            for one in group["params"]:
                one.grad = None
