"""How much memory a conversion takes at most, beside the file it reads, which is mapped.

What a format's writer takes is in the catalogue; what a file is unpacked to, its summary tells.
"""

from __future__ import annotations

from immichvr_catalog import PerGaussian

from immichvr_converter.conversion.targets import LIGHT, Target

FIXED = 64 * 1024 * 1024
"""Blocks under way, and what a writer has ready before it is written."""


_HELD = PerGaussian(200, 12)
"""As the catalogue's figures: clouds that are merged."""

_LOOKED_AT = 48 * 1024 * 1024
"""For what a merged cloud is to look like: two pictures, and what reaches into their tiles where that is the most."""


def memory_to_write(count: int, sh_degree: int, targets: list[Target]) -> int:
    """Bytes to write `count` Gaussians as each of `targets`, one after the other."""
    return max(_memory_for(count, sh_degree, target) for target in targets)


def memory_to_hold(count: int, sh_degree: int) -> int:
    """Bytes to have `count` Gaussians all in memory and merge them."""
    return _HELD.bytes(count, sh_degree)


def memory_to_merge(count: int, sh_degree: int) -> int:
    """The same where what is merged gets colours that look like the whole, as colours of no direction do."""
    return _HELD.bytes(count, sh_degree) + (_LOOKED_AT if sh_degree == 0 else 0)


def _memory_for(count: int, sh_degree: int, target: Target) -> int:
    if target.variant == LIGHT or target.count is not None:
        return memory_to_merge(count, sh_degree)
    return target.format.written.bytes(count, min(sh_degree, target.format.max_sh_degree))
