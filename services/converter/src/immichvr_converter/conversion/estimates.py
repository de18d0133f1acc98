"""How much memory a conversion takes at most, beside the file it reads, which is mapped.

Bytes for each Gaussian, measured as growth of a process's own memory while 1,000,000 of degree 0 and 300,000 of
degree 3 were converted, and rounded up: `a + b × (coefficients of degree 1 and above, of three colours)`. What grows
with the count is an order and its keys, the inflated file where it was compressed, and what a writer gathers.
"""

from __future__ import annotations

from immichvr_converter.conversion.formats import LIGHT, Target

FIXED = 64 * 1024 * 1024
"""Blocks under way, and what a writer has ready before it is written."""

_STREAMED = (64, 4)
_GATHERED = {"sog": (256, 13), "glb": (160, 8)}
_HELD = (200, 12)


def memory_to_convert(count: int, sh_degree: int, targets: list[Target]) -> int:
    """Bytes to write `count` Gaussians as each of `targets`, one after the other."""
    return max(_memory_for(count, sh_degree, target) for target in targets)


def memory_to_hold(count: int, sh_degree: int) -> int:
    """Bytes to have a whole cloud in memory and merge it."""
    return _bytes(count, sh_degree, _HELD)


def _memory_for(count: int, sh_degree: int, target: Target) -> int:
    if target.variant == LIGHT or target.count is not None:
        return memory_to_hold(count, sh_degree)
    degree = min(sh_degree, target.format.max_sh_degree)
    return _bytes(count, degree, _GATHERED.get(target.format.key, _STREAMED))


def _bytes(count: int, sh_degree: int, each: tuple[int, int]) -> int:
    base, per_coefficient = each
    return FIXED + count * (base + per_coefficient * 3 * ((sh_degree + 1) ** 2 - 1))
