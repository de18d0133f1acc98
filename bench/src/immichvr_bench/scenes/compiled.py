"""How the renderer's inner loops are compiled, and the array types they work on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from immichvr_splats.compiled import kernel

__all__ = ["Bytes", "Doubles", "Floats", "Indices", "kernel"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]


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
