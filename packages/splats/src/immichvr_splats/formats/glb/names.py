"""Names and axes of KHR_gaussian_splatting."""

import numpy as np

from immichvr_splats.compiled import F64

EXTENSION = "KHR_gaussian_splatting"
TO_GLTF: F64 = np.diag([1.0, -1.0, -1.0, 1.0])
"""From OpenCV's axes to glTF's, and back."""


def harmonic_names(degree: int) -> list[str]:
    """Attribute names of the coefficients up to `degree`, in their order."""
    return [f"{EXTENSION}:SH_DEGREE_{band}_COEF_{n}" for band in range(degree + 1) for n in range(2 * band + 1)]
