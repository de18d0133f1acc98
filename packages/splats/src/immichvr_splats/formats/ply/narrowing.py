"""Numbers of more digits than float32 has, made float32: what that costs, and what is taken off means to spare it.

Coordinates of maps are some millions of metres, where float32 goes in steps of half a metre. So the middle of such
means, in whole metres, is taken off before they lose their digits, and kept beside them as their origin.
"""

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.cloud import Marks
from immichvr_splats.compiled import F32, F64
from immichvr_splats.losses import Loss

_AXES = ("x", "y", "z")
_WORTH_MOVING_M = 1e-3  # steps of float32: those of 8 km
_TOLD_OF_TEXT_M = 1e-4
_WIDE = ("i4", "u4", "i8", "u8", "f8")
Values = NDArray[np.generic]


class Narrowing:
    """Makes float32 of the columns of one element, block by block.

    codes: numpy's of each property, by name and in order; None where all is text, whose digits nobody promised.
    """

    def __init__(self, names: list[str], codes: list[str] | None, count: int) -> None:
        self._count, self._text = count, codes is None
        self._wide = [i for i, code in enumerate(codes or []) if code in _WIDE]
        self._names = names
        places = [names.index(axis) for axis in _AXES if axis in names]
        self._places = places if len(places) == len(_AXES) else []
        self._moves = bool(self._places) and (self._text or not set(places).isdisjoint(self._wide))
        self._decided = False
        self._origin: F64 | None = None
        self._apart = 0.0  # metres
        self._before = 0.0
        self._others: set[str] = set()

    @property
    def origin(self) -> tuple[float, float, float] | None:
        """What was taken off x, y, z."""
        if self._origin is None:
            return None
        x, y, z = self._origin.tolist()
        return x, y, z

    def narrow(self, columns: list[Values], target: F32) -> None:
        """Fills `target`, (N, columns)."""
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 is infinite, and treated as such
            for i, values in enumerate(columns):
                target[:, i] = values
            if self._moves:
                self._place(np.stack([columns[i] for i in self._places], axis=1).astype(np.float64), target)
            for i in self._wide:
                if i not in self._places and self._names[i] not in self._others:
                    apart = target[:, i] != columns[i]
                    if apart.any() and (columns[i] == columns[i])[apart].any():  # NaN is what it was
                        self._others.add(self._names[i])

    def losses(self) -> list[Loss]:
        """What it cost, once all is narrowed."""
        losses = []
        if self._origin is not None:
            off = Marks(origin=self.origin).place
            message = (
                f"means are counted from their {off}, which leaves them exact to {_metres(self._apart)}; "
                f"float32 would have moved them by up to {_metres(self._before)}"
            )
            losses.append(Loss("precision", message, self._count))
        elif self._apart > (_TOLD_OF_TEXT_M if self._text else 0):
            message = f"x, y, z have more digits than float32 keeps: moved by up to {_metres(self._apart)}"
            losses.append(Loss("precision", message, self._count))
        if self._others:
            names = [name for name in self._names if name in self._others]
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            message = f"{', '.join(names[:3])}{more} have more digits than the 7 that float32 keeps"
            losses.append(Loss("precision", message, self._count))
        return losses

    def _place(self, places: F64, target: F32) -> None:
        finite = places[np.isfinite(places).all(axis=1)]
        if not finite.size:
            return
        if not self._decided:
            self._decided = True
            self._origin = _origin_of(finite)
        self._before = max(self._before, _rounding(finite))
        if self._origin is not None:
            places, finite = places - self._origin, finite - self._origin
            target[:, self._places] = places
        self._apart = max(self._apart, _rounding(finite))


def _origin_of(places: F64) -> F64 | None:
    # By the middle of them: one that strays needs its digits least.
    origin: F64 = np.round(np.median(places, axis=0))
    step = np.spacing(np.abs(origin).max().astype(np.float32))
    return origin if _WORTH_MOVING_M < step < np.inf else None


def _rounding(places: F64) -> float:
    """The most that float32 moves one of `places`, metres; what it cannot hold at all is dropped, not moved."""
    apart = np.abs(places.astype(np.float32) - places)
    return float(apart.max(where=np.isfinite(apart), initial=0))


def _metres(length: float) -> str:
    return f"{length:.2g} m"
