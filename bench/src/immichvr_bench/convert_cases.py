"""Which conversions are measured, how many times faster than its peers each is to be, and why it is not faster."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """A conversion. peers: who else does it. wanted: times faster than the fastest correct one, by input.

    why: what of its time is more than mapping one file and writing the other.
    """

    name: str
    source: str
    target: str
    peers: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    wanted: dict[str, float] = field(default_factory=dict)
    stuck: dict[str, str] = field(default_factory=dict)
    """Inputs that no peer is run on, and why."""
    why: str = ""


_PYTHON = ("gaussforge", "gsply python", "gsply cpp")
_NEVER_ENDS = "splat-transform 3.7.0 on the CPU had not finished after 900 s"
_TWICE = {"sh0": 2.0, "sh3": 2.0}
_KSPLAT = (
    "the input is read twice, once to check it and once to pack it; exp and sigmoid are vector code",
    "cubes of 5 m are found and sorted before anything is written, and Gaussians are fetched in that order from all "
    "over the input; halves of scales, rotations and SH are vector code, putting them into rows is not",
    "as level 1, with fewer bytes to write",
)

CASES = (
    Case(
        "ply → splat", "ply", "splat", ("gaussforge", "ply2splat"), wanted={"sh0": 5, "sh3": 8},
        why="the input is read twice, once to check it and once to pack it; exp and sigmoid are vector code",
    ),
    Case(
        "ply → spz v3", "ply", "spz", (*_PYTHON, "splat-transform"), {"version": 3}, {"sh0": 5, "sh3": 6},
        why="deflate, of as many bytes as fit the size that counts; the kernel is a tenth of it",
    ),
    Case(
        "ply → spz v4", "ply", "spz", (*_PYTHON[1:], "splat-transform"), {"version": 4}, {"sh0": 10, "sh3": 10},
        why="zstd, as deflate for version 3; one frame for each plane, so the largest bounds what two cores can do",
    ),
    Case(
        "ply → compressed-ply", "ply", "compressed-ply", (*_PYTHON, "splat-transform"), wanted={"sh0": 2.5, "sh3": 3.5},
        why="a Morton sort (a radix sort of codes), which gaussforge and gsply leave out, and Gaussians fetched in its "
        "order from all over the input: half of the CPU time for degree 0; in file order (`order=\"file\"`), as "
        "theirs, it is spared: 35 ms, 54 ms of CPU, for degree 0",
    ),
    *(
        Case(
            f"ply → ksplat {level}", "ply", "ksplat", ("gaussian-splats-3d",), {"level": level},
            {"sh0": 15, "sh3": 15}, why=why,
        )
        for level, why in enumerate(_KSPLAT)
    ),
    Case(
        "ply → sog", "ply", "sog", ("splat-transform",), wanted={"sh0": 7}, stuck={"sh3": _NEVER_ENDS},
        why="lossless WebP, of which no more is done than the size that counts needs; degree 3: the palette, a k-means",
    ),
    Case(
        "ply → glb", "ply", "glb", ("splat-transform",), wanted={"sh0": 8, "sh3": 8},
        why="the input is read twice; as many bytes are written as read, one plane for each attribute",
    ),
    Case(
        "splat → ply", "splat", "ply", ("gaussforge", "splat-transform"), wanted=_TWICE,
        why="logarithms of scales; twice the bytes of the input are written, one write after the other",
    ),
    Case(
        "spz v3 → ply", "spz", "ply", (*_PYTHON, "splat-transform"), {"version": 3}, _TWICE,
        why="inflate (igzip, as in gsply), by two threads where the file is of pieces as ours are, by one otherwise: "
        "for degree 0 0.45 of our CPU time, and writing 0.2 of it; half of gsply's leaves 0.1 for all else",
    ),
    Case(
        "spz v4 → ply", "spz", "ply", (*_PYTHON[1:], "splat-transform"), {"version": 4}, _TWICE,
        why="zstd, one frame for each plane, of which positions take the longest, before the first row can be "
        "made: for degree 0 0.37 of our CPU time, and writing 0.2 of it",
    ),
    Case(
        "compressed-ply → ply", "compressed-ply", "ply", (*_PYTHON, "splat-transform"), wanted=_TWICE,
        why="the ranges tell that all is sound, so Gaussians are decoded once; what is left is writing, which the "
        "system does for one thread at a time",
    ),
    Case(
        "ksplat 1 → ply", "ksplat", "ply", ("gaussforge", "splat-transform"), {"level": 1}, _TWICE,
        why="halves become floats number by number, after a look at all of them for what is not finite",
    ),
    Case(
        "sog → ply", "sog", "ply", ("gaussforge", "splat-transform"), wanted=_TWICE,
        why="decoding lossless WebP, which is one thread for each texture, before the first row can be made",
    ),
)  # fmt: skip
