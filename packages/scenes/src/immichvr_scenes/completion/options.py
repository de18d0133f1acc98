"""What a completion is asked to do, and what it tells meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from immichvr_scenes.completion.errors import InvalidCompletion
from immichvr_scenes.completion.missing import MISSING, MissingRules

MethodKey = Literal["lama", "joint-multiview", "reference", "individual", "fill"]
METHODS: tuple[MethodKey, ...] = get_args(MethodKey)
AUTO: tuple[MethodKey, ...] = ("lama", "joint-multiview", "reference", "fill")
"""What `auto` tries, in this order. `individual` is what the others are compared with, and only runs by name."""

Stage = Literal["views", "painting", "placing", "optimising", "pruning"]

_BOUNDS = {
    "iterations": (0, 100_000),
    "dataset_update": (1, 100),
    "path_views": (1, 64),
    "longest": (32, 2048),
    "max_new": (1, 5_000_000),
}


@dataclass(frozen=True)
class CompletionOptions:
    """How a scene is completed.

    method: who paints; `auto` takes the first of AUTO that can run here. iterations: steps of optimisation in all, 0
    for none. dataset_update: how many times the views are painted anew, each time from what the last time left.
    depth_model: the network that tells how far away what was painted is; empty: the best one here, else depth is
    carried on from the rim. path_views: views that are looked at and painted. longest: pixels of their longer side.
    max_new: Gaussians that may be added. seed: of everything that is drawn by chance. Raises InvalidCompletion.
    """

    method: Literal["auto"] | MethodKey = "auto"
    iterations: int = 0
    dataset_update: int = 1
    depth_model: str = ""
    rules: MissingRules = MISSING
    path_views: int = 8
    longest: int = 512
    max_new: int = 400_000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method != "auto" and self.method not in METHODS:
            raise InvalidCompletion(f"there is no method {self.method!r}; there are: auto, {', '.join(METHODS)}")
        for name, (least, most) in _BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                raise InvalidCompletion(f"{name} is {getattr(self, name)}; it may be {least} to {most}")


AS_USUAL = CompletionOptions()


@dataclass(frozen=True, eq=False)
class CompletionProgress:
    """How far a completion is.

    fraction: 0 to 1. round: from 1, of `rounds`; 0 before the first. preview: (h, w, 3) uint8, a view as it is now;
    None where there is no new one.
    """

    fraction: float
    stage: Stage
    round: int = 0
    rounds: int = 0
    message: str = ""
    preview: npt.NDArray[np.uint8] | None = None
