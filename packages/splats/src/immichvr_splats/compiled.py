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


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` on first call, keep the machine code on disk, and release the GIL while it runs.

    IEEE semantics stay on: NaN and infinity are what cleaning and quantising have to see.
    """
    return cast("Callable[P, R]", njit(cache=True, nogil=True, error_model="numpy")(function))


def finite_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """As `kernel`, for values known to be finite: least and greatest are found with vector code."""
    compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "nsz"})(function)
    return cast("Callable[P, R]", compiled)


def fused_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """As `finite_kernel`, and what is multiplied and added is rounded once, where the processor has that.

    For pictures: last digits differ from machine to machine.
    """
    compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "nsz", "contract"})(function)
    return cast("Callable[P, R]", compiled)


def summing_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """As `fused_kernel`, and sums are taken in the order that suits vectors: the same on every call on one machine."""
    flags = {"nnan", "nsz", "contract", "reassoc"}
    return cast("Callable[P, R]", njit(cache=True, nogil=True, error_model="numpy", fastmath=flags)(function))
