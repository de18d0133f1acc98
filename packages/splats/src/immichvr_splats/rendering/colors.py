"""Colours of Gaussians as they are seen from one place."""

import numpy as np

from immichvr_splats.cloud import SH_C0
from immichvr_splats.compiled import F32, F64, kernel
from immichvr_splats.rendering.spots import BLUE, GREEN, OPACITY, RED

_A1 = np.sqrt(3 / (4 * np.pi))
_A2, _B2 = np.sqrt(15 / np.pi) / 2, np.sqrt(5 / np.pi) / 4
_A3, _B3 = np.sqrt(35 / (2 * np.pi)) / 4, np.sqrt(105 / np.pi) / 2
_C3, _D3 = np.sqrt(21 / (2 * np.pi)) / 4, np.sqrt(7 / np.pi) / 4


@kernel
def color_spots(means: F32, sh: F32, eye: F64, spots: F32) -> None:
    """Fill in the colours, 0 or more, of those `spots`, (N, WIDTH), that are to be seen from `eye`, (3,).

    One whose colour is not finite is not to be seen.
    """
    basis = np.empty(sh.shape[1])
    for i in range(means.shape[0]):
        if spots[i, OPACITY] == 0:
            continue
        _fill_basis(means[i, 0] - eye[0], means[i, 1] - eye[1], means[i, 2] - eye[2], basis)
        red = green = blue = 0.5
        for k in range(basis.shape[0]):
            red += basis[k] * sh[i, k, 0]
            green += basis[k] * sh[i, k, 1]
            blue += basis[k] * sh[i, k, 2]
        if not abs(red) + abs(green) + abs(blue) < np.inf:
            spots[i, OPACITY] = 0
            continue
        spots[i, RED], spots[i, GREEN], spots[i, BLUE] = max(red, 0.0), max(green, 0.0), max(blue, 0.0)


@kernel
def _fill_basis(x: float, y: float, z: float, basis: F64) -> None:
    """Real spherical harmonics in the order and signs of 3D Gaussian splatting, of a direction of any length."""
    basis[0] = SH_C0
    if basis.shape[0] == 1:
        return
    length = max(np.sqrt(x * x + y * y + z * z), 1e-12)
    x, y, z = x / length, y / length, z / length
    basis[1], basis[2], basis[3] = -_A1 * y, _A1 * z, -_A1 * x
    if basis.shape[0] == 4:
        return
    xx, yy, zz = x * x, y * y, z * z
    basis[4], basis[5], basis[6] = _A2 * x * y, -_A2 * y * z, _B2 * (2 * zz - xx - yy)
    basis[7], basis[8] = -_A2 * x * z, 0.5 * _A2 * (xx - yy)
    if basis.shape[0] == 9:
        return
    basis[9], basis[10] = -_A3 * y * (3 * xx - yy), _B3 * x * y * z
    basis[11], basis[12] = -_C3 * y * (4 * zz - xx - yy), _D3 * z * (2 * zz - 3 * xx - 3 * yy)
    basis[13], basis[14] = -_C3 * x * (4 * zz - xx - yy), 0.5 * _B3 * z * (xx - yy)
    basis[15] = -_A3 * x * (xx - 3 * yy)
