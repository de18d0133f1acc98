"""How much memory a conversion takes at most, beside the file it reads, which is mapped.

Bytes for each Gaussian: `a + b × (coefficients of degree 1 and above, of three colours)`. Measured as growth of a
process's own memory while 1,000,000 of degree 0 and 300,000 of degree 3 were converted, and rounded up. What grows
with the count is an order and its keys, what a compressed file is unpacked to, and what a writer gathers.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from immichvr_converter.conversion.formats import LIGHT, Target

FIXED = 64 * 1024 * 1024
"""Blocks under way, and what a writer has ready before it is written."""


class PerGaussian(NamedTuple):
    """Bytes for each Gaussian, and for each of its coefficients above degree 0."""

    base: int
    coefficient: int


_UNPACKED = {"spz": PerGaussian(40, 2), "glb": PerGaussian(40, 2), "sog": PerGaussian(96, 1)}
_STREAMED = PerGaussian(48, 1)
_GATHERED = {"sog": PerGaussian(256, 13), "glb": PerGaussian(160, 8)}
_HELD = PerGaussian(200, 12)
_NOTHING = PerGaussian(0, 0)

_SPZ_HEADER = struct.Struct("<4sIIB")
_SPZ_MAGIC = b"NGSP"
_LARGEST_META = 4 << 20


def memory_to_convert(count: int, sh_degree: int, source_format: str, targets: list[Target]) -> int:
    """Bytes to read `count` Gaussians and write them as each of `targets`, one after the other."""
    written = max(_memory_for(count, sh_degree, target) for target in targets)
    return memory_to_read(count, sh_degree, source_format) + written


def memory_to_hold(count: int, sh_degree: int, source_format: str) -> int:
    """Bytes to read `count` Gaussians, have them all in memory and merge them."""
    return memory_to_read(count, sh_degree, source_format) + _bytes(count, sh_degree, _HELD)


def memory_to_read(count: int, sh_degree: int, source_format: str) -> int:
    """Bytes to check `count` Gaussians of a file without writing them."""
    return FIXED + _bytes(count, sh_degree, _UNPACKED.get(source_format, _NOTHING))


def announced(path: Path, format: str) -> tuple[int, int] | None:
    """Count and degree that a compressed file announces, learned without unpacking it.

    None where they are not to be found there, and for the other formats: those take no memory until they are written.
    """
    if format == "spz":
        return _announced_by_spz(path)
    return _announced_by_sog(path) if format == "sog" else None


def _announced_by_spz(path: Path) -> tuple[int, int] | None:
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.startswith(_SPZ_MAGIC):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, _SPZ_HEADER.size)
        except zlib.error:
            return None
    if len(head) < _SPZ_HEADER.size:
        return None
    magic, _, count, sh_degree = _SPZ_HEADER.unpack_from(head)
    return (count, min(sh_degree, 3)) if magic == _SPZ_MAGIC else None


def _announced_by_sog(path: Path) -> tuple[int, int] | None:
    try:
        with zipfile.ZipFile(path) as archive, archive.open("meta.json") as file:
            meta = json.load(io.BytesIO(file.read(_LARGEST_META)))
        count, rest = meta["count"], meta.get("shN")
        sh_degree = rest["bands"] if rest else 0
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, KeyError, TypeError):
        return None  # the reader says better what is wrong with it
    sound = type(count) is int and type(sh_degree) is int and 0 <= count < 2**32 and 0 <= sh_degree <= 3
    return (count, sh_degree) if sound else None


def _memory_for(count: int, sh_degree: int, target: Target) -> int:
    if target.variant == LIGHT or target.count is not None:
        return _bytes(count, sh_degree, _HELD)
    degree = min(sh_degree, target.format.max_sh_degree)
    return _bytes(count, degree, _GATHERED.get(target.format.key, _STREAMED))


def _bytes(count: int, sh_degree: int, each: PerGaussian) -> int:
    return count * (each.base + each.coefficient * 3 * ((sh_degree + 1) ** 2 - 1))
