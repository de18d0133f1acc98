"""What a conversion could not keep. Nothing is dropped in silence."""

from dataclasses import dataclass
from typing import Literal

LossCode = Literal[
    "dropped", "clamped", "precision", "sh_degree", "camera", "order", "color_space", "ignored",
    "antialiased", "georeference", "converted", "guessed",
]  # fmt: skip
"""converted: read in another form than the file has it, to the same effect. guessed: taken for what is likely."""


@dataclass(frozen=True)
class Loss:
    """One thing that a format, or the rules of this package, could not carry over.

    code: for programs, stable. message: for people. count: Gaussians concerned, 0 where it is not about some of them.
    """

    code: LossCode
    message: str
    count: int = 0

    def __str__(self) -> str:
        return self.message


def number(count: int, noun: str) -> str:
    """`count` and its noun in the right number: "1 Gaussian", "2,000 Gaussians"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
