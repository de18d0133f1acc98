"""Clouds that are decoded block by block, when a writer asks for them, in any order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple, Self, TypeVar

import numpy as np

from immichvr_splats.cloud import NO_MARKS, SH_COEFFICIENTS, Camera, GaussianCloud, Marks
from immichvr_splats.compiled import F32, F64, I64
from immichvr_splats.numerics import bounds
from immichvr_splats.order import morton_order_of_blocks
from immichvr_splats.threads import in_order

R = TypeVar("R")
Rows = slice | I64
"""Which Gaussians: a slice with start and stop, or indices."""

_BLOCK_BYTES = 4 << 20  # of float32 values: more than one fit the caches of a core

_LARGEST_MMAP_THRESHOLD = 32 << 20


def _reuse_freed_memory() -> None:
    # glibc gives back memory of the size of our blocks as soon as it is freed, to fault it in anew for the next one,
    # which takes longer than the work on it; until it has seen a larger array come and go.
    np.empty(_LARGEST_MMAP_THRESHOLD - (64 << 10), np.uint8)


_reuse_freed_memory()


def row_numbers(rows: Rows) -> I64:
    """Indices, (M,), of what `rows` names."""
    return np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows


class Glance(NamedTuple):
    """What can be seen of a block without decoding it, in bits of float32, which order like integers.

    largest: of the magnitudes of all values. least_norm, most_norm: of the squared quaternions. low, high: of means,
    None where that would take decoding.
    """

    largest: int
    least_norm: int
    most_norm: int
    low: F64 | None = None
    high: F64 | None = None


_ONE = int(np.float32(1).view(np.int32))
SOUND = Glance(0, _ONE, _ONE)
"""At a block that can hold nothing but finite values and unit quaternions."""
UNSURE = Glance(int(np.float32(np.inf).view(np.int32)), 0, 0)
"""At a block that has to be decoded to tell."""


@dataclass(frozen=True)
class Stream:
    """`count` Gaussians of one file or cloud.

    decode: the Gaussians at some rows, as they stand in the file. decode_means: only their means, (M, 3), and
    decode_less: with harmonics up to a lower degree, where that is cheaper. glance: at a slice, where that is cheaper
    than decoding. All are called from several threads at once.
    """

    count: int
    sh_degree: int
    decode: Callable[[Rows], GaussianCloud]
    camera: Camera | None = None
    decode_means: Callable[[Rows], F32] | None = None
    glance: Callable[[slice], Glance] | None = None
    decode_less: Callable[[Rows, int], GaussianCloud] | None = None
    marks: Marks = NO_MARKS

    @classmethod
    def of(cls, cloud: GaussianCloud) -> "Stream":
        """A cloud in memory as a stream: blocks are views."""
        stream = cls(cloud.count, cloud.sh_degree, cloud.rows, cloud.camera, lambda rows: cloud.means[rows])
        return replace(stream, marks=cloud.marks)

    def blocks(self, function: Callable[[GaussianCloud], R]) -> Iterator[R]:
        """`function` of each block, in order, several at once."""
        return in_order(lambda rows: function(self.decode(rows)), self.slices())

    def means(self, rows: Rows) -> F32:
        """Of the Gaussians at `rows`, (M, 3), metres."""
        return self.decode_means(rows) if self.decode_means else self.decode(rows).means

    def selected(self, order: I64) -> Self:
        """The Gaussians at `order`, (M,) indices, in that order."""
        means, less = self.means, self.decode_less
        return replace(
            self,
            count=order.size,
            decode=lambda rows: self.decode(order[rows]),
            decode_means=lambda rows: means(order[rows]),
            glance=None,
            decode_less=(lambda rows, degree: less(order[rows], degree)) if less else None,
        )

    def changed(self, change: Callable[[GaussianCloud], GaussianCloud]) -> Self:
        """Each block as `change` makes it, which leaves counts and means as they are."""
        less = self.decode_less
        return replace(
            self,
            decode=lambda rows: change(self.decode(rows)),
            glance=None,
            decode_less=(lambda rows, degree: change(less(rows, degree))) if less else None,
        )

    def with_sh_degree(self, degree: int) -> Self:
        """The same Gaussians with their spherical harmonics cut off above `degree`."""
        if degree >= self.sh_degree:
            return self
        less = self.decode_less
        if less:
            return replace(self, sh_degree=degree, decode=lambda rows: less(rows, degree))
        return replace(self.changed(lambda block: block.with_sh_degree(degree)), sh_degree=degree)

    def cloud(self) -> GaussianCloud:
        """All of it in memory."""
        cloud = GaussianCloud.empty(self.count, self.sh_degree, self.camera, self.marks)

        def copy(rows: slice) -> None:
            block = self.decode(rows)
            cloud.means[rows] = block.means
            cloud.log_scales[rows] = block.log_scales
            cloud.quaternions[rows] = block.quaternions
            cloud.opacity_logits[rows] = block.opacity_logits
            cloud.sh[rows] = block.sh

        for _ in in_order(copy, self.slices()):
            pass
        return cloud

    def slices(self) -> Iterator[slice]:
        """The blocks: all rows, in pieces that fit the caches."""
        floats = 11 + 3 * SH_COEFFICIENTS[self.sh_degree]
        step = 1 << (_BLOCK_BYTES // (4 * floats)).bit_length() - 1
        for start in range(0, self.count, step):
            yield slice(start, min(start + step, self.count))


@dataclass(frozen=True)
class Places:
    """Where the Gaussians of a stream are. seen: their bounds, where they are known already."""

    means: Callable[[Rows], F32]
    slices: tuple[slice, ...]
    seen: tuple[F64, F64] | None = None

    @property
    def low(self) -> F64:
        """The smallest mean, (3,), metres; zeros where there is none."""
        return self._bounds[0]

    @property
    def high(self) -> F64:
        """The largest mean, as `low`."""
        return self._bounds[1]

    @cached_property
    def _bounds(self) -> tuple[F64, F64]:
        if self.seen:
            return self.seen
        found = list(in_order(lambda rows: bounds(self.means(rows)), self.slices))
        if not found:
            return np.zeros(3), np.zeros(3)
        return np.min([low for low, _ in found], axis=0), np.max([high for _, high in found], axis=0)

    @cached_property
    def morton_order(self) -> I64:
        """Indices, (N,), that sort by place along a Z-order curve over the bounding cube; made once."""
        return morton_order_of_blocks(self.means, self.slices, self.low, self.high)


@dataclass(frozen=True)
class SoundStream(Stream):
    """A stream whose values are finite and whose quaternions are unit."""

    places: Places = field(kw_only=True)
