"""How the loops over cells are compiled, and the array types they work on.

One thread: lifting is a small part of a job, and workers run side by side.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from immichvr_splats.compiled import kernel

__all__ = ["Bytes", "Floats", "Indices", "Mask", "kernel"]

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
