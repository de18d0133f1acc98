"""How the renderer's inner loops are compiled, and the array types they work on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _forget_stale_code() -> None:
    """Delete cached machine code older than any source here.

    numba looks at a function's own file only; most of ours are compiled into their callers in other files.
    """
    folder = Path(__file__).parent
    newest = max(source.stat().st_mtime for source in folder.glob("*.py"))
    for cached in folder.glob("__pycache__/*.nbi"):
        if cached.stat().st_mtime < newest:
            cached.unlink(missing_ok=True)


_forget_stale_code()


def kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile on the first call, keep the machine code on disk, run without the interpreter's lock."""
    return cast("Callable[_P, _R]", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
