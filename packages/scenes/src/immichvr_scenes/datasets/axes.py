"""nerfstudio's axes and ours.

Theirs: a camera's x is right, y up, z backward (OpenGL's), the world's z is up, and poses are camera to world. Ours: x
right, y down, z forward, in both. Source: nerfstudio's page "Data conventions".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

_CAMERA = np.diag([1.0, -1.0, -1.0, 1.0])
OUR_WORLD_IN_THEIRS = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
"""(x, y, z) → (x, z, -y)."""


def theirs(camera_to_world: F64) -> F64:
    """Our pose, (4, 4), as nerfstudio writes it."""
    return np.asarray(OUR_WORLD_IN_THEIRS @ camera_to_world @ _CAMERA)


def ours(camera_to_world: F64) -> F64:
    """nerfstudio's pose, (4, 4), as a camera's pose of ours."""
    return np.asarray(OUR_WORLD_IN_THEIRS.T @ camera_to_world @ _CAMERA)
