"""Clouds turned, mirrored, scaled and moved."""

from dataclasses import replace

import numpy as np

from immichvr_splats.cloud import GaussianCloud
from immichvr_splats.compiled import F32, F64
from immichvr_splats.errors import InvalidCloudError

_TOLERANCE = 1e-3
_DIRECTIONS = 64
# Which of x, y, z each real spherical harmonic is odd in, in the order of the coefficients.
_ODD = np.array(
    [
        (0, 0, 0),
        *((0, 1, 0), (0, 0, 1), (1, 0, 0)),
        *((1, 1, 0), (0, 1, 1), (0, 0, 0), (1, 0, 1), (0, 0, 0)),
        *((0, 1, 0), (1, 1, 1), (0, 1, 0), (0, 0, 1), (1, 0, 0), (0, 0, 1), (1, 0, 0)),
    ]
)
_BANDS = (slice(1, 4), slice(4, 9), slice(9, 16))


def moved(cloud: GaussianCloud, matrix: F64) -> GaussianCloud:
    """The cloud under `matrix`, (4, 4): a rotation or mirroring, one scale for all axes, a translation.

    Spherical harmonics turn too. The camera stays as it is. Raises InvalidCloudError for any other matrix.
    """
    linear, shift = matrix[:3, :3], matrix[:3, 3]
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused below, or dropped by cleaning
        return _moved(cloud, linear, shift)


def _moved(cloud: GaussianCloud, linear: F64, shift: F64) -> GaussianCloud:
    squares = linear.T @ linear
    scale = float(np.sqrt(np.trace(squares) / 3))
    sound = np.isfinite(squares).all() and np.isfinite(shift).all() and scale > 0
    if not sound or not np.allclose(squares, scale**2 * np.eye(3), rtol=0, atol=_TOLERANCE * scale**2):
        raise InvalidCloudError("a transformation that shears, or scales axes differently: Gaussians cannot follow it")
    rotation = linear / scale
    if (np.abs(rotation) == np.eye(3)).all():
        cloud = flipped(cloud, np.diag(rotation))
    else:
        turn = _quaternion(rotation * np.sign(np.linalg.det(rotation)))  # a Gaussian is its own mirror image at a point
        means = (cloud.means @ rotation.T).astype(np.float32)
        quaternions = _product(turn, cloud.quaternions)
        cloud = replace(cloud, means=means, quaternions=quaternions, sh=_turned_harmonics(cloud.sh, rotation))
    if scale == 1 and not shift.any():
        return cloud
    means = (cloud.means * scale + shift).astype(np.float32)
    return replace(cloud, means=means, log_scales=cloud.log_scales + np.float32(np.log(scale)))


def flipped(cloud: GaussianCloud, signs: F64) -> GaussianCloud:
    """The cloud with each axis multiplied by its one of `signs`, (3,), 1 or -1: exact to the last bit."""
    axes = signs.astype(np.float32)
    around = np.concatenate(([1], np.prod(axes) * axes)).astype(np.float32)
    return replace(
        cloud,
        means=cloud.means * axes,
        quaternions=cloud.quaternions * around,
        sh=cloud.sh * harmonic_signs(signs)[: cloud.sh.shape[1], None],
    )


def harmonic_signs(signs: F64) -> F32:
    """What each axis' sign makes of the 16 spherical harmonics, (16,)."""
    factors: F32 = np.prod(np.where(_ODD, signs, 1), axis=1).astype(np.float32)
    return factors


def _turned_harmonics(sh: F32, rotation: F64) -> F32:
    """Each band by its own matrix, found from the basis' values in directions before and after turning."""
    directions = np.random.default_rng(0).standard_normal((_DIRECTIONS, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    after, before = _basis(directions), _basis(directions @ rotation)
    turned = sh.copy()
    for band in _BANDS:
        if sh.shape[1] >= band.stop:
            matrix = np.linalg.lstsq(after[:, band], before[:, band], rcond=None)[0].astype(np.float32)
            turned[:, band] = np.einsum("ij,njc->nic", matrix, sh[:, band])
    return turned


def _basis(directions: F64) -> F64:
    """The real spherical harmonics, (N, 16), with the signs of 3D Gaussian splatting, of unit vectors, (N, 3)."""
    x, y, z = directions.T
    one = np.ones_like(x)
    degree_0 = [0.28209479177387814 * one]
    degree_1 = [-0.4886025119029199 * y, 0.4886025119029199 * z, -0.4886025119029199 * x]
    degree_2 = [
        1.0925484305920792 * x * y,
        -1.0925484305920792 * y * z,
        0.31539156525252005 * (2 * z * z - x * x - y * y),
        -1.0925484305920792 * x * z,
        0.5462742152960396 * (x * x - y * y),
    ]
    degree_3 = [
        -0.5900435899266435 * y * (3 * x * x - y * y),
        2.890611442640554 * x * y * z,
        -0.4570457994644658 * y * (4 * z * z - x * x - y * y),
        0.3731763325901154 * z * (2 * z * z - 3 * x * x - 3 * y * y),
        -0.4570457994644658 * x * (4 * z * z - x * x - y * y),
        1.445305721320277 * z * (x * x - y * y),
        -0.5900435899266435 * x * (x * x - 3 * y * y),
    ]
    return np.stack(degree_0 + degree_1 + degree_2 + degree_3, axis=1)


def _quaternion(rotation: F64) -> F64:
    """wxyz of a rotation matrix: the eigenvector of the largest eigenvalue of Bar-Itzhack's matrix."""
    (a, b, c), (d, e, f), (g, h, i) = rotation
    symmetric = np.array(
        [
            [a + e + i, h - f, c - g, d - b],
            [h - f, a - e - i, b + d, c + g],
            [c - g, b + d, e - a - i, f + h],
            [d - b, c + g, f + h, i - a - e],
        ]
    )
    values, vectors = np.linalg.eigh(symmetric)
    quaternion: F64 = vectors[:, np.argmax(values)]
    return quaternion


def _product(turn: F64, quaternions: F32) -> F32:
    w, x, y, z = turn
    left = np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]])
    turned: F32 = (quaternions @ left.T).astype(np.float32)
    return turned
