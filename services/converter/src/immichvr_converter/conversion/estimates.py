"""How much memory a conversion takes at most, beside the file it reads, which is mapped.

Bytes for each Gaussian: `a + b × (coefficients of degree 1 and above, of three colours)`. Measured as growth of a
process's own memory while 1,000,000 of degree 0 and 300,000 of degree 3 were converted, and rounded up. What grows
with the count is an order and its keys, and what a writer gathers; what a file is unpacked to, its announcement tells.
"""

from __future__ import annotations

from typing import NamedTuple

from immichvr_converter.conversion.formats import LIGHT, Target

FIXED = 64 * 1024 * 1024
"""Blocks under way, and what a writer has ready before it is written."""


class PerGaussian(NamedTuple):
    """Bytes for each Gaussian, and for each of its coefficients above degree 0."""

    base: int
    coefficient: int


_STREAMED = PerGaussian(48, 1)
_GATHERED = {"sog": PerGaussian(256, 13), "glb": PerGaussian(160, 8)}
_HELD = PerGaussian(200, 12)


def memory_to_write(count: int, sh_degree: int, targets: list[Target]) -> int:
    """Bytes to write `count` Gaussians as each of `targets`, one after the other."""
    return max(_memory_for(count, sh_degree, target) for target in targets)


def memory_to_hold(count: int, sh_degree: int) -> int:
    """Bytes to have `count` Gaussians all in memory and merge them."""
    return _bytes(count, sh_degree, _HELD)


def _memory_for(count: int, sh_degree: int, target: Target) -> int:
    if target.variant == LIGHT or target.count is not None:
        return _bytes(count, sh_degree, _HELD)
    degree = min(sh_degree, target.format.max_sh_degree)
    return _bytes(count, degree, _GATHERED.get(target.format.key, _STREAMED))


def _bytes(count: int, sh_degree: int, each: PerGaussian) -> int:
    return count * (each.base + each.coefficient * 3 * ((sh_degree + 1) ** 2 - 1))
