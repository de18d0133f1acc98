"""How this package compiles its inner loops, and the array types they work on."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

P = ParamSpec("P")
R = TypeVar("R")

_FINITE = ("nnan", "nsz")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` on first call, keep the machine code on disk, and release the GIL while it runs.

    IEEE semantics stay on: NaN and infinity are what cleaning and quantising have to see.
    """
    return _compiled(function)


def finite_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """As `kernel`, for values known to be finite: least and greatest are found with vector code."""
    return _compiled(function, *_FINITE)


def fused_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """As `finite_kernel`, and what is multiplied and added is rounded once, where the processor has that.

    For pictures: last digits differ from machine to machine.
    """
    return _compiled(function, *_FINITE, "contract")


def summing_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """As `fused_kernel`, and sums are taken in the order that suits vectors: the same on every call on one machine."""
    return _compiled(function, *_FINITE, "contract", "reassoc")


def _compiled(function: Callable[P, R], *liberties: str) -> Callable[P, R]:
    """liberties: LLVM's flags of what its arithmetic may do beyond IEEE's."""
    decorate = njit(cache=True, nogil=True, error_model="numpy", fastmath=set(liberties))
    return cast("Callable[P, R]", decorate(function))
