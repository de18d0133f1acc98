"""The maps of one window after another on one scale, as Video Depth Anything does it, but never more than two at once.

Each window's maps are scaled and shifted so that those of two frames, which the network saw before, lie nearest to what
they were; eight maps are faded from the one window into the next. Maps stay raw, at the network's resolution, with what
is to be done with them (Share): least squares and clamps belong to the size of the frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from immichvr_depth.compiled import Floats, Indices, kernel

from immichvr_video_depth.engine.frames import FloatImage, Share
from immichvr_video_depth.engine.rows import add_row, grid_of, mix_rows
from immichvr_video_depth.engine.windows import FADED, MIDDLE, OVERLAP, WINDOW

Shares = tuple[Share, ...]
State = Mapping[str, npt.NDArray[np.generic]]

_CONSTANT = 1e-12
"""A variance below this part of the square is rounding: there is nothing to fit."""


class WindowAlignment:
    """Aligns one shot's windows of 32 maps.

    width, height: of the frames. metric: the maps are metres, and only faded.
    """

    def __init__(self, width: int, height: int, metric: bool, state: State | None = None) -> None:
        self._size, self._metric = (width, height), metric
        self._references: tuple[Share, ...] = ()
        self._tail: tuple[Share, ...] = ()
        if state is not None:
            self._references, self._tail = unpacked(state, "references"), unpacked(state, "tail")

    def add(self, raw: Sequence[FloatImage]) -> list[Shares]:
        """Takes a window, 32 maps (h', w') float32; the depth of the frames that is final now, in order."""
        if len(raw) != WINDOW:
            raise ValueError(f"a window has {WINDOW} maps, not {len(raw)}")
        first = not self._references
        scale, shift = (1.0, 0.0) if first or self._metric else self._fit(raw)
        made = [Share(one, scale, shift, clamped=not first) for one in raw]
        final: list[Shares] = [(share,) for share in made[: WINDOW - FADED]]
        if not first:
            final = [*self._faded(made[OVERLAP - FADED : OVERLAP]), *final[OVERLAP:]]
        begin = self._references[0] if self._references else _apart(made[0])
        self._references = (begin, _apart(made[MIDDLE]))
        self._tail = tuple(_apart(share) for share in made[WINDOW - FADED :])
        return final

    def pending(self) -> list[Shares]:
        """The depth that is not final yet, as it would be if the shot ended here."""
        return [(share,) for share in self._tail]

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """What it takes to go on after this window."""
        return packed(self._references, "references") | packed(self._tail, "tail")

    def _fit(self, raw: Sequence[FloatImage]) -> tuple[float, float]:
        current = [Share(one, clamped=False) for one in raw[: len(self._references)]]
        return least_squares(list(zip(current, self._references, strict=True)), *self._size)

    def _faded(self, new: Sequence[Share]) -> list[Shares]:
        """From the old maps to the new: the first is all old, the last all new."""
        faded: list[Shares] = []
        for step, (old, fresh) in enumerate(zip(self._tail, new, strict=True)):
            weight = step / (FADED - 1)
            shares = (replace(old, weight=1 - weight), replace(fresh, weight=weight))
            faded.append(tuple(share for share in shares if share.weight > 0))
        return faded


def least_squares(pairs: Sequence[tuple[Share, Share]], width: int, height: int) -> tuple[float, float]:
    """The scale and shift that bring the first of each pair nearest to the second, over all pixels of that size."""
    squares, total, products, wanted = np.sum(
        [_sums(one.raw, other.raw, height, *grid_of((one, other), width, height)) for one, other in pairs], axis=0
    ).tolist()
    count = len(pairs) * width * height
    determinant = squares * count - total * total
    if determinant <= _CONSTANT * squares * count:
        return 1.0, 0.0
    scale = (count * products - total * wanted) / determinant
    return scale, (squares * wanted - total * products) / determinant


@kernel
def _sums(
    current: FloatImage, reference: FloatImage, height: int, numbers: Floats, lefts: Indices, parts: Floats,
    steps: npt.NDArray[np.float64],
) -> tuple[float, float, float, float]:  # fmt: skip
    """Of p * p, p, p * t and t, in double precision."""
    width = lefts.shape[1]
    given, wished = np.empty(width, np.float32), np.empty(width, np.float32)
    blend, second = np.empty(current.shape[1] + 1, np.float32), np.empty(reference.shape[1] + 1, np.float32)
    squares = total = products = wanted = 0.0
    for y in range(height):
        given[:] = 0
        wished[:] = 0
        mix_rows(current, y * steps[0], blend)
        add_row(blend, lefts[0], parts[0], numbers[0], given)
        mix_rows(reference, y * steps[1], second)
        add_row(second, lefts[1], parts[1], numbers[1], wished)
        for x in range(width):
            p, t = np.float64(given[x]), np.float64(wished[x])
            squares += p * p
            total += p
            products += p * t
            wanted += t
    return squares, total, products, wanted


def packed(shares: Sequence[Share], name: str) -> dict[str, npt.NDArray[np.generic]]:
    """Shares of full weight as arrays."""
    if not shares:
        return {}
    numbers = np.array([(share.scale, share.shift, share.clamped) for share in shares], np.float64)
    return {f"{name}.raw": np.stack([share.raw for share in shares]), f"{name}.numbers": numbers}


def unpacked(state: State, name: str) -> tuple[Share, ...]:
    """The shares that `packed` made these arrays of."""
    if f"{name}.raw" not in state:
        return ()
    raw, numbers = state[f"{name}.raw"].astype(np.float32), state[f"{name}.numbers"].astype(np.float64)
    return tuple(
        Share(one, float(scale), float(shift), clamped=bool(clamped))
        for one, (scale, shift, clamped) in zip(raw, numbers, strict=True)
    )


def _apart(share: Share) -> Share:
    """The same, not holding its whole window's maps in memory."""
    return replace(share, raw=share.raw.copy())
