"""What training is to do, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Strategy = Literal["mcmc", "default"]
Quality = Literal["draft", "normal", "high"]


@dataclass(frozen=True)
class TrainingOptions:
    """How a cloud is trained.

    iterations: steps, of one picture each. max_gaussians: there are never more. longest: the longer side of the
    pictures that it is compared with, pixels. sh_degree: of the harmonics in the end, 0 to 3; one more every
    `degree_every` steps.
    strategy: how Gaussians come and go; "default" on CUDA only. exposure: a gain and an offset for each picture.
    refine_poses: the cameras are moved too. antialiased: for renderers that compensate the low-pass (Mip-Splatting).
    depth_weight: of the pictures' depth, at first; a hundredth of it in the end. held_out: every so-manieth picture is
    not trained on but measured with, 0: none. evaluate_every: steps between two measurements. patience: measurements
    without a gain of `least_gain` dB after which training ends. seed: of all that is drawn by lot.
    """

    iterations: int = 7_000
    max_gaussians: int = 1_000_000
    longest: int = 1600
    sh_degree: int = 3
    degree_every: int = 1_000
    strategy: Strategy = "mcmc"
    exposure: bool = True
    refine_poses: bool = True
    antialiased: bool = True
    depth_weight: float = 0.05
    held_out: int = 8
    evaluate_every: int = 500
    patience: int = 4
    least_gain: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.iterations >= 1 and self.max_gaussians >= 16 and self.longest >= 16 and 0 <= self.sh_degree <= 3):
            raise ValueError(f"these options of training cannot be followed: {self}")


_ON_CPU = {
    "draft": TrainingOptions(700, 12_000, 240, 0, refine_poses=False, evaluate_every=175, patience=2),
    "normal": TrainingOptions(3_000, 40_000, 480, 1),
    "high": TrainingOptions(7_000, 100_000, 640, 2),
}
_ON_CUDA = {
    "draft": TrainingOptions(2_000, 300_000, 960, 1, degree_every=700),
    "normal": TrainingOptions(7_000, 1_000_000, 1600, 3),
    "high": TrainingOptions(30_000, 3_000_000, 2400, 3, evaluate_every=1_000, patience=8),
}


def options_for(quality: Quality, device: str) -> TrainingOptions:
    """What a quality means on a device: "cuda", or anything else for what the CPU can do in minutes."""
    return (_ON_CUDA if device == "cuda" else _ON_CPU)[quality]
